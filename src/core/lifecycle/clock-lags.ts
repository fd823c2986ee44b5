// How far this process's clock may be ahead of others'. Every instant that another process has
// written and that is read here bounds it: written at 12:00, read at 12:01 by our clock, our clock
// is ahead by a minute at most. The bound holds although nobody's clock is known to be right.
import { Buffer } from "node:buffer";
import { randomFillSync } from "node:crypto";
import type { Clock } from "../clock.ts";
import { RecentMap } from "../store/recent-map.ts";

// Processes, and records of former versions, which do not say whose clock they go by.
const MOST_CLOCKS = 4096;
const NAME_BYTES = 6;

// Every Session over one clock goes by its instants alike. Names are made when they are first written: Workers allow no randomness before.
const names = new WeakMap<Clock, string>();

/** What is known of the clocks that wrote the instants in this store. */
export class ClockLags {
  readonly #clock: Clock;
  readonly #lags = new RecentMap<number>(MOST_CLOCKS);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What our own clock is called in records. */
  get ownName(): string {
    const known = names.get(this.#clock);
    if (known !== undefined) return known;
    const name = randomFillSync(Buffer.alloc(NAME_BYTES)).toString("base64url");
    names.set(this.#clock, name);
    return name;
  }

  /**
   * The milliseconds that our clock is ahead of the named one, at most; less than none where it is behind. Notes what this instant says of it.
   *
   * @param instant that clock's, of something that has happened.
   */
  lagOf(name: string, instant: number, now: number): number {
    if (name === names.get(this.#clock)) return 0;
    const known = this.#lags.get(name);
    const lag = now - instant;
    if (known !== undefined && known <= lag) return known;
    this.#lags.set(name, lag);
    return lag;
  }
}
