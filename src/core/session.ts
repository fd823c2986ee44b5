// Session: the seed's six methods and what grew from them. All policy is decided here and in the files it calls:
// which ids are worth asking for, when activity is written, what merges with what. Stores only move records.
import { type Changes, difference, toPatch, type Updater } from "./changes.ts";
import { type Clock, systemClock } from "./clock.ts";
import { scanCookies } from "./cookie-scan.ts";
import { type CookieOptions, formatDeletion, formatSetCookie, writeSetCookie } from "./cookies.ts";
import { HarpiaError, StoreError } from "./errors.ts";
import { Emitter, type RefusalReason, type SessionEvents } from "./events.ts";
import { GuardedStore } from "./guarded-store.ts";
import { cookieHeaderOf, type RequestLike, type ResponseLike, toHeaderPort } from "./http-messages.ts";
import { copyJson, toJsonObject } from "./json.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { type Deadlines, Lifetimes } from "./lifetimes.ts";
import { isSessionStore, PlainStore } from "./plain-store.ts";
import { validate } from "./schema.ts";
import { birthOf, IdMaker, toStoreKey } from "./session-id.ts";
import { resolveOptions, type SessionOptions } from "./session-options.ts";
import type { StoreChange, StoredSession } from "./store.ts";

// More cookies with our name than this are nobody's browser (SESS-03).
const MOST_CANDIDATES = 4;
// 160 random bits do not collide: this many times is a broken random source.
const MOST_COLLISIONS = 4;
// Each conflict means that somebody else's change succeeded: this many in a row is no contention any more.
const MOST_CONFLICTS = 1000;

/**
 * Sessions that are kept on the server and followed by a cookie.
 *
 * Ids are taken as `string | undefined`, as they come from a request: a missing, malformed, unknown or expired one is
 * "no such session", never an error.
 *
 * Every method that asks the store rejects with a {@link StoreError} when the store fails (`ERR_STORE_UNAVAILABLE`)
 * or does not answer in time (`ERR_STORE_TIMEOUT`). It never becomes "no session": an outage must not log everybody out.
 *
 * @typeParam Data what a session holds: JSON, an object of fields.
 * @typeParam Input what `create` takes, where a schema makes `Data` of it.
 */
// The seed's default: data of unknown shape.
// oxlint-disable-next-line typescript/no-explicit-any
export class Session<Data extends object = Record<string, any>, Input extends object = Data> {
  /** The name of the cookie. */
  readonly cookieName: string;
  readonly #options: ReturnType<typeof resolveOptions<Data, Input>>;
  readonly #clock: Clock;
  readonly #store: GuardedStore<Data>;
  // A three-method store is asked by id, every other by the key, from which nobody gets back to the id.
  readonly #isKeyedById: boolean;
  readonly #lifetimes: Lifetimes;
  readonly #ids: IdMaker;
  readonly #exactUpdates = new KeyedQueue();
  readonly #events = new Emitter<SessionEvents>();
  #isSubscribed = false;

  /** @throws TypeError or RangeError that says what was given and what is wanted. */
  constructor(options: SessionOptions<Data, Input> = {}) {
    this.#options = resolveOptions(options);
    const { clock = systemClock, cookieName, cookie, store } = this.#options;
    this.#clock = clock;
    this.cookieName = cookieName;
    this.#isKeyedById = !isSessionStore(store) || store instanceof PlainStore;
    this.#lifetimes = new Lifetimes(this.#options, !this.#isKeyedById);
    const sessionStore = isSessionStore(store) ? store : new PlainStore(store, { absoluteTimeout: this.#lifetimes.absolute / 1000, clock });
    this.#store = new GuardedStore(sessionStore, { clock, timeout: this.#options.storeTimeout * 1000 });
    this.#ids = new IdMaker(this.#options.randomFill);
    // A cookie that browsers would refuse is found out here and not at the first login.
    formatSetCookie(cookieName, this.#ids.make(0), cookie);
  }

  /**
   * Stores data under a new id: 32 characters, unguessable (160 random bits, ASVS V7.2.3).
   *
   * @throws TypeError for data that JSON cannot hold; HarpiaError `ERR_DATA_INVALID` for what the schema refuses, and
   * `ERR_TOO_MANY_SESSIONS` where `maxPerUser` denies.
   */
  async create(data: Input): Promise<string> {
    const { schema } = this.#options;
    const fields = toJsonObject(schema ? await validate(schema, data) : (data as unknown as Data));
    const now = this.#clock.now();
    const userId = this.#options.userOf(fields);
    const session = { data: fields, ...this.#lifetimes.begin(now), ...(userId !== undefined && { userId }) };
    for (let attempt = 0; attempt < MOST_COLLISIONS; attempt++) {
      const id = this.#ids.make(Math.floor(now / 1000));
      const key = this.#isKeyedById ? id : toStoreKey(id);
      const { outcome, evicted } = await this.#store.create(key, session, this.#options.maxPerUser);
      if (outcome === "taken") continue;
      if (outcome === "denied") throw new HarpiaError("ERR_TOO_MANY_SESSIONS", "Cannot create a session: the user has as many as maxPerUser allows, one must end first");
      for (const handle of evicted) this.#events.emit("ended", { handle, reason: "evicted" });
      if (this.#events.has("created")) this.#events.emit("created", { handle: toStoreKey(id), ...(userId !== undefined && { userId }) });
      return id;
    }
    throw new StoreError("ERR_STORE_CONFLICT", `Cannot create a session: ${MOST_COLLISIONS} new ids were taken, a working random source is wanted`, {
      store: this.#store.name,
      operation: "create",
    });
  }

  /** The data of a live session. Looking is not activity: the idle deadline stays where it is. */
  async get(id: string | undefined): Promise<Data | undefined> {
    return (await this.#find(id))?.data;
  }

  /**
   * Merges fields into a live session, in one step of the store: of changes to different fields none is lost.
   *
   * With a function the change is exact: it sees the newest data and is called again when another change came
   * between. Calls for one session wait for one another in this process.
   *
   * @returns `false` when there is no such session. It is never brought back.
   * @throws HarpiaError `ERR_USER_CHANGED` for a change that would give the session another user (session fixation,
   * ASVS V7.2.4): a login is a new session. `ERR_DATA_INVALID` for what the schema refuses; TypeError for what JSON
   * cannot hold. Nothing was written then.
   */
  async update(id: string | undefined, changes: Changes<Data> | Updater<Data>): Promise<boolean> {
    const key = this.#keyOf(id);
    if (key === undefined) return false;
    const isBlind = typeof changes !== "function" && this.#options.isBlindChange(changes);
    const isUpdated = isBlind ? (await this.#store.patch(key, toPatch(changes))) === "done" : await this.#updateExactly(key, changes);
    if (isUpdated && this.#events.has("updated")) this.#events.emit("updated", { handle: this.#handleOf(key) });
    return isUpdated;
  }

  /**
   * Ends a session, everywhere and for good. With a response, its cookie is taken back too, with the attributes that
   * it was set with; `options` as they were given to `setCookie`.
   *
   * @returns whether it was live.
   */
  async delete(id: string | undefined, res?: ResponseLike, options: CookieOptions = {}): Promise<boolean> {
    const key = this.#keyOf(id);
    const isEnded = key !== undefined && (await this.#store.remove(key));
    // After the store: a logout that failed must not look like one.
    if (res) this.#writeCookie(res, formatDeletion(this.cookieName, this.#cookieOptions(options)));
    if (isEnded && this.#events.has("ended")) this.#events.emit("ended", { handle: this.#handleOf(key), reason: "logout" });
    return isEnded;
  }

  /**
   * Sets the session's cookie on a response, in the place of an earlier one, and forbids caches to keep the response
   * (ASVS V14.3.2). Options add to those of the `Session`.
   *
   * @throws TypeError or RangeError for a cookie that browsers would refuse; HarpiaError `ERR_HEADERS_SENT` when it
   * is too late.
   */
  setCookie(res: ResponseLike, id: string, options: CookieOptions = {}): void {
    this.#writeCookie(res, formatSetCookie(this.cookieName, id, this.#cookieOptions(options)));
  }

  /**
   * The data of the session that a request's cookie names. This is activity: it moves the idle deadline.
   *
   * Of several cookies with our name each is tried, up to four; if more than one is live there is no session, since
   * their order says nothing about whose they are (SESS-03).
   */
  async fromRequest(req: RequestLike): Promise<Data | undefined> {
    const header = cookieHeaderOf(req);
    if (!header) return undefined;
    const values = scanCookies(header, this.cookieName);
    if (values === undefined) return undefined;
    const key = typeof values === "string" ? this.#keyOf(values) : await this.#choose(values);
    if (key === undefined) return undefined;
    const found = this.#store.readSync ? this.#store.readSync(key) : await this.#store.read(key);
    if (found === undefined) {
      this.#refuse("unknown", key);
      return undefined;
    }
    const touch = this.#lifetimes.dueTouch(found, this.#clock.now());
    if (touch && !(await this.#store.extend(key, touch))) return undefined;
    return found.data;
  }

  /**
   * Gives a live session a new id, in one step: the old one is dead from then on, for everybody (ASVS V7.2.4).
   * The birth, and with it the absolute limit, stays. With a response, the cookie follows.
   *
   * @returns the new id, or `undefined` when there is no such session.
   */
  async rotate(id: string | undefined, res?: ResponseLike): Promise<string | undefined> {
    const key = this.#keyOf(id);
    if (key === undefined) return undefined;
    const nextId = this.#ids.make(birthOf(id));
    const nextKey = this.#isKeyedById ? nextId : toStoreKey(nextId);
    if (!(await this.#store.move(key, nextKey))) return undefined;
    if (res) this.setCookie(res, nextId);
    if (this.#events.has("rotated")) this.#events.emit("rotated", { handle: this.#handleOf(nextKey), formerHandle: this.#handleOf(key) });
    return nextId;
  }

  /**
   * Ends every session of a user that was created before the call, but for those whose ids are in `except`
   * (ASVS V7.4.3).
   *
   * @returns how many it ended.
   * @throws StoreError `ERR_STORE_UNSUPPORTED` on a three-method store.
   */
  async revokeAll(userId: string, options: { except?: string | undefined | readonly string[] } = {}): Promise<number> {
    const except = [options.except ?? []].flat().flatMap((id) => this.#keyOf(id) ?? []);
    const count = await this.#store.removeByUser(userId, { except });
    this.#events.emit("revoked", { userId, count });
    return count;
  }

  /** When a live session will end. Looking does not move it (NIST SP 800-63B-4: a warning before the end). */
  async deadlines(id: string | undefined): Promise<Deadlines | undefined> {
    const session = await this.#find(id);
    if (!session) return undefined;
    const { createdAt, lastSeenAt, expiresAt, endsAt } = session;
    return { createdAt, lastSeenAt, expiresAt, endsAt };
  }

  /**
   * Calls a listener at an event. One that throws or hangs changes nothing.
   *
   * @returns a function that ends it.
   */
  on<Name extends keyof SessionEvents>(name: Name, listener: (event: SessionEvents[Name]) => unknown): () => void {
    const off = this.#events.on(name, listener);
    if (!this.#isSubscribed) {
      this.#isSubscribed = true;
      this.#store.subscribe((change) => this.#onStoreChange(change)).catch((error: Error) => this.#events.emit("error", { error }));
    }
    return off;
  }

  async #find(id: string | undefined): Promise<StoredSession<Data> | undefined> {
    const key = this.#keyOf(id);
    return key === undefined ? undefined : this.#store.read(key);
  }

  /** The key of an id that may be one; the store is not asked for any other. */
  #keyOf(id: string | undefined): string | undefined {
    const birth = birthOf(id);
    if (birth < 0) {
      if (id !== undefined) this.#refuse("malformed");
      return undefined;
    }
    const key = this.#isKeyedById ? (id as string) : toStoreKey(id as string, birth);
    if (!this.#lifetimes.isOverAge(birth, this.#clock.now())) return key;
    this.#refuse("over-age", key);
    return undefined;
  }

  async #choose(values: readonly string[]): Promise<string | undefined> {
    const keys = [...new Set(values.flatMap((value) => this.#keyOf(value) ?? []))];
    if (keys.length <= 1) return keys[0];
    const found = keys.length <= MOST_CANDIDATES ? await Promise.all(keys.map((key) => this.#store.read(key))) : [];
    const live = keys.filter((_, at) => found[at]);
    if (live.length === 1) return live[0];
    this.#refuse(keys.length <= MOST_CANDIDATES && live.length === 0 ? "unknown" : "duplicate");
    return undefined;
  }

  #updateExactly(key: string, changes: Changes<Data> | Updater<Data>): Promise<boolean> {
    const { schema, userOf } = this.#options;
    return this.#exactUpdates.run(key, async () => {
      for (let attempt = 0; attempt < MOST_CONFLICTS; attempt++) {
        const session = await this.#store.read(key);
        if (!session) return false;
        const { data, revision } = session;
        // The function may change what it is given: what it gives back counts.
        const before = copyJson(data);
        const merged: Data = { ...before, ...(typeof changes === "function" ? await changes(data) : changes) };
        const next = toJsonObject(schema ? await validate(schema, merged) : merged);
        if (userOf(next) !== userOf(before)) {
          throw new HarpiaError("ERR_USER_CHANGED", "Cannot update a session: the change would give it another user, a new session is wanted at login");
        }
        const patch = difference(before, next);
        if (patch === undefined) return true;
        const outcome = await this.#store.patch(key, { ...patch, ifRevision: revision });
        if (outcome !== "conflict") return outcome === "done";
      }
      throw new StoreError("ERR_STORE_CONFLICT", `Cannot update a session: ${MOST_CONFLICTS} times another change came first`, {
        store: this.#store.name,
        operation: "patch",
      });
    });
  }

  #cookieOptions(options: CookieOptions): CookieOptions {
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    return { ...this.#options.cookie, ...Object.fromEntries(given) };
  }

  #writeCookie(res: ResponseLike, line: string): void {
    writeSetCookie(res, this.cookieName, line);
    toHeaderPort(res).setHeader("Cache-Control", "no-store");
  }

  #handleOf(key: string): string {
    return this.#isKeyedById ? toStoreKey(key) : key;
  }

  #refuse(reason: RefusalReason, key?: string): void {
    if (this.#events.has("refused")) this.#events.emit("refused", { reason, ...(key !== undefined && { handle: this.#handleOf(key) }) });
  }

  #onStoreChange(change: StoreChange): void {
    if (change.type === "evicted") this.#events.emit("ended", { handle: change.key, reason: "evicted" });
    if (change.type === "expired") this.#events.emit("ended", { handle: change.key, reason: change.limit });
    if (change.type === "unreadable") this.#events.emit("unreadable", { handle: change.key });
  }
}
