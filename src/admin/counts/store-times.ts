// How often the stores of this process are asked, and how long they take: from what core tells on
// `tracing:harpiats:store:*`. Bounded: an hour of minutes, and a total for each operation.
import { AsyncLocalStorage } from "node:async_hooks";
import { tracingChannel } from "node:diagnostics_channel";

const MINUTE = 60_000;
const MINUTES = 60;
const MOST_OPERATIONS = 40;
// Four buckets to each doubling, from a thousandth of a millisecond to four minutes: off by a fifth
// at most.
const PER_DOUBLING = 4;
const SMALLEST = 2 ** -10;
const BUCKETS = 28 * PER_DOUBLING;

/** Durations in milliseconds, kept as counts. */
export class Durations {
  readonly #buckets = new Uint32Array(BUCKETS);
  count = 0;

  add(milliseconds: number): void {
    const at = Math.ceil(Math.log2(milliseconds / SMALLEST) * PER_DOUBLING);
    const bucket = Math.min(Math.max(Number.isFinite(at) ? at : 0, 0), BUCKETS - 1);
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.count++;
  }

  /**
   * The duration that a part of all stayed under, such as 0.95; `undefined` where there is none.
   */
  quantile(part: number): number | undefined {
    if (this.count === 0) return undefined;
    let left = Math.ceil(this.count * part);
    const bucket = this.#buckets.findIndex((count) => (left -= count) <= 0);
    return SMALLEST * 2 ** (bucket / PER_DOUBLING);
  }
}

/** One operation of one store, since counting began. */
export interface OperationTimes {
  readonly name: string;
  readonly durations: Durations;
  errors: number;
}

interface Operation {
  readonly operation: string;
  readonly store: string;
  readonly error?: unknown;
  readonly result?: unknown;
}

/** Counts what the stores of this process do. */
export class StoreTimes {
  readonly #clock: { now(): number };
  readonly #minutes: { startsAt: number; durations: Durations }[] = [];
  readonly #operations = new Map<string, OperationTimes>();
  readonly #startedAt = new WeakMap<object, number>();
  readonly #isLeftOut = new AsyncLocalStorage<boolean>();

  constructor(clock: { now(): number }) {
    this.#clock = clock;
  }

  /** Begins to count. @returns a function that ends it. */
  listen(): () => void {
    const channel = tracingChannel<unknown, Operation>("harpiats:store");
    const subscribers = {
      start: (operation: Operation) => {
        if (!this.#isLeftOut.getStore()) this.#startedAt.set(operation, performance.now());
      },
      // What was answered at once is over here; what will be answered later has no answer yet.
      end: (operation: Operation) =>
        void (("result" in operation || "error" in operation) && this.#finish(operation)),
      asyncStart: () => {},
      asyncEnd: (operation: Operation) => this.#finish(operation),
      error: () => {},
    };
    channel.subscribe(subscribers);
    return () => channel.unsubscribe(subscribers);
  }

  /** Does something whose operations are not counted. */
  without<T>(act: () => T): T {
    return this.#isLeftOut.run(true, act);
  }

  /** The last 60 minutes, oldest first. */
  minutes(): { startsAt: number; durations: Durations }[] {
    const now = minuteOf(this.#clock.now());
    return Array.from({ length: MINUTES }, (_, at) => {
      const startsAt = now - (MINUTES - 1 - at) * MINUTE;
      return (
        this.#minutes.find((minute) => minute.startsAt === startsAt) ?? {
          startsAt,
          durations: new Durations(),
        }
      );
    });
  }

  /** By operation, the most frequent first. */
  operations(): OperationTimes[] {
    return [...this.#operations.values()].sort((a, b) => b.durations.count - a.durations.count);
  }

  #finish(operation: Operation): void {
    const startedAt = this.#startedAt.get(operation);
    if (startedAt === undefined) return;
    this.#startedAt.delete(operation);
    const milliseconds = performance.now() - startedAt;
    const name = `${operation.store}.${operation.operation}`;
    const times = this.#operations.get(name) ?? { name, durations: new Durations(), errors: 0 };
    if (this.#operations.size < MOST_OPERATIONS) this.#operations.set(name, times);
    times.durations.add(milliseconds);
    if (operation.error !== undefined) times.errors++;
    this.#minute().add(milliseconds);
  }

  #minute(): Durations {
    const startsAt = minuteOf(this.#clock.now());
    const last = this.#minutes.at(-1);
    if (last && last.startsAt >= startsAt) return last.durations;
    const minute = { startsAt, durations: new Durations() };
    this.#minutes.push(minute);
    if (this.#minutes.length > MINUTES) this.#minutes.shift();
    return minute.durations;
  }
}

function minuteOf(at: number): number {
  return Math.floor(at / MINUTE) * MINUTE;
}
