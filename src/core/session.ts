// Session: create, read, change and end server-side sessions. Policy is decided here and in the files it calls:
// which ids are worth asking for, when activity is written, what merges with what. Stores only move records.
import { AllSessions } from "./all-sessions.ts";
import { type Changes, type Updater, visibleData } from "./changes.ts";
import { OPEN_REAL } from "./closed-session.ts";
import type { CookieOptions } from "./cookies.ts";
import { type CreateOptions, createSession } from "./creation.ts";
import { updateData } from "./data-updates.ts";
import { HarpiaError } from "./errors.ts";
import type { SessionEvents } from "./events.ts";
import { endSession } from "./ending.ts";
import {
  addVary,
  isRequest,
  type RequestLike,
  requestOf,
  type ResponseLike,
  type SessionRef,
  suggestCaching,
} from "./http-messages.ts";
import { reauthenticate, rotate } from "./id-changes.ts";
import { toDeadlines, type Deadlines } from "./lifetimes.ts";
import { describePolicy, type SessionPolicy } from "./policy.ts";
import { RequestSession } from "./request-session.ts";
import { RequestAccess } from "./session-access.ts";
import type { SessionOptions } from "./session-options.ts";
import { assemble, type SessionParts } from "./session-parts.ts";
import type { Found } from "./session-reader.ts";
import type { StoredSession } from "./store.ts";
import { type ListedSession, UserSessions } from "./user-sessions.ts";
import { watchRequest } from "./watcher.ts";

/**
 * Sessions that are kept on the server and followed by a cookie.
 *
 * Every method that acts on a session takes its id or a request ({@link SessionRef}). Prefer the request: of several
 * cookies with our name it finds the live one, as {@link Session.fromRequest} does. A missing, malformed, unknown or
 * expired id is "no such session", never an error.
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

  /**
   * The data of a live session, without fields of the library's own. A session with no other fields has no data.
   * Looking is not activity: the idle deadline stays where it is.
   */
  async get(ref: SessionRef): Promise<Data | undefined> {
    const session = await this.#find(ref);
    return session && visibleData(session.data);
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
  async update(ref: SessionRef, changes: Changes<Data> | Updater<Data>): Promise<boolean> {
    const { reader, exactUpdates } = this.#parts;
    if (isRequest(ref)) {
      const given = exactUpdates.copy(changes);
      return this.update(await this.#idOf(ref), given);
    }
    const found = reader.keyToChange(ref);
    // What the caller does to the object while this waits is no part of the change.
    const given = found instanceof Promise ? exactUpdates.copy(changes) : changes;
    const key = found instanceof Promise ? await found : found;
    return key !== undefined && updateData(this.#parts, key, given);
  }

  /**
   * Ends a session, everywhere and for good. With a request, or with a response that knows its request, every live
   * session ends that the request's cookies name: a stale cookie beside the real one must not keep a logout from
   * being one (ASVS V7.4.1). Responses of node, Express, Fastify, Koa, Hono and `harpia()` know their request.
   *
   * With a response, the cookie is taken back too, with the attributes that it was set with; `options` as they were
   * given to `setCookie`.
   *
   * @returns whether any of them was live.
   * @example
   * app.post("/logout", async (req, res) => {
   *   await session.delete(req, res);
   *   res.json({ message: "Goodbye" });
   * });
   */
  async delete(ref: SessionRef, res?: ResponseLike, options: CookieOptions = {}): Promise<boolean> {
    const { reader, requests, transport } = this.#parts;
    const id = isRequest(ref) ? undefined : ref;
    const req = isRequest(ref) ? ref : res && requestOf(res);
    const found = reader.keyToChange(id);
    const key = found instanceof Promise ? await found : found;
    const ending = key === undefined ? undefined : endSession(this.#parts, key);
    // What fails is seen below.
    ending?.catch(() => {});
    const others = req ? (await reader.keysToEnd(req, id)).filter((other) => other !== key) : [];
    const isEnded = await Promise.all([ending, ...others.map((other) => endSession(this.#parts, other))]);
    requests.keep(req, null);
    // After the store: a logout that failed must not look like one.
    if (res) transport.erase(res, options);
    return isEnded.includes(true);
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
   * The data of the session that a request's cookie names, a visitor's too: gate with
   * {@link Session.userFromRequest}. This is activity: it moves the idle deadline.
   *
   * Of several cookies with our name each is tried, up to 32. Of several live sessions of one user the youngest
   * counts. Where they are different users' there is no session, since the order of cookies says nothing about whose
   * they are (SESS-03).
   *
   * @param res the response that will depend on it: caches are told so with `Vary` (RFC 9111, 4.1), and with
   * `Cache-Control` where a session was found (option `cacheControl`).
   */
  fromRequest(req: RequestLike, res?: ResponseLike): Promise<Data | undefined> {
    // Not async without a response: one promise more is a tenth of a read.
    if (!res) return this.#parts.reader.dataOf(req);
    return this.#visit(req, res).then((found) => found && visibleData(found.session.data));
  }

  /**
   * The data of somebody who is signed in: the gate of a page. A visitor's session, which holds a basket or a
   * message and no user (option `user`), is `undefined`, as no session is. This is activity.
   *
   * @param res as for {@link Session.fromRequest}.
   * @example
   * const user = await session.userFromRequest(req, res);
   * if (!user) return res.status(401).json({ message: "Sign in first" });
   */
  async userFromRequest(req: RequestLike, res?: ResponseLike): Promise<Data | undefined> {
    const found = await this.#visit(req, res);
    if (!found || (found.session.userId ?? this.#parts.options.userOf(found.session.data)) === undefined) return undefined;
    return visibleData(found.session.data) ?? found.session.data;
  }

  /**
   * This request's session, to be used and then committed: what the adapters give as `req.session` and the like. Nothing is
   * read before it is asked for. It is closed: to write or delete a property of it is a TypeError.
   */
  open(req: RequestLike): RequestSession<Data, Input> {
    return this[OPEN_REAL](req).face;
  }

  /** The same for adapters, which need no face where the application does not ask for the session. @internal */
  [OPEN_REAL](req: RequestLike): RequestSession<Data, Input> {
    return new RequestSession<Data, Input>(new RequestAccess(this, this.#parts, req));
  }

  /**
   * Gives a live session a new id, in one step: the old one is dead from then on, for everybody (ASVS V7.2.4).
   * The birth, and with it the absolute limit, stays. With a response, the cookie follows.
   *
   * @returns the new id, or `undefined` when there is no such session.
   */
  async rotate(ref: SessionRef, res?: ResponseLike, options: CookieOptions = {}): Promise<string | undefined> {
    return this.#hand(await rotate(this.#parts, await this.#idOf(ref), res), ref, res, options);
  }

  /**
   * Notes that the user of a live session has just proved who they are once more: {@link Session.requireFresh} counts from now. The session
   * keeps its data and gets a new id (ASVS V7.2.4). With a response, the cookie follows.
   *
   * @returns the new id, or `undefined` when there is no such session.
   * @throws StoreError `ERR_STORE_UNSUPPORTED` on a three-method store.
   */
  async reauthenticate(ref: SessionRef, res?: ResponseLike, options: CookieOptions = {}): Promise<string | undefined> {
    return this.#hand(await reauthenticate(this.#parts, await this.#idOf(ref), res), ref, res, options);
  }

  /**
   * The id that a live session goes by now: a new one where `renewEvery` says that it is time, else the one that was given. The former one
   * finds the session for `renewOverlap` seconds more. With a response, the cookie follows. A request's session does this by itself.
   *
   * @returns `undefined` when there is no such session.
   */
  async renew(ref: SessionRef, res?: ResponseLike): Promise<string | undefined> {
    const access = new RequestAccess(this, this.#parts);
    const id = await this.#idOf(ref);
    const found = id === undefined ? undefined : await access.renew(id);
    if (!found || found.id === id) return found?.id;
    if (res) access.writeId(res, found);
    this.#parts.requests.keep(isRequest(ref) ? ref : res && requestOf(res), found.id);
    return found.id;
  }

  /**
   * Ends every session of a user that was created before the call, but for those that `except` names by id or by
   * request (ASVS V7.4.3).
   *
   * @returns how many it ended.
   * @throws StoreError `ERR_STORE_UNSUPPORTED` on a three-method store.
   */
  async revokeAll(userId: string, options: { except?: SessionRef | readonly SessionRef[] } = {}): Promise<number> {
    const refs = [options.except ?? []].flat() as SessionRef[];
    const keys = await Promise.all(refs.map((ref) => this.#keyOf(ref)));
    return this.#users.revokeAll(userId, keys.flatMap((key) => key ?? []));
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
   * @param options.current the session that asks, by id or by request: it is marked.
   */
  async list(userId: string, options: { current?: SessionRef } = {}): Promise<ListedSession[]> {
    return this.#users.list(userId, await this.#keyOf(options.current));
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
  async requireFresh(ref: SessionRef, maxAge: number): Promise<void> {
    const session = await this.#parts.reader.findNow(await this.#idOf(ref));
    const age = session?.userId === undefined ? NaN : this.#parts.clock.now() - (session.facts?.authenticatedAt ?? session.createdAt);
    if (!(age <= maxAge * 1000)) throw new HarpiaError("ERR_NOT_FRESH", `Cannot go on with this session: a sign-in within the last ${maxAge} s is wanted`);
  }

  /**
   * A signal that fires when the session ends, for whatever reason: at once where this process ends it or the store tells of it, else
   * within 30 s. It follows a rotation. For WebSockets, server-sent events and long requests.
   *
   * @param until ends the watching without the signal, such as when the socket closes. Without it the watching ends with the session.
   */
  watch(ref: SessionRef, until?: AbortSignal): AbortSignal {
    if (isRequest(ref)) return watchRequest(this.#parts, ref, until);
    const key = this.#parts.reader.keyOf(ref);
    return key === undefined ? AbortSignal.abort() : this.#parts.watcher.watch(key, until);
  }

  /** When a live session will end. Looking does not move it (NIST SP 800-63B-4: a warning before the end). */
  async deadlines(ref: SessionRef): Promise<Deadlines | undefined> {
    const session = await this.#find(ref);
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

  /** The id of a reference. A request's is the one that `fromRequest` finds. */
  async #idOf(ref: SessionRef): Promise<string | undefined> {
    return isRequest(ref) ? (await this.#parts.reader.locate(ref))?.id : ref;
  }

  async #keyOf(ref: SessionRef): Promise<string | undefined> {
    return isRequest(ref) ? (await this.#parts.reader.locate(ref))?.key : this.#parts.reader.keyOf(ref);
  }

  async #find(ref: SessionRef): Promise<StoredSession<Data> | undefined> {
    return isRequest(ref) ? (await this.#parts.reader.locate(ref))?.session : this.#parts.reader.find(ref);
  }

  /** The session of a request, and what a response that depends on it says to caches. */
  async #visit(req: RequestLike, res?: ResponseLike): Promise<Found<Data> | undefined> {
    const { transport, reader, options } = this.#parts;
    if (res) addVary(res, transport.header);
    const found = await reader.visit(req);
    if (res && found && options.cacheControl !== false) suggestCaching(res, options.cacheControl);
    return found;
  }

  /** Signs an id, where there is one, and puts it on the response, where there is one. */
  #hand(id: string | undefined, ref: SessionRef, res: ResponseLike | undefined, options: CookieOptions): string | undefined {
    const signed = id === undefined ? undefined : this.#sign(id);
    if (signed === undefined) return undefined;
    this.#parts.requests.keep(isRequest(ref) ? ref : res && requestOf(res), signed);
    if (res) this.setCookie(res, signed, options);
    return signed;
  }

  #sign(id: string): string {
    return this.#parts.signer?.sign(id) ?? id;
  }
}
