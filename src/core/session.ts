// Session: the seed's six methods and what grew from them. All policy is decided here and in the files it calls:
// which ids are worth asking for, when activity is written, what merges with what. Stores only move records.
import { AllSessions } from "./all-sessions.ts";
import { type Changes, pickFields, toPatch, type Updater } from "./changes.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { CookieOptions } from "./cookies.ts";
import { HarpiaError, StoreError } from "./errors.ts";
import { Emitter, type SessionEvents, tellStoreChange } from "./events.ts";
import { ExactUpdates } from "./exact-updates.ts";
import { GuardedStore } from "./guarded-store.ts";
import { addVary, type RequestLike, type ResponseLike, toHeaderPort } from "./http-messages.ts";
import { toJsonObject } from "./json.ts";
import { type Deadlines, Lifetimes, type OwnLifetime } from "./lifetimes.ts";
import { isSessionStore, PlainStore } from "./plain-store.ts";
import { RequestSession } from "./request-session.ts";
import { validate } from "./schema.ts";
import { IdSigner } from "./signed-id.ts";
import { type ListedSession, UserSessions } from "./user-sessions.ts";
import { Watcher } from "./watcher.ts";
import { SessionCookie } from "./session-cookie.ts";
import { birthOf, ID_LENGTH, IdMaker, toStoreKey } from "./session-id.ts";
import { SessionReader } from "./session-reader.ts";
import { resolveOptions, type SessionOptions } from "./session-options.ts";

// 160 random bits do not collide: this many times is a broken random source.
const MOST_COLLISIONS = 4;

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
  /** Everybody's sessions, to find, count and end by their handles: for operators and their tools. */
  readonly all: AllSessions<Data>;
  readonly #options: ReturnType<typeof resolveOptions<Data, Input>>;
  readonly #clock: Clock;
  readonly #store: GuardedStore<Data>;
  readonly #lifetimes: Lifetimes;
  readonly #reader: SessionReader<Data>;
  readonly #users: UserSessions<Data>;
  readonly #watcher: Watcher<Data>;
  readonly #signer: IdSigner | undefined;
  readonly #ids: IdMaker;
  readonly #cookie: SessionCookie;
  readonly #exactUpdates: ExactUpdates<Data>;
  readonly #events: Emitter<SessionEvents>;

  /** @throws TypeError or RangeError that says what was given and what is wanted. */
  constructor(options: SessionOptions<Data, Input> = {}) {
    this.#options = resolveOptions(options);
    const { clock = systemClock, cookieName, cookie, store } = this.#options;
    this.#clock = clock;
    this.cookieName = cookieName;
    this.#lifetimes = new Lifetimes(this.#options, isSessionStore(store) && !(store instanceof PlainStore));
    const sessionStore = isSessionStore(store) ? store : new PlainStore(store, { absoluteTimeout: this.#lifetimes.absolute / 1000, clock });
    this.#store = new GuardedStore(sessionStore, { clock, timeout: this.#options.storeTimeout * 1000 });
    this.#events = new Emitter(cookieName, (events) => void this.#store.subscribe((change) => tellStoreChange(events, change)).catch((error: Error) => events.emit("error", { error })));
    // A channel may have its subscribers already: what the store does by itself is theirs from now on.
    this.#events.has("ended");
    this.#signer = this.#options.secrets && new IdSigner(this.#options.secrets);
    this.#reader = new SessionReader({ cookieName, store: this.#store, lifetimes: this.#lifetimes, clock, events: this.#events, signer: this.#signer });
    this.#users = new UserSessions(this.#store, this.#events);
    this.#watcher = new Watcher(this.#store, clock);
    this.all = new AllSessions(this.#store, this.#events, (key) => this.#watcher.ended(key));
    this.#exactUpdates = new ExactUpdates(this.#store, this.#options);
    this.#ids = new IdMaker(this.#options.randomFill);
    this.#cookie = new SessionCookie(cookieName, cookie);
  }

  /**
   * Stores data under a new id: 32 characters, unguessable (160 random bits, ASVS V7.2.3), and a signature where there are `secrets`.
   *
   * @param lifetime this session's own limits, such as longer ones for "remember me".
   * @throws TypeError for data that JSON cannot hold; HarpiaError `ERR_DATA_INVALID` for what the schema refuses, and
   * `ERR_TOO_MANY_SESSIONS` where `maxPerUser` denies.
   */
  async create(data: Input, lifetime?: OwnLifetime): Promise<string> {
    const { schema } = this.#options;
    // Input is Data where there is no schema.
    const given = data as unknown as Data;
    const fields = toJsonObject(schema ? { ...(await validate(schema, pickFields(given, "visible"))), ...pickFields(given, "hidden") } : given);
    const now = this.#clock.now();
    const userId = this.#options.userOf(fields);
    const session = { data: fields, ...this.#lifetimes.begin(now, lifetime), ...(userId !== undefined && { userId }) };
    for (let attempt = 0; attempt < MOST_COLLISIONS; attempt++) {
      const id = this.#ids.make(Math.floor(now / 1000));
      const key = this.#store.keyOf(id);
      const { outcome, evicted } = await this.#store.create(key, session, this.#options.maxPerUser);
      if (outcome === "taken") continue;
      if (outcome === "denied") throw new HarpiaError("ERR_TOO_MANY_SESSIONS", "Cannot create a session: the user has as many as maxPerUser allows, one must end first");
      for (const handle of evicted) {
        this.#watcher.ended(handle);
        this.#events.emit("ended", { handle, reason: "evicted" });
      }
      if (this.#events.has("created")) this.#events.emit("created", { handle: toStoreKey(id), ...(userId !== undefined && { userId }) });
      return this.#signer?.sign(id) ?? id;
    }
    throw new StoreError("ERR_STORE_CONFLICT", `Cannot create a session: ${MOST_COLLISIONS} new ids were taken, a working random source is wanted`, {
      store: this.#store.name,
      operation: "create",
    });
  }

  /** The data of a live session. Looking is not activity: the idle deadline stays where it is. */
  async get(id: string | undefined): Promise<Data | undefined> {
    return (await this.#reader.find(id))?.data;
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
    const key = this.#reader.keyOf(id);
    if (key === undefined) return false;
    const isBlind = typeof changes !== "function" && this.#options.isBlindChange(changes);
    const isUpdated = isBlind ? (await this.#store.patch(key, toPatch(changes))) === "done" : await this.#exactUpdates.run(key, changes);
    if (isUpdated && this.#events.has("updated")) this.#events.emit("updated", { handle: this.#store.handleOf(key) });
    return isUpdated;
  }

  /**
   * Ends a session, everywhere and for good. With a response, its cookie is taken back too, with the attributes that
   * it was set with; `options` as they were given to `setCookie`.
   *
   * @returns whether it was live.
   */
  async delete(id: string | undefined, res?: ResponseLike, options: CookieOptions = {}): Promise<boolean> {
    const key = this.#reader.keyOf(id);
    const isEnded = key !== undefined && (await this.#store.remove(key));
    if (isEnded) this.#watcher.ended(key);
    if (isEnded && this.#events.has("ended")) this.#events.emit("ended", { handle: this.#store.handleOf(key), reason: "logout" });
    // After the store: a logout that failed must not look like one.
    if (res) this.#cookie.erase(res, options);
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
    this.#cookie.write(res, id, options);
  }

  /**
   * The data of the session that a request's cookie names. This is activity: it moves the idle deadline.
   *
   * Of several cookies with our name each is tried, up to four; if more than one is live there is no session, since
   * their order says nothing about whose they are (SESS-03).
   */
  fromRequest(req: RequestLike): Promise<Data | undefined> {
    return this.#reader.dataOf(req);
  }

  /**
   * This request's session, to be used and then committed: what the adapters give as `req.session` and the like. Nothing is
   * read before it is asked for.
   */
  open(req: RequestLike): RequestSession<Data> {
    const { userOf } = this.#options;
    return new RequestSession<Data>({
      find: () => this.#reader.visit(req),
      get: (id) => this.get(id),
      // What came out of the schema goes through it again: see the option.
      create: (data) => this.create(data as unknown as Input),
      update: (id, changes) => this.update(id, changes),
      delete: (id) => this.delete(id),
      rotate: (id) => this.rotate(id),
      deadlines: (id) => this.deadlines(id),
      watch: (id, until) => this.watch(id, until),
      writeCookie: (res, id) => (id === undefined ? this.#cookie.erase(res) : this.#cookie.write(res, id)),
      writeVary: (res) => addVary(res, "Cookie"),
      isOfAnotherUser: (data, next) => userOf(data) !== undefined && userOf(data) !== userOf(next),
    });
  }

  /**
   * Gives a live session a new id, in one step: the old one is dead from then on, for everybody (ASVS V7.2.4).
   * The birth, and with it the absolute limit, stays. With a response, the cookie follows.
   *
   * @returns the new id, or `undefined` when there is no such session.
   */
  async rotate(id: string | undefined, res?: ResponseLike): Promise<string | undefined> {
    const key = this.#reader.keyOf(id);
    if (key === undefined) return undefined;
    // An id that cannot be sent any more would be nobody's: the session would be lost.
    if (res) toHeaderPort(res);
    const nextId = this.#ids.make(birthOf(id?.slice(0, ID_LENGTH)));
    const nextKey = this.#store.keyOf(nextId);
    if (!(await this.#store.move(key, nextKey))) return undefined;
    if (this.#events.has("rotated")) this.#events.emit("rotated", { handle: this.#store.handleOf(nextKey), formerHandle: this.#store.handleOf(key) });
    this.#watcher.moved(key, nextKey);
    const signed = this.#signer?.sign(nextId) ?? nextId;
    if (res) this.setCookie(res, signed);
    return signed;
  }

  /**
   * Ends every session of a user that was created before the call, but for those whose ids are in `except`
   * (ASVS V7.4.3).
   *
   * @returns how many it ended.
   * @throws StoreError `ERR_STORE_UNSUPPORTED` on a three-method store.
   */
  async revokeAll(userId: string, options: { except?: string | undefined | readonly string[] } = {}): Promise<number> {
    const except = [options.except ?? []].flat().flatMap((id) => this.#reader.keyOf(id) ?? []);
    const count = await this.#users.revokeAll(userId, except);
    this.#watcher.lookAgain();
    return count;
  }

  /**
   * A user's live sessions, oldest first, for a page of "your devices" (ASVS V7.5.2).
   *
   * @param options.current the id of the session that asks: it is marked.
   */
  list(userId: string, options: { current?: string | undefined } = {}): Promise<ListedSession[]> {
    return this.#users.list(userId, this.#reader.keyOf(options.current));
  }

  /** Ends one of a user's sessions by its handle. Another user's handle is not found. @returns whether it was live. */
  async revoke(handle: string, options: { userId: string }): Promise<boolean> {
    const isEnded = await this.#users.revoke(handle, options.userId);
    if (isEnded) this.#watcher.ended(handle);
    return isEnded;
  }

  /**
   * Holds up a sensitive step until the user has signed in lately (ASVS V7.5.1). Neither activity nor updates make a session
   * fresh; signing in again, which begins a new one, does.
   *
   * @param maxAge seconds since the sign-in.
   * @throws HarpiaError `ERR_NOT_FRESH`, also where there is no session or it is nobody's: ask for the password.
   */
  async requireFresh(id: string | undefined, maxAge: number): Promise<void> {
    const session = await this.#reader.find(id);
    const age = session?.userId === undefined ? Infinity : this.#clock.now() - (session.facts?.authenticatedAt ?? session.createdAt);
    if (!(age <= maxAge * 1000)) throw new HarpiaError("ERR_NOT_FRESH", `Cannot go on with this session: a sign-in within the last ${maxAge} s is wanted`);
  }

  /**
   * A signal that fires when the session ends, for whatever reason: at once where this process ends it or the store tells of it, else
   * within 30 s. It follows a rotation. For WebSockets, server-sent events and long requests.
   *
   * @param until ends the watching without the signal, such as when the socket closes. Without it the watching ends with the session.
   */
  watch(id: string | undefined, until?: AbortSignal): AbortSignal {
    const key = this.#reader.keyOf(id);
    return key === undefined ? AbortSignal.abort() : this.#watcher.watch(key, until);
  }

  /** When a live session will end. Looking does not move it (NIST SP 800-63B-4: a warning before the end). */
  async deadlines(id: string | undefined): Promise<Deadlines | undefined> {
    const session = await this.#reader.find(id);
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
    return this.#events.on(name, listener);
  }
}
