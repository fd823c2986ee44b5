// Session: the seed's six methods and what grew from them. All policy is decided here and in the files it calls:
// which ids are worth asking for, when activity is written, what merges with what. Stores only move records.
import { AllSessions } from "./all-sessions.ts";
import type { Changes, Updater } from "./changes.ts";
import type { CookieOptions } from "./cookies.ts";
import { type CreateOptions, createSession } from "./creation.ts";
import { updateData } from "./data-updates.ts";
import { HarpiaError } from "./errors.ts";
import type { SessionEvents } from "./events.ts";
import { addVary, type RequestLike, type ResponseLike } from "./http-messages.ts";
import { reauthenticate, rotate } from "./id-changes.ts";
import { toDeadlines, type Deadlines } from "./lifetimes.ts";
import { describePolicy, type SessionPolicy } from "./policy.ts";
import { RequestSession } from "./request-session.ts";
import { RequestAccess } from "./session-access.ts";
import type { SessionOptions } from "./session-options.ts";
import { assemble, type SessionParts } from "./session-parts.ts";
import { type ListedSession, UserSessions } from "./user-sessions.ts";

/**
 * Sessions that are kept on the server and followed by a cookie.
 *
 * Ids are taken as `string | undefined`, as they come from a request: a missing, malformed, unknown or expired one is
 * "no such session", never an error.
 *
 * Every method that asks the store rejects with a `StoreError` when the store fails (`ERR_STORE_UNAVAILABLE`)
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
  readonly #parts: SessionParts<Data, Input>;
  readonly #users: UserSessions<Data>;

  /** @throws TypeError or RangeError that says what was given and what is wanted. */
  constructor(options: SessionOptions<Data, Input> = {}) {
    this.#parts = assemble(options);
    const { store, events, watcher } = this.#parts;
    this.cookieName = this.#parts.options.cookieName;
    this.all = new AllSessions(store, events, (key) => watcher.ended(key));
    this.#users = new UserSessions(this.#parts);
  }

  /** What this `Session` holds to, its defaults filled in. */
  get policy(): SessionPolicy {
    return describePolicy(this.#parts);
  }

  /**
   * Stores data under a new id: 32 characters, unguessable (160 random bits, ASVS V7.2.3), and a signature where there are `secrets`.
   *
   * @param options this session's own limits, such as longer ones for "remember me", and its device.
   * @throws TypeError for data that JSON cannot hold; HarpiaError `ERR_DATA_INVALID` for what the schema refuses, and
   * `ERR_TOO_MANY_SESSIONS` where `maxPerUser` denies.
   */
  async create(data: Input, options?: CreateOptions): Promise<string> {
    const { id } = await createSession(this.#parts, data, options);
    return this.#sign(id);
  }

  /** The data of a live session. Looking is not activity: the idle deadline stays where it is. */
  async get(id: string | undefined): Promise<Data | undefined> {
    return (await this.#parts.reader.find(id))?.data;
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
    const { reader, exactUpdates } = this.#parts;
    const found = reader.keyToChange(id);
    // What the caller does to the object while this waits is no part of the change.
    const given = found instanceof Promise ? exactUpdates.copy(changes) : changes;
    const key = found instanceof Promise ? await found : found;
    return key !== undefined && updateData(this.#parts, key, given);
  }

  /**
   * Ends a session, everywhere and for good. With a response, its cookie is taken back too, with the attributes that
   * it was set with; `options` as they were given to `setCookie`.
   *
   * @returns whether it was live.
   */
  async delete(id: string | undefined, res?: ResponseLike, options: CookieOptions = {}): Promise<boolean> {
    const { reader, store, watcher, events, transport } = this.#parts;
    const found = reader.keyToChange(id);
    const key = found instanceof Promise ? await found : found;
    const isEnded = key !== undefined && (await store.remove(key));
    if (isEnded) watcher.ended(key);
    if (isEnded && events.has("ended")) events.emit("ended", { handle: store.handleOf(key), reason: "logout" });
    // After the store: a logout that failed must not look like one.
    if (res) transport.erase(res, options);
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
    this.#parts.transport.write(res, id, options);
  }

  /**
   * The data of the session that a request's cookie names. This is activity: it moves the idle deadline.
   *
   * Of several cookies with our name each is tried, up to four; if more than one is live there is no session, since
   * their order says nothing about whose they are (SESS-03).
   *
   * @param res the response that will depend on it: caches are told so with `Vary` (RFC 9111, 4.1).
   */
  fromRequest(req: RequestLike, res?: ResponseLike): Promise<Data | undefined> {
    if (res) addVary(res, this.#parts.transport.header);
    return this.#parts.reader.dataOf(req);
  }

  /**
   * This request's session, to be used and then committed: what the adapters give as `req.session` and the like. Nothing is
   * read before it is asked for.
   */
  open(req: RequestLike): RequestSession<Data> {
    return new RequestSession<Data>(new RequestAccess(this, this.#parts, req));
  }

  /**
   * Gives a live session a new id, in one step: the old one is dead from then on, for everybody (ASVS V7.2.4).
   * The birth, and with it the absolute limit, stays. With a response, the cookie follows.
   *
   * @returns the new id, or `undefined` when there is no such session.
   */
  async rotate(id: string | undefined, res?: ResponseLike, options: CookieOptions = {}): Promise<string | undefined> {
    return this.#hand(await rotate(this.#parts, id, res), res, options);
  }

  /**
   * Notes that the user of a live session has just proved who they are once more: {@link Session.requireFresh} counts from now. The session
   * keeps its data and gets a new id (ASVS V7.2.4). With a response, the cookie follows.
   *
   * @returns the new id, or `undefined` when there is no such session.
   * @throws StoreError `ERR_STORE_UNSUPPORTED` on a three-method store.
   */
  async reauthenticate(id: string | undefined, res?: ResponseLike, options: CookieOptions = {}): Promise<string | undefined> {
    return this.#hand(await reauthenticate(this.#parts, id, res), res, options);
  }

  /**
   * The id that a live session goes by now: a new one where `renewEvery` says that it is time, else the one that was given. The former one
   * finds the session for `renewOverlap` seconds more. With a response, the cookie follows. A request's session does this by itself.
   *
   * @returns `undefined` when there is no such session.
   */
  async renew(id: string | undefined, res?: ResponseLike): Promise<string | undefined> {
    const access = new RequestAccess(this, this.#parts);
    const found = id === undefined ? undefined : await access.renew(id);
    if (found && found.id !== id && res) access.writeId(res, found);
    return found?.id;
  }

  /**
   * Ends every session of a user that was created before the call, but for those whose ids are in `except`
   * (ASVS V7.4.3).
   *
   * @returns how many it ended.
   * @throws StoreError `ERR_STORE_UNSUPPORTED` on a three-method store.
   */
  async revokeAll(userId: string, options: { except?: string | undefined | readonly string[] } = {}): Promise<number> {
    const except = [options.except ?? []].flat().flatMap((id) => this.#parts.reader.keyOf(id) ?? []);
    return this.#users.revokeAll(userId, except);
  }

  /**
   * Ends every session of everybody that was created before the call, with one write of the store: after a leak of secrets, or of
   * cookies.
   *
   * @throws StoreError `ERR_STORE_UNSUPPORTED` on a three-method store.
   */
  async revokeEverything(): Promise<void> {
    const { store, events, watcher } = this.#parts;
    await store.removeAll();
    watcher.lookAgain();
    events.emit("revoked", {});
  }

  /**
   * A user's live sessions, oldest first, for a page of "your devices" (ASVS V7.5.2).
   *
   * @param options.current the id of the session that asks: it is marked.
   */
  list(userId: string, options: { current?: string | undefined } = {}): Promise<ListedSession[]> {
    return this.#users.list(userId, this.#parts.reader.keyOf(options.current));
  }

  /** Ends one of a user's sessions by its handle. Another user's handle is not found. @returns whether it was live. */
  revoke(handle: string, options: { userId: string }): Promise<boolean> {
    return this.#users.revoke(handle, options.userId);
  }

  /**
   * Holds up a sensitive step until the user has signed in lately (ASVS V7.5.1). Neither activity nor updates make a session
   * fresh; {@link Session.reauthenticate} does, and so does a new sign-in.
   *
   * @param maxAge seconds since the sign-in.
   * @throws HarpiaError `ERR_NOT_FRESH`, also where there is no session or it is nobody's: ask for the password.
   */
  async requireFresh(id: string | undefined, maxAge: number): Promise<void> {
    const session = await this.#parts.reader.findNow(id);
    const age = session?.userId === undefined ? NaN : this.#parts.clock.now() - (session.facts?.authenticatedAt ?? session.createdAt);
    if (!(age <= maxAge * 1000)) throw new HarpiaError("ERR_NOT_FRESH", `Cannot go on with this session: a sign-in within the last ${maxAge} s is wanted`);
  }

  /**
   * A signal that fires when the session ends, for whatever reason: at once where this process ends it or the store tells of it, else
   * within 30 s. It follows a rotation. For WebSockets, server-sent events and long requests.
   *
   * @param until ends the watching without the signal, such as when the socket closes. Without it the watching ends with the session.
   */
  watch(id: string | undefined, until?: AbortSignal): AbortSignal {
    const key = this.#parts.reader.keyOf(id);
    return key === undefined ? AbortSignal.abort() : this.#parts.watcher.watch(key, until);
  }

  /** When a live session will end. Looking does not move it (NIST SP 800-63B-4: a warning before the end). */
  async deadlines(id: string | undefined): Promise<Deadlines | undefined> {
    const session = await this.#parts.reader.find(id);
    return session && toDeadlines(session);
  }

  /**
   * Finishes what no request waits for, and ends the subscriptions to the store, for a process that ends. The store and its client stay
   * open: they are the caller's.
   */
  close(): Promise<void> {
    return this.#parts.store.close();
  }

  /**
   * Calls a listener at an event. One that throws or hangs changes nothing.
   *
   * @returns a function that ends it.
   */
  on<Name extends keyof SessionEvents>(name: Name, listener: (event: SessionEvents[Name]) => unknown): () => void {
    return this.#parts.events.on(name, listener);
  }

  /** Signs an id, where there is one, and puts it on the response, where there is one. */
  #hand(id: string | undefined, res: ResponseLike | undefined, options: CookieOptions): string | undefined {
    const signed = id === undefined ? undefined : this.#sign(id);
    if (res && signed !== undefined) this.setCookie(res, signed, options);
    return signed;
  }

  #sign(id: string): string {
    return this.#parts.signer?.sign(id) ?? id;
  }
}
