// What the overview knows of the store: how many sessions there are, and how many a user has. A
// bounded look, however many there are, and not more often than every few seconds, however many
// look.
import type { AllSessions, FoundSession } from "../../core/session/all-sessions.ts";

const SAMPLE = 500;
const MOST_PAGES = 5;
const MOST_USERS = 50;
const FRESH_FOR = 5000;

/**
 * How many sessions there are: `about`, as the store counts; `exactly` or `at least` what a look
 * found.
 */
export interface LiveCount {
  readonly kind: "about" | "exactly" | "at least";
  readonly count: number;
}

/** What a look at the store found. */
export interface StoreSample {
  readonly live: LiveCount;
  /** The share of users by the number of their sessions, in the order of {@link GROUPS}. */
  readonly shares: readonly number[];
  /** Of how many users that is; of all of them, or of some. */
  readonly users: number;
  readonly isAll: boolean;
}

/** Numbers of sessions of a user, as they are shown: each up to and with its number. */
export const GROUPS: readonly (readonly [name: string, upTo: number])[] = [
  ["1", 1],
  ["2", 2],
  ["3", 3],
  ["4", 4],
  ["5", 5],
  ["6–10", 10],
  ["11+", Infinity],
];

/** Looks at the store. */
export class StoreLook<Data> {
  readonly #all: AllSessions<Data>;
  readonly #clock: { now(): number };
  #last: { at: number; sample: Promise<StoreSample> } | undefined;

  constructor(all: AllSessions<Data>, clock: { now(): number }) {
    this.#all = all;
    this.#clock = clock;
  }

  /** @throws StoreError */
  sample(): Promise<StoreSample> {
    const now = this.#clock.now();
    const last = this.#last;
    if (last && Math.abs(now - last.at) < FRESH_FOR) return last.sample;
    const sample = this.#look();
    this.#last = { at: now, sample };
    // A failure is told once, and the next one looks again.
    sample.catch(() => (this.#last = undefined));
    return sample;
  }

  async #look(): Promise<StoreSample> {
    const [counted, { sessions, isAll }] = await Promise.all([this.#all.count(), this.#some()]);
    const live: LiveCount = isAll
      ? { kind: "exactly", count: sessions.length }
      : { kind: "about", count: counted ?? 0 };
    const users = new Map<string, number>();
    for (const { userId } of sessions)
      if (userId !== undefined) users.set(userId, (users.get(userId) ?? 0) + 1);
    const counts = isAll
      ? [...users.values()]
      : await this.#countsOf([...users.keys()].slice(0, MOST_USERS));
    return {
      live: !isAll && counted === undefined ? { kind: "at least", count: sessions.length } : live,
      shares: sharesOf(counts, isAll),
      users: counts.length,
      isAll,
    };
  }

  async #some(): Promise<{ sessions: FoundSession<Data>[]; isAll: boolean }> {
    const sessions: FoundSession<Data>[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MOST_PAGES && sessions.length < SAMPLE; page++) {
      const found = await this.#all.scan(cursor, { limit: SAMPLE });
      sessions.push(...found.sessions);
      cursor = found.cursor;
      if (cursor === undefined) return { sessions, isAll: true };
    }
    return { sessions, isAll: false };
  }

  async #countsOf(users: readonly string[]): Promise<number[]> {
    const found = await Promise.all(users.map((user) => this.#all.ofUser(user)));
    // Whoever has signed out meanwhile has none.
    return found.map((sessions) => sessions.length).filter((count) => count > 0);
  }
}

/**
 * A user with ten sessions is met ten times as often as one with one: by so much less each counts,
 * where not all were met.
 */
function sharesOf(counts: readonly number[], isAll: boolean): number[] {
  const weightOf = (count: number): number => (isAll ? 1 : 1 / count);
  const total = counts.reduce((sum, count) => sum + weightOf(count), 0);
  let from = 0;
  return GROUPS.map(([, upTo]) => {
    const share = counts
      .filter((count) => count > from && count <= upTo)
      .reduce((sum, count) => sum + weightOf(count), 0);
    from = upTo;
    return total === 0 ? 0 : share / total;
  });
}
