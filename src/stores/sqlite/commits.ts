// Changes of one turn of the event loop share one transaction: a durable commit costs far more than
// the change in it. Waits for other processes without stopping this one. Knows nothing of sessions.
import { setImmediate, setTimeout } from "node:timers";
import { isBusy, type SqliteConnection } from "./client.ts";

interface Waiting {
  /** Does the work inside a transaction. May run again if that failed. */
  work: () => unknown;
  resolve(result: unknown): void;
  reject(reason: unknown): void;
}

// Another process commits within a millisecond or so; one that does not should not cost us a busy
// loop.
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 8;
// More in one transaction would keep other processes from writing.
const MOST_CHANGES = 500;

/** Is told of each transaction, inside of it. */
export interface TransactionObserver {
  begun(): void;
  ending(): void;
}

/** Runs changes in the order they came, each acknowledged after the commit that holds it. */
export class GroupCommit {
  readonly #connection: SqliteConnection;
  readonly #busyTimeout: number;
  readonly #observer: TransactionObserver;
  #waiting: Waiting[] = [];
  #isScheduled = false;
  #idle: (() => void)[] = [];
  // Of the file's lock, which knows only real time, whatever the store's clock says.
  #busySince: number | undefined;
  #pause = FIRST_PAUSE;

  /** @param busyTimeout milliseconds that a change waits for other processes. */
  constructor(
    connection: SqliteConnection,
    { busyTimeout, observer }: { busyTimeout: number; observer: TransactionObserver },
  ) {
    this.#connection = connection;
    this.#busyTimeout = busyTimeout;
    this.#observer = observer;
  }

  /**
   * Does a piece of work in a transaction. Rejects with what the work, or the commit, threw: then
   * nothing of it was kept.
   */
  run<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      // Only `work` makes what `resolve` gets.
      this.#waiting.push({ work, resolve: resolve as (result: unknown) => void, reject });
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      // All requests that the poll phase brought in are ahead of setImmediate's turn.
      setImmediate(() => this.#flush());
    });
  }

  /** Resolves once nothing waits to be written. */
  settled(): Promise<void> {
    return this.#isScheduled
      ? new Promise((resolve) => this.#idle.push(resolve))
      : Promise.resolve();
  }

  #flush(): void {
    const group = this.#waiting.splice(0, MOST_CHANGES);
    try {
      this.#commit(group);
    } catch (error) {
      if (isBusy(error) && this.#mayWait()) {
        this.#waiting.unshift(...group);
        setTimeout(() => this.#flush(), this.#nextPause());
        return;
      }
      this.#commitEach(group, error);
    }
    this.#busySince = undefined;
    this.#pause = FIRST_PAUSE;
    if (this.#waiting.length > 0) setImmediate(() => this.#flush());
    else {
      this.#isScheduled = false;
      for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  /** All or nothing. */
  #commit(group: readonly Waiting[]): void {
    const results = this.#connection.write(() => {
      this.#observer.begun();
      const made = group.map(({ work }) => work());
      this.#observer.ending();
      return made;
    });
    for (const [at, { resolve }] of group.entries()) resolve(results[at]);
  }

  /** One that fails must not take the others with it. */
  #commitEach(group: readonly Waiting[], error: unknown): void {
    // What the lock refused it would refuse again, and of one alone the reason is known.
    const isHopeless = group.length === 1 || isBusy(error);
    for (const waiting of group) {
      try {
        if (isHopeless) throw error;
        this.#commit([waiting]);
      } catch (reason) {
        waiting.reject(reason);
      }
    }
  }

  #mayWait(): boolean {
    this.#busySince ??= performance.now();
    return performance.now() - this.#busySince < this.#busyTimeout;
  }

  /** Longer from time to time, and never the same in two processes. */
  #nextPause(): number {
    const pause = this.#pause;
    this.#pause = Math.min(pause * 2, LONGEST_PAUSE);
    return pause * (0.5 + Math.random());
  }
}
