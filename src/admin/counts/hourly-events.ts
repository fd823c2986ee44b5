// What happened to sessions in each of the last 24 hours, as this process heard of it. Bounded:
// names are few and hours are 24.
import type { AdminSession } from "../admin-options.ts";

const HOUR = 3_600_000;
const HOURS = 24;
// Reasons are a handful; what is not, is no reason.
const MOST_NAMES = 24;

/** One hour: when it began, and how often what happened. */
export interface CountedHour {
  readonly startsAt: number;
  readonly counts: ReadonlyMap<string, number>;
}

/** Counts events by the hour. */
export class HourlyEvents {
  readonly #clock: { now(): number };
  readonly #hours: { startsAt: number; counts: Map<string, number> }[] = [];
  /** Since when it counts. */
  readonly since: number;

  constructor(clock: { now(): number }) {
    this.#clock = clock;
    this.since = clock.now();
  }

  add(name: string, count = 1): void {
    const { counts } = this.#current();
    if (counts.has(name) || counts.size < MOST_NAMES)
      counts.set(name, (counts.get(name) ?? 0) + count);
  }

  /** The last 24 hours, oldest first, those without an event too. */
  hours(): CountedHour[] {
    const now = hourOf(this.#clock.now());
    return Array.from({ length: HOURS }, (_, at) => {
      const startsAt = now - (HOURS - 1 - at) * HOUR;
      return {
        startsAt,
        counts:
          this.#hours.find((hour) => hour.startsAt === startsAt)?.counts ??
          new Map<string, number>(),
      };
    });
  }

  #current(): { counts: Map<string, number> } {
    const startsAt = hourOf(this.#clock.now());
    const last = this.#hours.at(-1);
    // A clock that is set back counts on in the hour there is.
    if (last && last.startsAt >= startsAt) return last;
    const hour = { startsAt, counts: new Map<string, number>() };
    this.#hours.push(hour);
    if (this.#hours.length > HOURS) this.#hours.shift();
    return hour;
  }
}

/** Counts what becomes of sessions. @returns a function that ends it. */
export function countEvents<Data extends object>(
  session: Pick<AdminSession<Data>, "on">,
  events: HourlyEvents,
): () => void {
  const stops = [
    session.on("created", () => events.add("created")),
    session.on("ended", ({ reason }) => events.add(`ended ${reason}`)),
    session.on("revoked", ({ count }) => events.add("ended revoked", count)),
    session.on("refused", ({ reason }) => events.add(`refused ${reason}`)),
  ];
  return () => stops.forEach((stop) => stop());
}

function hourOf(at: number): number {
  return Math.floor(at / HOUR) * HOUR;
}
