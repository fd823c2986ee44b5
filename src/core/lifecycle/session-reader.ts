// From a request to its session: which cookie counts, which ids are worth asking the store for, and
// what of a visit is written. The hot path of the library; it changes nothing but the idle
// deadline.
import type { Clock } from "../clock.ts";
import { visibleData } from "../data/changes.ts";
import type { Emitter, RefusalReason, SessionEvents } from "../events/events.ts";
import type { RequestLike } from "../http/http-messages.ts";
import type { Transport } from "../http/transport.ts";
import { birthOf, ID_LENGTH } from "../ids/session-id.ts";
import type { IdSigner } from "../ids/signed-id.ts";
import type { NewSession, StoredSession } from "../store.ts";
import type { GuardedStore } from "../store/guarded-store.ts";
import type { Found } from "./found.ts";
import type { Lifetimes } from "./lifetimes.ts";
import { isVerifier, type Renewals } from "./renewal.ts";
import type { RequestIds } from "./request-ids.ts";

// More cookies with our name that look like ids are no browser's, and are not tried (SESS-03).
const MOST_CANDIDATES = 32;

interface ReaderParts<Data> {
  transport: Transport;
  store: GuardedStore<Data>;
  lifetimes: Lifetimes;
  clock: Clock;
  events: Emitter<SessionEvents>;
  signer: IdSigner | undefined;
  renewals: Renewals<Data>;
  requests: RequestIds;
  userOf(data: Data): string | undefined;
}

/** Who asks: a request, and when it began where that was earlier. */
interface Asking {
  readonly req: RequestLike;
  readonly asOf?: number | undefined;
}

type Answer<Value> = Value | undefined | Promise<Value | undefined>;

/** Finds the sessions of requests and ids. */
export class SessionReader<Data> {
  readonly #transport: Transport;
  readonly #store: GuardedStore<Data>;
  readonly #lifetimes: Lifetimes;
  readonly #clock: Clock;
  readonly #events: Emitter<SessionEvents>;
  readonly #signer: IdSigner | undefined;
  readonly #renewals: Renewals<Data>;
  readonly #requests: RequestIds;
  readonly #userOf: (data: Data) => string | undefined;

  constructor(parts: ReaderParts<Data>) {
    this.#transport = parts.transport;
    this.#store = parts.store;
    this.#lifetimes = parts.lifetimes;
    this.#clock = parts.clock;
    this.#events = parts.events;
    this.#signer = parts.signer;
    this.#renewals = parts.renewals;
    this.#requests = parts.requests;
    this.#userOf = parts.userOf;
  }

  /** The key of an id that may be one; the store is not asked for any other. */
  keyOf(value: string | undefined, now: number = this.#clock.now()): string | undefined {
    const id = this.#signer && typeof value === "string" ? this.#signer.verify(value) : value;
    // A renewed id goes on behind the first 32 characters; most do not.
    const first =
      typeof id === "string" && id.length > ID_LENGTH && isVerifier(id.slice(ID_LENGTH))
        ? id.slice(0, ID_LENGTH)
        : id;
    const birth = birthOf(first);
    if (birth < 0) {
      if (value !== undefined)
        this.#refuse(
          this.#signer && birthOf(value?.slice?.(0, ID_LENGTH)) >= 0
            ? "bad-signature"
            : "malformed",
        );
      return undefined;
    }
    const key = this.#store.keyOf(first as string, birth);
    if (!this.#lifetimes.isOverAge(birth, now)) return key;
    this.#refuse("over-age", key);
    return undefined;
  }

  /** An id that {@link keyOf} found good, without its signature. */
  bare(id: string): string {
    return this.#signer ? id.slice(0, id.lastIndexOf(".")) : id;
  }

  /**
   * The session of an id, without taking note. Perhaps from the near cache: what must be certain
   * asks `findNow`.
   */
  async find(id: string | undefined): Promise<Found<Data> | undefined> {
    const key = this.keyOf(id);
    if (key === undefined) return undefined;
    const near = this.#store.peek(key, this.#clock.now()) ?? (await this.#store.readNear(key));
    return this.#admitted(id as string, key, near);
  }

  /** The session of an id, as the store has it now. */
  async findNow(id: string | undefined): Promise<Found<Data> | undefined> {
    const key = this.keyOf(id);
    if (key === undefined) return undefined;
    return this.#admitted(id as string, key, await this.#store.read(key));
  }

  /** The key of an id that may act on its session: see {@link mayChange}. */
  keyToChange(id: string | undefined): string | undefined | Promise<string | undefined> {
    const key = this.keyOf(id);
    const mayChange = key !== undefined && this.mayChange(key, id as string);
    if (mayChange instanceof Promise) return mayChange.then((may) => (may ? key : undefined));
    return mayChange ? key : undefined;
  }

  /**
   * Whether an id may act on its session: only its record says which of its ids hold, also where
   * this process renews none. At once where the store answers at once.
   */
  mayChange(key: string, id: string): boolean | Promise<boolean> {
    if (!this.#renewals.canSupersede) return true;
    const { readSync } = this.#store;
    // Where nothing is found the change itself finds out: a read may come from a copy of the
    // database that lags behind.
    const admits = (session: StoredSession<Data> | undefined): boolean | Promise<boolean> =>
      session === undefined || this.admits(id, key, session);
    if (readSync) return admits(readSync(key));
    const near = this.#store.peek(key, this.#clock.now());
    return near ? admits(near) : this.#store.readNear(key).then(admits);
  }

  /** Whether the id that led to a record may use it. */
  admits(id: string, key: string, session: StoredSession<Data>): true | Promise<boolean> {
    return this.#renewals.admits({ id: this.bare(id), key, session });
  }

  async #admitted(
    id: string,
    key: string,
    session: StoredSession<Data> | undefined,
  ): Promise<Found<Data> | undefined> {
    return session && (await this.admits(id, key, session)) ? { id, key, session } : undefined;
  }

  /** The data of the session that a request's cookie names. This is activity. */
  async dataOf(req: RequestLike): Promise<Data | undefined> {
    const found = this.visit(req);
    const visited = found instanceof Promise ? await found : found;
    return visited && visibleData(visited.session.data as Data & object);
  }

  /**
   * The session of a request, with the id that led to it. This is activity.
   *
   * @param asOf when the request began, where that was earlier: its id is judged as of then.
   */
  visit(req: RequestLike, asOf?: number): Answer<Found<Data>> {
    const { readSync } = this.#store;
    const kept = this.#requests.of(req);
    const named = kept === undefined ? this.#transport.read(req) : kept;
    if (typeof named !== "string")
      return Array.isArray(named) ? this.#visitOne(this.#choose(named, { req, asOf })) : undefined;
    const now = this.#clock.now();
    if (!readSync) return this.#visitOne(this.#locateId(named, now, { req, asOf }), now);
    // All in one place, and with one look at the clock: this is the whole of most requests.
    const key = this.keyOf(named, now);
    if (key === undefined) return undefined;
    const found = this.#found(key, named, readSync(key, now), { req, asOf });
    if (found === undefined || found instanceof Promise) return this.#visitOne(found, now);
    return this.#lifetimes.dueTouch(found.session, now) ? this.#seen(found, now) : found;
  }

  /**
   * The same, and no activity. Without a promise where the store answers at once: each costs as
   * much as the rest.
   *
   * @param options.ownId the id that the request's session has, where no cookie names it yet.
   */
  locate(
    req: RequestLike,
    { ownId, asOf }: { ownId?: string | undefined; asOf?: number | undefined } = {},
  ): Answer<Found<Data>> {
    const kept = this.#requests.of(req) ?? ownId;
    if (kept === null) return undefined;
    const named = kept ?? this.#transport.read(req);
    const asking = { req, asOf };
    return Array.isArray(named)
      ? this.#choose(named, asking)
      : this.#locateId(named, this.#clock.now(), asking);
  }

  /** Notes the activity. `false`: the session ended before this could be noted. */
  see(
    { key, session }: { readonly key?: string; readonly session: NewSession<Data> },
    now: number = this.#clock.now(),
  ): true | Promise<boolean> {
    const touch = key !== undefined && this.#lifetimes.dueTouch(session, now);
    return touch ? this.#store.touch(key, touch) : true;
  }

  /**
   * The keys of all live sessions that a request names, for its logout. One that stands alone is
   * not read: whether it lives, its removal tells.
   *
   * @param knownId the id of one that is ended anyway.
   */
  async keysToEnd(req: RequestLike, knownId?: string): Promise<string[]> {
    const kept = this.#requests.of(req);
    const named = [kept ?? [], this.#transport.read(req) ?? []].flat();
    const ids = this.#plausible(named).filter((id) => id !== knownId);
    if (ids.length === 0) return [];
    if (ids.length > 1) return (await this.#liveOf(ids, { req })).map(({ key }) => key);
    const isAdmitted = this.#requests.isAdmitted(req, ids[0] as string);
    const key = isAdmitted ? this.keyOf(ids[0]) : await this.keyToChange(ids[0]);
    return key === undefined ? [] : [key];
  }

  #locateId(id: string | undefined, now: number, asking: Asking): Answer<Found<Data>> {
    if (id === undefined) return undefined;
    const key = this.keyOf(id, now);
    if (key === undefined) return undefined;
    const { readSync } = this.#store;
    const found = readSync ? readSync(key, now) : this.#store.peek(key, now);
    if (found || readSync) return this.#found(key, id, found, asking);
    return this.#store.readNear(key).then((session) => this.#found(key, id, session, asking));
  }

  #found(
    key: string,
    id: string,
    session: StoredSession<Data> | undefined,
    asking: Asking,
  ): Answer<Found<Data>> {
    if (session === undefined) {
      this.#refuse("unknown", key);
      return undefined;
    }
    const isAdmitted = this.#admitsOf(asking, { id, key, session });
    if (isAdmitted === true) return { id, key, session };
    return isAdmitted.then((is) => (is ? { id, key, session } : undefined));
  }

  /** A request whose id was admitted once stays admitted: an upload may take longer than it holds. */
  #admitsOf({ req, asOf }: Asking, found: Found<Data>): true | Promise<boolean> {
    const { id, session } = found;
    const isRenewed = session.facts?.renewal !== undefined;
    if (!isRenewed && !this.#renewals.isRenewing && this.bare(id).length === ID_LENGTH) return true;
    if (this.#requests.isAdmitted(req, id)) return true;
    const isAdmitted = this.#renewals.admits({ ...found, id: this.bare(id) }, asOf);
    if (isAdmitted === true) this.#requests.admit(req, id);
    else void isAdmitted.then((is) => is && this.#requests.admit(req, id)).catch(() => {});
    return isAdmitted;
  }

  #visitOne(found: Answer<Found<Data>>, now?: number): Answer<Found<Data>> {
    if (found instanceof Promise)
      return found.then((one) => one && this.#seen(one, this.#clock.now()));
    return found && this.#seen(found, now ?? this.#clock.now());
  }

  #seen(found: Found<Data>, now: number): Answer<Found<Data>> {
    const isSeen = this.see(found, now);
    return isSeen === true ? found : isSeen.then((is) => (is ? found : undefined));
  }

  /** Of several candidates the session that counts. Their order never decides. */
  async #choose(values: readonly string[], asking: Asking): Promise<Found<Data> | undefined> {
    const ids = this.#plausible(values);
    if (ids.length <= 1) return this.#locateId(ids[0] ?? values[0], this.#clock.now(), asking);
    if (ids.length > MOST_CANDIDATES) {
      this.#refuse("duplicate");
      return undefined;
    }
    const live = await this.#liveOf(ids, asking);
    const users = live.filter((one) => this.#userIdOf(one) !== undefined);
    // A visitor is nobody: a session without a user takes none away from whoever is signed in.
    const [first, ...others] = users.length > 0 ? users : live;
    const isOneUsers =
      users.length > 0 && others.every((one) => this.#userIdOf(one) === this.#userIdOf(first));
    if (first && (others.length === 0 || isOneUsers)) return [first, ...others].reduce(younger);
    this.#refuse(first ? "duplicate" : "unknown");
    return undefined;
  }

  #userIdOf(found: Found<Data> | undefined): string | undefined {
    return found && (found.session.userId ?? this.#userOf(found.session.data));
  }

  /** What looks like an id, each once. Nothing is hashed or verified for it. */
  #plausible(values: readonly string[]): string[] {
    const least = this.#signer ? ID_LENGTH + 1 : ID_LENGTH;
    const looksLikeId = (value: string): boolean =>
      value.length >= least && birthOf(value.slice(0, ID_LENGTH)) >= 0 && this.#isFormed(value);
    return [...new Set(values)].filter(looksLikeId);
  }

  #isFormed(value: string): boolean {
    const id = this.#signer ? this.bare(value) : value;
    return id.length === ID_LENGTH || isVerifier(id.slice(ID_LENGTH));
  }

  /** The live sessions that ids lead to, each once, in one read of the store. */
  async #liveOf(ids: readonly string[], asking: Asking): Promise<Found<Data>[]> {
    const idsOf = new Map<string, string[]>();
    for (const id of ids) {
      const key = this.keyOf(id);
      if (key !== undefined) idsOf.set(key, [...(idsOf.get(key) ?? []), id]);
    }
    const found = await Promise.all(
      [...idsOf].map(([key, named]) => this.#foundAs(key, named, asking)),
    );
    return found.flatMap((one) => one ?? []);
  }

  /**
   * The session of a key, by the best of several ids. A superseded one beside a good one betrays
   * nobody.
   */
  async #foundAs(
    key: string,
    ids: readonly string[],
    asking: Asking,
  ): Promise<Found<Data> | undefined> {
    const session = this.#store.peek(key, this.#clock.now()) ?? (await this.#store.readNear(key));
    if (!session) return undefined;
    const ranked = (["current", "former"] as const).map((verdict) =>
      ids.find(
        (id) =>
          this.#renewals.verdictOf({ key, id: this.bare(id), session }, asking.asOf) === verdict,
      ),
    );
    const admitted = ids.find((id) => this.#requests.isAdmitted(asking.req, id));
    const id = ranked[0] ?? ranked[1] ?? admitted ?? (ids[0] as string);
    const found = { id, key, session };
    return (await this.#admitsOf(asking, found)) ? found : undefined;
  }

  #refuse(reason: RefusalReason, key?: string): void {
    if (this.#events.has("refused"))
      this.#events.emit("refused", {
        reason,
        ...(key !== undefined && { handle: this.#store.handleOf(key) }),
      });
  }
}

function younger<Data>(one: Found<Data>, other: Found<Data>): Found<Data> {
  const age =
    other.session.createdAt - one.session.createdAt ||
    other.session.lastSeenAt - one.session.lastSeenAt;
  return age >= 0 ? other : one;
}
