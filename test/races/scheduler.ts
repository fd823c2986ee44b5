// A deterministic scheduler: operations stop before every call of the store, and one at a time is
// let go on. Every order in which they can go on is tried.
import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate } from "node:timers";
import { within } from "../support/waits.ts";

export interface SchedulerOptions {
  /**
   * Whether operations may wait for one another, as in the queue of a three-method store. An
   * operation that neither stops nor ends within some turns of the event loop is taken to wait; so
   * the store must answer at once.
   */
  mayWait?: boolean;
}

// Far more turns than an operation on a store in memory needs from one stop to the next.
const TURNS = 20;

// One for all schedulers: on Node 20 each one that there ever was makes every promise slower.
const running = new AsyncLocalStorage<{ scheduler: Scheduler; index: number }>();

/** Runs operations in an order that `choose` decides at every stop. */
export class Scheduler {
  readonly #mayWait: boolean;
  readonly #stopped = new Map<number, () => void>();
  readonly #ended = new Set<number>();
  #onStopOrEnd: (index: number) => void = () => {};

  constructor({ mayWait = false }: SchedulerOptions = {}) {
    this.#mayWait = mayWait;
  }

  /**
   * A store that stops the operation that calls it, and nobody else. It has no `readSync`, so that
   * every read can be stopped, and no `subscribe`.
   */
  watch<S extends object>(store: S): S {
    return new Proxy(store, {
      get: (target, name) => {
        const member: unknown =
          name === "readSync" || name === "subscribe"
            ? undefined
            : Reflect.get(target, name, target);
        // The constructor's name is the store's name in errors; it is not called.
        if (typeof member !== "function" || name === "constructor") return member;
        return async (...args: unknown[]): Promise<unknown> => {
          const current = running.getStore();
          if (current?.scheduler === this) await this.#stop(current.index);
          return Reflect.apply(member, target, args) as unknown;
        };
      },
    });
  }

  /**
   * Runs all operations to their ends. Rejects as soon as all have ended and one of them has
   * rejected.
   */
  async run(
    operations: readonly (() => Promise<unknown>)[],
    choose: (among: number) => number,
  ): Promise<void> {
    this.#ended.clear();
    const endings = operations.map((operation, index) =>
      running
        .run({ scheduler: this, index }, () => this.#stop(index).then(operation))
        .finally(() => {
          this.#ended.add(index);
          this.#onStopOrEnd(index);
        }),
    );
    const outcomes = Promise.allSettled(endings);
    while (this.#ended.size < operations.length) {
      const ready = [...this.#stopped.keys()].sort((a, b) => a - b);
      if (ready.length === 0) throw new Error("All operations wait for one another");
      const chosen = ready[choose(ready.length)] as number;
      const letGo = this.#stopped.get(chosen) as () => void;
      this.#stopped.delete(chosen);
      const arrival = new Promise<void>((resolve) => {
        this.#onStopOrEnd = (index) => void (index === chosen && resolve());
      });
      letGo();
      await (this.#mayWait
        ? turns(TURNS)
        : within(`operation ${chosen} to stop at the store or to end`, arrival));
    }
    for (const outcome of await within("the operations' outcomes", outcomes))
      if (outcome.status === "rejected") throw outcome.reason;
  }

  #stop(index: number): Promise<void> {
    return new Promise((resolve) => {
      this.#stopped.set(index, resolve);
      this.#onStopOrEnd(index);
    });
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/**
 * Calls `run` once for every sequence of choices there is, depth first. Each call must choose alike
 * when given the same choices: that is what makes the schedules complete.
 *
 * @returns how many there were.
 */
export async function everySchedule(
  run: (choose: (among: number) => number) => Promise<void>,
): Promise<number> {
  let count = 0;
  let path: { choice: number; among: number }[] = [];
  // Until every schedule was run.
  for (;;) {
    let step = 0;
    await run((among) => {
      const taken = (path[step] ??= { choice: 0, among });
      if (taken.among !== among)
        throw new Error("The operations are not deterministic: the same choices led elsewhere");
      step++;
      return taken.choice;
    });
    count++;
    path = path.slice(0, step);
    while (path.length > 0 && (path.at(-1)?.choice ?? 0) + 1 === path.at(-1)?.among) path.pop();
    const last = path.at(-1);
    if (!last) return count;
    last.choice++;
  }
}

/** Calls of one operation wait for one another: a schedule has one next step of each. */
export function oneByOne<Client extends object>(client: Client): Client {
  let last: Promise<unknown> = Promise.resolve();
  return new Proxy(client, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function" || name === "constructor") return member;
      return (...args: unknown[]) => {
        const result = last.then(() => Reflect.apply(member, target, args) as unknown);
        last = result.catch(() => {});
        return result;
      };
    },
  });
}
