// Where time comes from, so that a test can hold it still. Nothing else in core asks the machine
// for the time.

/**
 * A source of time. The default is the machine's; tests pass `ManualClock` of `harpiats/testing`.
 */
export interface Clock {
  /** The current instant in milliseconds since the epoch. */
  now(): number;
  /**
   * Calls `task` once after `delay` milliseconds, without keeping the process alive.
   *
   * @returns a function that cancels the call.
   */
  schedule(delay: number, task: () => void): () => void;
}

/** Milliseconds by which the clocks of two machines may differ without anything being wrong. */
export const CLOCK_TOLERANCE = 30_000;

// Longer delays overflow a timer's 32-bit integer and would fire at once.
const LONGEST_DELAY = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(delay, task) {
    const timer = setTimeout(task, Math.min(Math.max(delay, 0), LONGEST_DELAY));
    // On Workers a timer is a number, without unref, and keeps nothing alive.
    if (typeof timer === "object") timer.unref();
    return () => clearTimeout(timer);
  },
};
