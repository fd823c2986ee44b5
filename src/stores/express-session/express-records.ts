// The records behind toExpressStore. Knows which sessions express-session loaded, and from that
// what it means by `set`: a new session, a change, or one that was ended meanwhile and stays ended.
import { isDeepStrictEqual } from "node:util";
import { retryOnConflict } from "../../core/store/retry-on-conflict.ts";
import type { Clock } from "../../core/clock.ts";
import { copyJson, toJsonObject } from "../../core/data/json.ts";
import { IdMaker, toStoreKey } from "../../core/ids/session-id.ts";
import type { KeyedSession, StoredSession } from "../../core/store.ts";
import type { GuardedStore } from "../../core/store/guarded-store.ts";
import { KeyedQueue } from "../../core/store/keyed-queue.ts";
import { answerOf, type ConnectStore, readConnect } from "./connect-store.ts";
import {
  deadlineOf,
  type Fields,
  hasDeadline,
  isOwn,
  keepsExpires,
  type StoredCookie,
  toStoredCookie,
} from "./cookie-lifetime.ts";

/** Durations are milliseconds. */
export interface ExpressRecordsOptions {
  clock: Clock;
  idle: number;
  /** `Infinity` for none. */
  absolute: number;
  /** `undefined` for the usual: a minute, or 5 % of the idle limit. */
  touchInterval: number | undefined;
  userOf(session: Fields): string | number | undefined;
  former: ConnectStore | undefined;
  /** Told of each session that was taken over from the former store. */
  onMoved(): void;
  /** What has to be done before the first call. */
  prepare: (() => Promise<unknown>) | undefined;
}

/**
 * What came of a save or a touch, for those who ask: `gone` where the session has ended, `unasked`
 * where nothing was due.
 */
export type Outcome = "found" | "gone" | "unasked";

/** What a `req.session` was when it came from the store, or went there. */
interface Loaded {
  fields: Fields;
  lastSeenAt: number;
  endsAt: number;
}

const PAGE = 500;
// Where there is no absolute limit: a hundred years, which every store can write down.
const NEVER = 100 * 365 * 86_400_000;

export class ExpressRecords {
  readonly #store: GuardedStore<Fields>;
  readonly #options: ExpressRecordsOptions;
  readonly #clock: Clock;
  readonly #ids = new IdMaker();
  readonly #saves = new KeyedQueue();
  #isPrepared: Promise<unknown> | undefined;
  // By the objects that express-session holds: what it got from `get`, and the `req.session` it
  // made of that.
  readonly #loaded = new WeakMap<object, Loaded>();

  constructor(store: GuardedStore<Fields>, options: ExpressRecordsOptions) {
    this.#store = store;
    this.#options = options;
    this.#clock = options.clock;
  }

  makeId(): string {
    return this.#ids.make(Math.floor(this.#clock.now() / 1000));
  }

  /** What comes before the first call, once; after a failure the next call tries again. */
  ready(): Promise<unknown> | undefined {
    const { prepare } = this.#options;
    this.#isPrepared ??= prepare?.().catch((error: unknown) => {
      this.#isPrepared = undefined;
      throw error;
    });
    return this.#isPrepared;
  }

  async get(sid: string): Promise<Fields | undefined> {
    const stored = (await this.#store.read(toStoreKey(sid))) ?? (await this.#takeOver(sid));
    const session = stored && this.#toSession(stored);
    if (stored && session)
      this.#loaded.set(session, {
        fields: copyJson(stored.data),
        lastSeenAt: stored.lastSeenAt,
        endsAt: stored.endsAt,
      });
    return session;
  }

  /** A `req.session` was made of what `get` gave. */
  follow(session: object, made: object): void {
    const loaded = this.#loaded.get(session);
    if (loaded) this.#loaded.set(made, loaded);
  }

  async set(sid: string, session: object): Promise<Outcome> {
    const before = this.#loaded.get(session);
    const cookie = toStoredCookie(session, before?.fields["cookie"] as StoredCookie);
    const fields: Fields = { ...toJsonObject(session as Fields), cookie };
    if (this.#deadlineOf(cookie) <= this.#clock.now()) {
      await this.destroy(sid);
      return "gone";
    }
    // One request may save several times without waiting: the first makes the record that the
    // others change.
    const made = await this.#saves.run(sid, async (): Promise<Outcome | "new"> => {
      const known = this.#loaded.get(session);
      if (known) {
        const outcome = await this.#save(sid, known.fields, fields);
        this.#loaded.set(session, { ...known, fields });
        return outcome;
      }
      const { isMade, loaded } = await this.#create(sid, fields);
      if (loaded) this.#loaded.set(session, loaded);
      return isMade ? "new" : "found";
    });
    if (made === "new") return "found";
    const touched = made === "gone" ? made : await this.touch(sid, session);
    return touched === "unasked" ? made : touched;
  }

  /**
   * Changes a session by a function of what it is now, and brings `session` up to date.
   *
   * @returns whether there was such a session.
   */
  async update(
    sid: string,
    session: object,
    change: (fields: Fields) => unknown,
  ): Promise<boolean> {
    const key = toStoreKey(sid);
    const attempt = async (): Promise<Fields | undefined | "conflict"> => {
      const stored = await this.#store.read(key);
      if (!stored) return undefined;
      const asked: unknown = await change(copyJson(withoutCookie(stored.data)));
      if (asked === undefined) return stored.data;
      const next = { ...stored.data, ...toJsonObject(asked as Fields) };
      const { set, unset } = differenceOf(stored.data, { ...next, cookie: stored.data["cookie"] });
      if (Object.keys(set).length + unset.length === 0) return next;
      const outcome = await this.#store.patch(key, { set, unset, ifRevision: stored.revision });
      if (outcome === "conflict") return outcome;
      return outcome === "done" ? next : undefined;
    };
    const now = await this.#saves.run(sid, () =>
      retryOnConflict(attempt, {
        what: "update a session",
        store: this.#store.name,
        operation: "patch",
      }),
    );
    if (now === undefined) return false;
    const known = this.#loaded.get(session);
    // What this request has changed itself and not saved yet stays its own.
    const mine = known ? differenceOf(known.fields, toJsonObject(session as Fields)) : undefined;
    const isMine = (name: string): boolean =>
      name === "cookie" || (mine !== undefined && (name in mine.set || mine.unset.includes(name)));
    for (const [name, value] of Object.entries(copyJson(now)))
      if (!isMine(name)) Reflect.set(session, name, value);
    for (const name of Object.keys(known?.fields ?? {}))
      if (!Object.hasOwn(now, name) && !isMine(name)) Reflect.deleteProperty(session, name);
    if (known) {
      const cookie = known.fields["cookie"];
      const kept = Object.entries(known.fields).filter(([name]) => isMine(name));
      known.fields = { ...copyJson(now), ...Object.fromEntries(kept), cookie };
    }
    return true;
  }

  /** express-session calls it where nothing changed but, perhaps, the cookie. */
  async touch(sid: string, session: object): Promise<Outcome> {
    const key = toStoreKey(sid);
    const known = this.#loaded.get(session);
    const stored = known ?? (await this.#store.read(key));
    if (!stored) return "gone";
    const before = "fields" in stored ? stored.fields : stored.data;
    const cookie = toStoredCookie(session, before["cookie"] as StoredCookie);
    if (!isDeepStrictEqual(cookie, before["cookie"])) {
      if (known) known.fields = { ...known.fields, cookie };
      if ((await this.#store.patch(key, { set: { cookie } })) === "missing") return "gone";
    }
    const now = this.#clock.now();
    const deadline = this.#deadlineOf(cookie);
    // Of other packages' objects no save is left out: they count on the very instant.
    if (isOwn(session) && now - stored.lastSeenAt < this.#throttle(deadline - now))
      return "unasked";
    const isLive = await this.#store.extend(key, {
      lastSeenAt: now,
      expiresAt: Math.min(deadline, stored.endsAt),
    });
    stored.lastSeenAt = now;
    return isLive ? "found" : "gone";
  }

  async destroy(sid: string): Promise<void> {
    const { former } = this.#options;
    // First there: or a request in between would take the session over again.
    if (former) await answerOf((callback) => former.destroy(sid, callback));
    await this.#store.remove(toStoreKey(sid));
  }

  /** Every session that express-session could load, by handle. */
  async all(): Promise<Record<string, Fields>> {
    const found: Record<string, Fields> = {};
    await this.#each(({ key, session }) => {
      const made = this.#toSession(session);
      if (made) found[key] = made;
    });
    return found;
  }

  async length(): Promise<number> {
    const keys = new Set<string>();
    await this.#each(({ key, session }) => void (this.#toSession(session) && keys.add(key)));
    return keys.size;
  }

  async clear(): Promise<void> {
    await this.#store.removeAll();
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  async #each(look: (found: KeyedSession<Fields>) => void): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await this.#store.scan(cursor, { limit: PAGE });
      for (const found of page.sessions) look(found);
      ({ cursor } = page);
    } while (cursor !== undefined);
  }

  /** `undefined` for what was not stored by express-session, and for what is over. */
  #toSession(stored: StoredSession<Fields>): Fields | undefined {
    const cookie = stored.data["cookie"] as StoredCookie | undefined;
    // Nobody else writes here, unless somebody does: express-session would fail over a session
    // without a cookie.
    if (typeof cookie !== "object" || cookie === null) return undefined;
    // A deadline that came nearer ends the session sooner than the record, whose deadline only
    // moves later.
    const expiresAt = hasDeadline(cookie)
      ? Math.min(stored.expiresAt, deadlineOf(cookie, stored.lastSeenAt, this.#options.idle))
      : stored.expiresAt;
    if (expiresAt <= this.#clock.now()) return undefined;
    if (keepsExpires(cookie)) return stored.data;
    const expires = hasDeadline(cookie) ? new Date(expiresAt).toISOString() : null;
    return { ...stored.data, cookie: { ...cookie, expires } };
  }

  /**
   * The fields that the request changed, and only if the session is there still. Plain objects are
   * merged one level deeper: of parallel requests that each put something into `flash` or
   * `passport` none loses another's.
   */
  async #save(sid: string, before: Fields, fields: Fields): Promise<Outcome> {
    const key = toStoreKey(sid);
    const { set, unset } = differenceOf(before, fields);
    if (Object.keys(set).length + unset.length === 0) return "unasked";
    const shared = Object.keys(set).filter(
      (name) => name !== "cookie" && isPlain(before[name]) && isPlain(set[name]),
    );
    if (shared.length === 0)
      return (await this.#store.patch(key, { set, unset })) === "missing" ? "gone" : "found";
    const attempt = async (): Promise<Outcome | "conflict"> => {
      const stored = await this.#store.read(key);
      if (!stored) return "gone";
      const merged = { ...set };
      for (const name of shared) {
        const now = stored.data[name];
        if (isPlain(now)) merged[name] = mergedOf(now, before[name] as Fields, set[name] as Fields);
      }
      const outcome = await this.#store.patch(key, {
        set: merged,
        unset,
        ifRevision: stored.revision,
      });
      if (outcome === "conflict") return outcome;
      return outcome === "done" ? "found" : "gone";
    };
    return retryOnConflict(attempt, {
      what: "save a session",
      store: this.#store.name,
      operation: "patch",
    });
  }

  /** A session of this request's own: what is under its id already is replaced. */
  async #create(sid: string, fields: Fields): Promise<{ isMade: boolean; loaded?: Loaded }> {
    const now = this.#clock.now();
    const endsAt = this.#endOf(fields, now);
    const expiresAt = Math.min(this.#deadlineOf(fields["cookie"]), endsAt);
    if (await this.#insert(sid, fields, { createdAt: now, lastSeenAt: now, expiresAt, endsAt }))
      return { isMade: true, loaded: { fields, lastSeenAt: now, endsAt } };
    const stored = await this.#store.read(toStoreKey(sid));
    if (!stored) return { isMade: false };
    await this.#save(sid, stored.data, fields);
    const { lastSeenAt } = stored;
    return { isMade: false, loaded: { fields, lastSeenAt, endsAt: stored.endsAt } };
  }

  async #insert(
    sid: string,
    data: Fields,
    instants: { createdAt: number; lastSeenAt: number; expiresAt: number; endsAt: number },
  ): Promise<boolean> {
    const user = this.#options.userOf(data);
    const { outcome } = await this.#store.create(toStoreKey(sid), {
      data,
      ...instants,
      ...(user !== undefined && user !== "" && { userId: String(user) }),
    });
    return outcome === "created";
  }

  /**
   * Takes a session over from the former store, with the rest of its lifetime. Of several requests
   * at once one makes the record, and the others find it.
   */
  async #takeOver(sid: string): Promise<StoredSession<Fields> | undefined> {
    const { former, idle, onMoved } = this.#options;
    const found = former && (await readConnect(former, sid));
    if (!former || !found) return undefined;
    const plain = toJsonObject(found as Fields);
    const given = toJsonObject(Object(plain["cookie"]) as StoredCookie);
    const now = this.#clock.now();
    const expiresAt = deadlineOf(given, now, idle);
    if (expiresAt <= now) return undefined;
    // As express-session's own are stored: their expiry moves with every request from now on.
    const { expires: _expires, ...rest } = given;
    const cookie = Object.hasOwn(given, "originalMaxAge") ? rest : given;
    const fields = { ...plain, cookie };
    // Its last activity there: the next one here moves the deadline, throttle or not.
    const lastSeenAt = Math.min(now, now + expiresAt - deadlineOf(rest, now, idle));
    const endsAt = Math.max(this.#endOf(fields, now), expiresAt);
    const key = toStoreKey(sid);
    if (await this.#insert(sid, fields, { createdAt: now, lastSeenAt, expiresAt, endsAt })) {
      // Destroyed there meanwhile: that was a logout, which must not be undone here.
      if (!(await readConnect(former, sid))) return void (await this.#store.remove(key));
      await answerOf((callback) => former.destroy(sid, callback));
      onMoved();
    }
    return this.#store.read(key);
  }

  #deadlineOf(cookie: unknown): number {
    return deadlineOf(cookie as StoredCookie, this.#clock.now(), this.#options.idle);
  }

  #endOf(fields: Fields, now: number): number {
    const { absolute } = this.#options;
    return absolute === Infinity
      ? now + NEVER
      : Math.max(now + absolute, this.#deadlineOf(fields["cookie"]));
  }

  #throttle(idle: number): number {
    return this.#options.touchInterval ?? Math.min(60_000, idle * 0.05);
  }
}

function withoutCookie({ cookie: _cookie, ...fields }: Fields): Fields {
  return fields;
}

/** What makes one of the other. */
function differenceOf(before: Fields, fields: Fields): { set: Fields; unset: string[] } {
  const set = Object.fromEntries(
    Object.entries(fields).filter(
      ([name, value]) => !Object.hasOwn(before, name) || !isDeepStrictEqual(value, before[name]),
    ),
  );
  const unset = Object.keys(before).filter((name) => !Object.hasOwn(fields, name));
  return { set, unset };
}

/** What is stored now, with what the request changed in it. */
function mergedOf(now: Fields, before: Fields, fields: Fields): Fields {
  const { set, unset } = differenceOf(before, fields);
  const kept = Object.entries(now).filter(([name]) => !unset.includes(name));
  return { ...Object.fromEntries(kept), ...set };
}

function isPlain(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
