// Records that were read, kept in this process for a moment, and dropped as soon as any process is
// heard to have changed or ended them. What it holds is never older than `maxAge`; while it may be
// missing messages it holds nothing.
import { seconds, type Shape, whole } from "../checks.ts";
import type { Clock } from "../clock.ts";
import { copyJson } from "../data/json.ts";
import type { StoreChange, StoredSession } from "../store.ts";
import { RecentMap } from "./recent-map.ts";

/** How long records stay in this process, and how many of them. */
export interface NearCacheOptions {
  /**
   * Seconds for which a record is used without asking for it again, where no message said that it
   * has changed. Default 5.
   */
  maxAge?: number | undefined;
  /**
   * Records kept at most, default 10,000. One more makes those go that were not read in a while, up
   * to half of all.
   */
  maxSessions?: number | undefined;
}

interface Kept<Data> {
  session: StoredSession<Data>;
  /** Milliseconds since the epoch. */
  until: number;
}

/** The options of {@link NearCacheOptions}. */
export const NEAR_CACHE_OPTIONS = {
  maxAge: seconds(0.001, 3600),
  maxSessions: whole(1),
} satisfies Shape;

/** Seconds. */
export const MAX_AGE = 5;
const MAX_SESSIONS = 10_000;

/** The records of one process. Trusts nothing before it is told that messages arrive. */
export class NearCache<Data> {
  readonly #clock: Clock;
  readonly #maxAge: number;
  readonly #kept: RecentMap<Kept<Data>>;
  // Reads under way, by key. A change of the record removes its entry; the read may then have seen
  // the old record, so its result is not cached.
  readonly #filling = new Map<string, object>();
  #askedAt = 0;
  #isListening = false;
  #isDoubtful = false;

  constructor(options: NearCacheOptions, clock: Clock) {
    const { maxAge = MAX_AGE, maxSessions = MAX_SESSIONS } = options;
    this.#clock = clock;
    this.#maxAge = maxAge * 1000;
    this.#kept = new RecentMap(maxSessions);
  }

  /** Messages arrive from now on: records may be kept. */
  begin(): void {
    this.#isListening = true;
  }

  /** Keeps nothing any more, whatever is heard until the subscription has ended. */
  close(): void {
    this.#isListening = false;
    this.forgetAll();
  }

  /** A copy of a record that is kept, if it is young enough and lives. */
  get(key: string, now: number): StoredSession<Data> | undefined {
    // The clock was set back: nobody knows how old things are.
    if (now < this.#askedAt) this.forgetAll();
    this.#askedAt = now;
    const kept = this.#kept.get(key);
    // Another process may have extended it: that it has expired, the store has to say.
    if (kept === undefined || kept.until <= now || kept.session.expiresAt <= now) return undefined;
    return { ...kept.session, data: copyJson(kept.session.data) };
  }

  /** What a read gives, kept for the next one. */
  async fill(
    key: string,
    read: Promise<StoredSession<Data> | undefined>,
  ): Promise<StoredSession<Data> | undefined> {
    if (!this.#isListening || this.#isDoubtful) return read;
    const token = {};
    this.#filling.set(key, token);
    const since = this.#clock.now();
    try {
      const session = await read;
      if (session !== undefined && this.#filling.get(key) === token)
        this.#keep(key, session, since);
      return session;
    } finally {
      if (this.#filling.get(key) === token) this.#filling.delete(key);
    }
  }

  /**
   * What a read gives. A record that the store no longer has, or has in another revision, is
   * dropped: an update that found no session must not be followed by a read that finds one.
   */
  async compare(
    key: string,
    read: Promise<StoredSession<Data> | undefined>,
  ): Promise<StoredSession<Data> | undefined> {
    const session = await read;
    if (this.#kept.get(key)?.session.revision !== session?.revision) this.#kept.delete(key);
    return session;
  }

  forget(key: string): void {
    this.#kept.delete(key);
    this.#filling.delete(key);
  }

  forgetAll(): void {
    this.#kept.clear();
    this.#filling.clear();
  }

  /** Drops what a message says has changed. */
  hear(change: StoreChange): void {
    // After a loss whatever comes from elsewhere shows that messages arrive again. What is
    // unreadable this process has found itself.
    if (change.type !== "unreadable") this.#isDoubtful = change.type === "lost";
    if (change.type === "lost" || change.type === "cleared") this.forgetAll();
    else if (change.type !== "listening") this.forget(change.key);
  }

  #keep(key: string, session: StoredSession<Data>, since: number): void {
    this.#kept.set(key, {
      session: { ...session, data: copyJson(session.data) },
      until: since + this.#maxAge,
    });
  }
}
