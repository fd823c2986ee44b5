// Prunes a store from time to time, without keeping the store or the process alive for it.
import { assertSeconds } from "../../core/checks.ts";
import type { Clock } from "../../core/clock.ts";

interface Prunable {
  prune(): Promise<number>;
}

/** Seconds between two rounds where nothing else is said. */
export const PRUNE_INTERVAL = 900;
// A day: what is longer was meant in milliseconds.
const LONGEST = 86_400;

/** @throws TypeError or RangeError for what is neither `false` nor seconds from 1 to a day. */
export function assertPruneInterval(pruneInterval: number | false | undefined): void {
  if (pruneInterval !== undefined && pruneInterval !== false)
    assertSeconds("option pruneInterval", pruneInterval, 1, LONGEST);
}

/**
 * Calls `prune` about every so many milliseconds, never twice at once. A round that fails is tried
 * again at the next turn: nobody waits for it, and whoever uses the store meets the same failure.
 *
 * @returns a function that ends it.
 */
export function pruneFromTimeToTime(store: Prunable, clock: Clock, interval: number): () => void {
  const reference = new WeakRef(store);
  let cancel: (() => void) | undefined;
  let isStopped = false;
  const plan = (): void => {
    // Processes that were started together must not prune together.
    if (!isStopped) cancel = clock.schedule(interval * (0.9 + Math.random() * 0.2), round);
  };
  const round = (): void => {
    const target = reference.deref();
    if (target) target.prune().then(plan, plan);
  };
  plan();
  return () => {
    isStopped = true;
    cancel?.();
  };
}
