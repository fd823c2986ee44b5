// Session: create, read, change and end server-side sessions. Policy is decided here and in the
// files it calls: which ids are worth asking for, when activity is written, what merges with what.
// Stores only move records.
import { type Changes, type Updater, visibleData } from "../data/changes.ts";
import { assertOptions, check, LONGEST_LIFE, seconds, type Shape } from "../checks.ts";
import type { SessionEvents } from "../events/events.ts";
import { anyCookie, type CookieOptions } from "../http/cookies.ts";
import {
  addVary,
  isRequest,
  type RequestLike,
  requestOf,
  type ResponseLike,
  type SessionRef,
  suggestCaching,
  takesCookies,
  toHeaderPort,
} from "../http/http-messages.ts";
import { lifeOfCookie } from "../http/session-cookie.ts";
import { type CreateOptions, createSession } from "../lifecycle/creation.ts";
import { endSession } from "../lifecycle/ending.ts";
import type { Found } from "../lifecycle/found.ts";
import { assertFresh } from "../lifecycle/freshness.ts";
import { toDeadlines, type Deadlines } from "../lifecycle/lifetimes.ts";
import type { ListedSession } from "../lifecycle/operations.ts";
import {
  assertReauthenticates,
  type Named,
  reauthenticate,
  renew,
  rotate,
} from "../lifecycle/rotation.ts";
import { assemble, type SessionParts } from "../lifecycle/session-context.ts";
import type { SessionOptions } from "../lifecycle/session-options.ts";
import { updateData } from "../lifecycle/updates.ts";
import { watchRequest } from "../lifecycle/watcher.ts";
import { RequestAccess } from "../request/request-access.ts";
import { OPEN_REAL } from "../request/closed-session.ts";
import { RequestSession } from "../request/request-session.ts";
import { AllSessions } from "./all-sessions.ts";
import { describePolicy, type SessionPolicy } from "./policy.ts";
import { UserSessions } from "./user-sessions.ts";

const isRef = (value: unknown): boolean =>
  value === undefined || typeof value === "string" || (typeof value === "object" && value !== null);
const LIST_OPTIONS = { current: check("an id or a request", isRef) } satisfies Shape;
const AGE = seconds(0, LONGEST_LIFE, Infinity);
const REVOKE_OPTIONS = {
  userId: check("the text of a user's id", (value) => typeof value === "string"),
} satisfies Shape;
const REVOKE_ALL_OPTIONS = {
  except: check("an id or a request, or a list of them", (value) => [value].flat().every(isRef)),
} satisfies Shape;

/**
 * Sessions that are kept on the server and followed by a cookie.
 *
 * Every method that acts on a session takes its id or a request ({@link SessionRef}). Prefer the
 * request: of several cookies with our name it finds the live one, as {@link Session.fromRequest}
 * does. A missing, malformed, unknown or expired id is "no such session", never an error.
 *
 * Every method that asks the store rejects with a `StoreError` when the store fails
 * (`ERR_STORE_UNAVAILABLE`) or does not answer in time (`ERR_STORE_TIMEOUT`). It never becomes "no
 * session": an outage must not log everybody out.
 *
 * @typeParam Data what a session holds: JSON, an object of fields.
 * @typeParam Input what `create` takes, where a schema makes `Data` of it.
 */
// Harpia's default: data of unknown shape.
// oxlint-disable-next-line typescript/no-explicit-any
export class Session<Data extends object = Record<string, any>, Input extends object = Data> {
  /** The name of the cookie. */
  readonly cookieName: string;
  /**
   * Everybody's sessions, to find, count and end by their handles: for operators and their tools.
   */
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
   * Stores data under a new id: 32 characters, unguessable (160 random bits, ASVS V7.2.3), and a
   * signature where there are `secrets`.
   *
   * @param options this session's own limits, such as longer ones for "remember me", and its
   * device.
   * @throws TypeError for data that JSON would lose; HarpiaError `ERR_DATA_INVALID` for what the
   * schema refuses, and `ERR_TOO_MANY_SESSIONS` where `maxPerUser` denies.
   */
  async create(data: Input, options?: CreateOptions): Promise<string> {
    const { id } = await createSession(this.#parts, data, options);
    return this.#sign(id);
  }

  /**
   * The data of a live session, without fields of the library's own. A session with no other fields
   * has no data. Looking is not activity: the idle deadline stays where it is.
   */
  async get(ref: SessionRef): Promise<Data | undefined> {
    const found = await this.#find(ref);
    return found && visibleData(found.session.data);
  }

  /**
   * Merges fields into a live session, in one step of the store: of changes to different fields
   * none is lost.
   *
   * With a function the change is exact: it sees the newest data and is called again when another
   * change came between. Calls for one session wait for one another in this process.
   *
   * @returns `false` when there is no such session. It is never brought back.
   * @throws HarpiaError `ERR_USER_CHANGED` for a change that would give the session another user
   * (session fixation, ASVS V7.2.4): a login is a new session. `ERR_DATA_INVALID` for what the
   * schema refuses; TypeError that names the field for what JSON would lose. Nothing was written then.
   */
  async update(ref: SessionRef, changes: Changes<Data> | Updater<Data>): Promise<boolean> {
    const { reader, exactUpdates, store } = this.#parts;
    if (isRequest(ref)) {
      // What the caller does to the object while this waits is no part of the change.
      const given = exactUpdates.copy(changes);
      return store.whole("patch", async (deadline) => {
        const found = await reader.locate(ref);
        deadline.assertTime();
        return found !== undefined && updateData(this.#parts, found.key, given);
      });
    }
    const key = reader.keyOf(ref);
    if (ref === undefined || key === undefined) return false;
    return updateData(this.#parts, key, changes, {
      admission: {
        beforehand: () => reader.mayChange(key, ref),
        of: (session) => reader.admits(ref, key, session),
      },
    });
  }

  /**
   * Ends a session, everywhere and for good. With a request, or with a response that knows its
   * request, every live session ends that the request's cookies name: a stale cookie beside the
   * real one must not keep a logout from being one (ASVS V7.4.1). Responses of node, Express,
   * Fastify, Koa, Hono and `harpia()` know their request.
   *
   * With a response, the cookie is taken back too, with the attributes that it was set with;
   * `options` as they were given to `setCookie`.
   *
   * @returns whether any of them was live.
   * @example
   * app.post("/logout", async (req, res) => {
   *   await session.delete(req, res);
   *   res.json({ message: "Goodbye" });
   * });
   */
  async delete(ref: SessionRef, res?: ResponseLike, options: CookieOptions = {}): Promise<boolean> {
    const { reader, requests, transport, store } = this.#parts;
    // Before the store: a mistake of the caller must not leave a cookie that names nothing.
    anyCookie("cookie", options);
    const id = isRequest(ref) ? undefined : ref;
    const req = isRequest(ref) ? ref : res && requestOf(res);
    const isEnded = await store.whole("remove", async () => {
      const found = reader.keyToChange(id);
      const key = found instanceof Promise ? await found : found;
      const ending = key === undefined ? undefined : endSession(this.#parts, key);
      // What fails is seen below.
      ending?.catch(() => {});
      const others = req ? (await reader.keysToEnd(req, id)).filter((other) => other !== key) : [];
      const ended = await Promise.all([
        ending,
        ...others.map((other) => endSession(this.#parts, other)),
      ]);
      return ended.includes(true);
    });
    requests.keep(req, null);
    // After the store: a logout that failed must not look like one.
    if (res) transport.erase(res, options);
    return isEnded;
  }

  /**
   * Sets the session's cookie on a response, in the place of an earlier one, and forbids caches to
   * keep the response (ASVS V14.3.2). Options add to those of the `Session`.
   *
   * @throws TypeError or RangeError for a cookie that browsers would refuse; HarpiaError
   * `ERR_HEADERS_SENT` when it is too late.
   */
  setCookie(res: ResponseLike, id: string, options: CookieOptions = {}): void {
    this.#parts.transport.assertWritable(options);
    this.#parts.transport.write(res, id, options);
  }

  /**
   * The data of the session that a request's cookie names, a visitor's too: gate with
   * {@link Session.userFromRequest}. This is activity: it moves the idle deadline.
   *
   * Of several cookies with our name each is tried, up to 32. Of several live sessions of one user
   * the youngest counts. Where they are different users' there is no session, since the order of
   * cookies says nothing about whose they are (SESS-03).
   *
   * @param res the response that will depend on it: caches are told so with `Vary` (RFC 9111, 4.1),
   * and with `Cache-Control` where a session was found (option `cacheControl`).
   */
  fromRequest(req: RequestLike, res?: ResponseLike): Promise<Data | undefined> {
    // Not async without a response: one promise more is a tenth of a read.
    if (!res) return this.#parts.reader.dataOf(req);
    return this.#visit(req, res).then((found) => found && visibleData(found.session.data));
  }

  /**
   * The data of somebody who is signed in: the gate of a page. A visitor's session, which holds a
   * basket or a message and no user (option `user`), is `undefined`, as no session is. This is
   * activity.
   *
   * @param res as for {@link Session.fromRequest}.
   * @example
   * const user = await session.userFromRequest(req, res);
   * if (!user) return res.status(401).json({ message: "Sign in first" });
   */
  async userFromRequest(req: RequestLike, res?: ResponseLike): Promise<Data | undefined> {
    const found = await this.#visit(req, res);
    if (
      !found ||
      (found.session.userId ?? this.#parts.options.userOf(found.session.data)) === undefined
    )
      return undefined;
    return visibleData(found.session.data) ?? found.session.data;
  }

  /**
   * This request's session, to be used and then committed: what the adapters give as `req.session`
   * and the like. Nothing is read before it is asked for. It is closed: to write or delete a
   * property of it is a TypeError.
   */
  open(req: RequestLike): RequestSession<Data, Input> {
    return this[OPEN_REAL](req).face;
  }

  /** The same for adapters, which need no face where the application does not ask for the session. @internal */
  [OPEN_REAL](req: RequestLike): RequestSession<Data, Input> {
    return new RequestSession<Data, Input>(new RequestAccess(this.#users, this.#parts, req));
  }

  /**
   * Gives a live session a new id, in one step: the old one is dead from then on, for everybody
   * (ASVS V7.2.4). The birth, and with it the absolute limit, stays. With a response, the cookie
   * follows.
   *
   * @returns the new id, or `undefined` when there is no such session.
   */
  async rotate(
    ref: SessionRef,
    res?: ResponseLike,
    options: CookieOptions = {},
  ): Promise<string | undefined> {
    this.#parts.transport.assertWritable(options);
    return this.#change(rotate, { ref, res, options });
  }

  /**
   * Notes that the user of a live session has just proved who they are once more:
   * {@link Session.requireFresh} counts from now. The session keeps its data and gets a new id
   * (ASVS V7.2.4). With a response, the cookie follows.
   *
   * @returns the new id, or `undefined` when there is no such session.
   * @throws StoreError `ERR_STORE_UNSUPPORTED` on a three-method store.
   */
  async reauthenticate(
    ref: SessionRef,
    res?: ResponseLike,
    options: CookieOptions = {},
  ): Promise<string | undefined> {
    this.#parts.transport.assertWritable(options);
    assertReauthenticates(this.#parts);
    return this.#change(reauthenticate, { ref, res, options });
  }

  /**
   * The id that a live session goes by now: a new one where `renewEvery` says that it is time, else
   * the one that was given. The former one finds the session for `renewOverlap` seconds more. With
   * a response, the cookie follows. A request's session does this by itself.
   *
   * @returns `undefined` when there is no such session.
   */
  async renew(ref: SessionRef, res?: ResponseLike): Promise<string | undefined> {
    const { transport, clock, requests } = this.#parts;
    const found = await this.#foundNow(ref);
    // A client that could not keep the new id would go on with the former one.
    if (!found || (res && !takesCookies(res))) return found?.id;
    const next = await renew(this.#parts, found);
    if (!next || next.id === found.id) return next?.id;
    if (res) transport.write(res, next.id, lifeOfCookie(next.session, clock.now()));
    requests.keep(isRequest(ref) ? ref : res && requestOf(res), next.id);
    return next.id;
  }

  /**
   * Ends every session of a user that was created before the call, but for those that `except`
   * names by id or by request (ASVS V7.4.3).
   *
   * @returns how many it ended.
   * @throws StoreError `ERR_STORE_UNSUPPORTED` on a three-method store.
   */
  async revokeAll(
    userId: string,
    options: { except?: SessionRef | readonly SessionRef[] } = {},
  ): Promise<number> {
    assertOptions("revokeAll", options, REVOKE_ALL_OPTIONS);
    const refs = [options.except ?? []].flat() as SessionRef[];
    return this.#parts.store.whole("removeByUser", async (deadline) => {
      const keys = await Promise.all(refs.map((ref) => this.#keyOf(ref)));
      deadline.assertTime();
      return this.#users.revokeAll(
        userId,
        keys.flatMap((key) => key ?? []),
      );
    });
  }

  /**
   * Ends every session of everybody that was created before the call, with one write of the store:
   * after a leak of secrets, or of cookies.
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
    assertOptions("list", options, LIST_OPTIONS);
    return this.#parts.store.whole("listByUser", async (deadline) => {
      const key = await this.#keyOf(options.current);
      deadline.assertTime();
      return this.#users.list(userId, key);
    });
  }

  /**
   * Ends one of a user's sessions by its handle. Another user's handle is not found.
   *
   * @returns whether it was live.
   */
  async revoke(handle: string, options: { userId: string }): Promise<boolean> {
    assertOptions("revoke", options, REVOKE_OPTIONS);
    return this.#users.revoke(handle, options.userId);
  }

  /**
   * Holds up a sensitive step until the user has signed in lately (ASVS V7.5.1). Neither activity
   * nor updates make a session fresh; {@link Session.reauthenticate} does, and so does a new
   * sign-in.
   *
   * @param maxAge seconds since the sign-in, at most 400 days.
   * @throws TypeError or RangeError for a `maxAge` that is no such number.
   * @throws HarpiaError `ERR_NOT_FRESH`, also where there is no session or it is nobody's: ask for
   * the password.
   */
  async requireFresh(ref: SessionRef, maxAge: number): Promise<void> {
    AGE("maxAge", maxAge);
    const { reader, store, clock } = this.#parts;
    const found = isRequest(ref) ? await reader.locate(ref) : await reader.findNow(ref);
    // A request's may be from the near cache.
    const session = found && isRequest(ref) ? await store.read(found.key) : found?.session;
    assertFresh(session, maxAge, clock.now());
  }

  /**
   * A signal that fires when the session ends, for whatever reason: at once where this process ends
   * it or the store tells of it, else within 30 s. It follows a rotation. For WebSockets,
   * server-sent events and long requests.
   *
   * @param until ends the watching without the signal, such as when the socket closes. Without it
   * the watching ends with the session.
   */
  watch(ref: SessionRef, until?: AbortSignal): AbortSignal {
    if (isRequest(ref)) return watchRequest(this.#parts, ref, until);
    const { reader, watcher } = this.#parts;
    const key = reader.keyOf(ref);
    if (ref === undefined || key === undefined) return AbortSignal.abort();
    return watcher.watch(key, until, (session) => reader.admits(ref, key, session));
  }

  /**
   * When a live session will end. Looking does not move it (NIST SP 800-63B-4: a warning before the
   * end).
   */
  async deadlines(ref: SessionRef): Promise<Deadlines | undefined> {
    const found = await this.#find(ref);
    return found && toDeadlines(found.session);
  }

  /**
   * Finishes what no request waits for, and ends the subscriptions to the store, for a process that
   * ends. The store and its client stay open: they are the caller's.
   */
  close(): Promise<void> {
    return this.#parts.store.close();
  }

  /**
   * Calls a listener at an event. One that throws or hangs changes nothing.
   *
   * @returns a function that ends it.
   */
  on<Name extends keyof SessionEvents>(
    name: Name,
    listener: (event: SessionEvents[Name]) => unknown,
  ): () => void {
    return this.#parts.events.on(name, listener);
  }

  /** The key of a reference that may act. A request's is of the session that `fromRequest` finds. */
  async #keyOf(ref: SessionRef): Promise<string | undefined> {
    const { reader } = this.#parts;
    return isRequest(ref) ? (await reader.locate(ref))?.key : reader.keyToChange(ref);
  }

  async #find(ref: SessionRef): Promise<Found<Data> | undefined> {
    const { reader } = this.#parts;
    return isRequest(ref) ? reader.locate(ref) : reader.find(ref);
  }

  async #foundNow(ref: SessionRef): Promise<Found<Data> | undefined> {
    const { reader } = this.#parts;
    return isRequest(ref) ? reader.locate(ref) : reader.findNow(ref);
  }

  /** The session of a request, and what a response that depends on it says to caches. */
  async #visit(req: RequestLike, res?: ResponseLike): Promise<Found<Data> | undefined> {
    const { transport, reader, options } = this.#parts;
    if (res) addVary(res, transport.header);
    const found = await reader.visit(req);
    if (res && found && options.cacheControl !== false) suggestCaching(res, options.cacheControl);
    return found;
  }

  /** Gives a session another id, and a response the cookie. */
  async #change(
    change: (
      parts: SessionParts<Data, Input>,
      named: Named<Data>,
    ) => Promise<Named<Data> | undefined>,
    {
      ref,
      res,
      options,
    }: { ref: SessionRef; res: ResponseLike | undefined; options: CookieOptions },
  ): Promise<string | undefined> {
    const { keepsFacts, requests, clock, store } = this.#parts;
    // An id that cannot be sent any more would be nobody's: the session would be lost.
    if (res) toHeaderPort(res);
    const next = await store.whole("move", async (deadline) => {
      const named = keepsFacts || isRequest(ref) ? await this.#foundNow(ref) : this.#namedBy(ref);
      deadline.assertTime();
      return named && change(this.#parts, named);
    });
    if (!next) return undefined;
    requests.keep(isRequest(ref) ? ref : res && requestOf(res), next.id);
    const life = lifeOfCookie(next.session, clock.now(), options);
    if (res) this.setCookie(res, next.id, { ...life, ...options });
    return next.id;
  }

  /** What an id names where nothing but data is kept: there is nothing to be known of it. */
  #namedBy(id: string | undefined): Named<Data> | undefined {
    const key = this.#parts.reader.keyOf(id);
    return id === undefined || key === undefined ? undefined : { id, key };
  }

  #sign(id: string): string {
    return this.#parts.signer?.sign(id) ?? id;
  }
}
