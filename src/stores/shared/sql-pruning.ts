// Prunes a store from time to time, without keeping the store or the process alive for it.
import { seconds } from "../../core/checks.ts";
import type { Clock } from "../../core/clock.ts";

interface Prunable {
  prune(): Promise<number>;
}

/** Seconds between two rounds where nothing else is said. */
export const PRUNE_INTERVAL = 900;
// A day: what is longer was meant in milliseconds.
const LONGEST = 86_400;

/** The option of every store that prunes. */
export const pruneIntervalCheck = seconds(1, LONGEST, false);

/**
 * Calls `prune` about every so many seconds from its start on, never twice at once. A round that
 * fails is tried again at the next turn: nobody waits for it, and whoever uses the store meets the
 * same failure.
 */
export class Pruning {
  readonly #store: WeakRef<Prunable>;
  readonly #clock: Clock;
  readonly #interval: number | false;
  #isStarted = false;
  #isStopped = false;
  #cancel: (() => void) | undefined;

  constructor(store: Prunable, clock: Clock, interval: number | false) {
    this.#store = new WeakRef(store);
    this.#clock = clock;
    this.#interval = interval;
  }

  /** Called at each use of the store: at the top of a Worker no timer may be started. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#plan();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  readonly #plan = (): void => {
    if (this.#isStopped || this.#interval === false) return;
    // Processes that were started together must not prune together.
    const delay = this.#interval * 1000 * (0.9 + Math.random() * 0.2);
    this.#cancel = this.#clock.schedule(delay, () => {
      const target = this.#store.deref();
      if (target) target.prune().then(this.#plan, this.#plan);
    });
  };
}
