// Runs tasks of one key one after another, tasks of different keys side by side.
import { isRequestBound } from "../request-bound.ts";

/** Holds nothing for a key that no task is waiting for. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Runs a task once all earlier ones of this key have ended, however they ended. */
  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    const result = before === undefined ? task() : before.then(task);
    const tail = result.then(ignore, ignore);
    this.#tails.set(key, tail);
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    return result;
  }
}

/**
 * A queue in which tasks of different requests meet. On Workers none waits there: what it waits for
 * may never end.
 */
export function queueOfRequests(): Pick<KeyedQueue, "run"> {
  return isRequestBound() ? { run: (_, task) => task() } : new KeyedQueue();
}

function ignore(): void {}
