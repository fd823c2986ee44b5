// A clock that stands still until it is told to move: tests of lifetimes wait for nothing.
import type { Clock } from "../core/clock.ts";

interface Timer {
  at: number;
  task: () => void;
}

/** A {@link Clock} for tests. `new Session({ clock })`, then `clock.advance(60_000)`. */
export class ManualClock implements Clock {
  #now: number;
  readonly #timers = new Set<Timer>();

  /** @param startAt milliseconds since the epoch, default the machine's time. */
  constructor(startAt: number = Date.now()) {
    this.#now = Math.floor(startAt);
  }

  now(): number {
    return this.#now;
  }

  schedule(delay: number, task: () => void): () => void {
    // Whole milliseconds, as a machine's clock has them: what a task reads at its time is stored as
    // an instant.
    const timer = { at: this.#now + Math.max(Math.ceil(delay), 0), task };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** How many tasks wait for their time. */
  get scheduled(): number {
    return this.#timers.size;
  }

  /** Moves time on by so many milliseconds and runs, in order, what falls due on the way. */
  advance(milliseconds: number): void {
    if (!(milliseconds >= 0))
      throw new RangeError(
        `Cannot advance the clock by ${milliseconds}: milliseconds from 0 are wanted`,
      );
    const until = this.#now + Math.floor(milliseconds);
    for (;;) {
      const [next] = [...this.#timers]
        .filter((timer) => timer.at <= until)
        .sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.task();
    }
    this.#now = until;
  }
}
