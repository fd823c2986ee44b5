// toExpressStore: what express-session calls, over a store of ours. Knows which sessions
// express-session loaded, and from that what it means by `set`: a new session, a change, or one
// that was ended meanwhile and stays ended.
import { isDeepStrictEqual } from "node:util";
import { assertOptions, kindOf } from "../../core/checks.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { copyJson, toJsonObject } from "../../core/data/json.ts";
import { IdMaker, toStoreKey } from "../../core/ids/session-id.ts";
import type { SessionStore, StoredSession } from "../../core/store.ts";
import { GuardedStore } from "../../core/store/guarded-store.ts";
import { KeyedQueue } from "../../core/store/keyed-queue.ts";
import { isSessionStore } from "../../core/store/three-method-store.ts";

type Fields = Record<string, unknown>;
type Callback<T = void> = (error?: unknown, result?: T) => void;

/**
 * express-session's own class, `session.Store`: it makes the `req.session` objects, which nobody
 * else can.
 */
export type ExpressStoreBase<Base> = abstract new () => Base;

/** How one of our stores serves express-session. */
export interface ExpressStoreOptions<Base> {
  /** `session.Store`, where `session` is what express-session exports. */
  Store: ExpressStoreBase<Base>;
  /**
   * Seconds without a request after which a session ends whose cookie has no `maxAge`. Default one
   * day.
   */
  idleTimeout?: number | undefined;
  /**
   * Seconds after which a session ends whatever happens. Default 30 days, or the cookie's `maxAge`
   * if that is longer.
   */
  absoluteTimeout?: number | undefined;
  /** Seconds after which a store that does not answer is given up, default 5; `false` for never. */
  storeTimeout?: number | false | undefined;
  /**
   * Whose session it is, asked when it is first saved: after `regenerate` at login. For lists and
   * revocation by user.
   */
  user?: ((session: Fields) => string | number | undefined) | undefined;
  /** Default: the machine's. */
  clock?: Clock | undefined;
}

/** What it adds to express-session's own class. */
export interface ExpressStore {
  /**
   * For express-session's option `genid`: ids of ours, 160 random bits, whose records lie in the
   * order of their birth.
   */
  readonly genid: () => string;
}

/** What a `req.session` was when it came from the store, or went there. */
interface Loaded {
  fields: Fields;
  lastSeenAt: number;
  endsAt: number;
}

interface Cookie extends Fields {
  originalMaxAge?: number | null;
}

const IDLE = 86_400;
const ABSOLUTE = 2_592_000;
const STORE_TIMEOUT = 5;

/** What the subclass calls of its parent. */
interface BasePrototype {
  createSession(req: object, session: object): object;
}

/**
 * Puts a store of ours under express-session, whose application keeps its code:
 * `session({ store: toExpressStore(new SqliteStore({ client }), { Store: session.Store }), … })`.
 *
 * Saves write the fields that the request changed, so that of parallel requests none loses
 * another's; a session that was destroyed while a request ran is not brought back by it. Activity
 * is written at most once in a minute or 5 % of the `maxAge`. The store sees hashes of ids. A store
 * that fails makes the request fail: it never becomes "no session".
 *
 * @throws TypeError for a store with get, set and delete alone, or without express-session's
 * `Store`.
 */
export function toExpressStore<Base, Data extends object>(
  store: SessionStore<Data>,
  options: ExpressStoreOptions<Base>,
): Base & ExpressStore {
  if (!isSessionStore(Object(store) as SessionStore<Data>))
    throw new TypeError(
      `Cannot put this store under express-session: it is ${kindOf(store)} without the whole contract, a SessionStore is wanted`,
    );
  assertOptions("store for express-session", options, [
    "Store",
    "idleTimeout",
    "absoluteTimeout",
    "storeTimeout",
    "user",
    "clock",
  ]);
  if (
    typeof options.Store !== "function" ||
    typeof (options.Store.prototype as Partial<BasePrototype>).createSession !== "function"
  ) {
    throw new TypeError(
      "Cannot use option Store: it is not express-session's class, session.Store is wanted",
    );
  }
  // What it holds is what express-session puts there, whatever the store was told to expect.
  const records = new ExpressRecords(store as unknown as SessionStore<Fields>, options);
  // Of the class nothing is known here but that it makes sessions; the compiler allows no subclass
  // of that.
  const Parent = options.Store as unknown as new () => BasePrototype;
  class HarpiaStore extends Parent implements ExpressStore {
    readonly genid = (): string => records.makeId();

    get(sid: string, callback: Callback<Fields | undefined>): void {
      answer(records.get(sid), callback);
    }

    set(sid: string, session: object, callback?: Callback): void {
      answer(records.set(sid, session), callback);
    }

    touch(sid: string, session: object, callback?: Callback): void {
      answer(records.touch(sid, session), callback);
    }

    destroy(sid: string, callback?: Callback): void {
      answer(records.destroy(sid), callback);
    }

    override createSession(req: object, session: object): object {
      const made = super.createSession(req, session);
      records.follow(session, made);
      return made;
    }
  }
  // The base is `Base` by its own word.
  return new HarpiaStore() as unknown as Base & ExpressStore;
}

class ExpressRecords<Base> {
  readonly #store: GuardedStore<Fields>;
  readonly #clock: Clock;
  readonly #idle: number;
  readonly #absolute: number;
  readonly #userOf: (session: Fields) => string | number | undefined;
  readonly #ids = new IdMaker();
  readonly #saves = new KeyedQueue();
  // By the objects that express-session holds: what it got from `get`, and the `req.session` it
  // made of that.
  readonly #loaded = new WeakMap<object, Loaded>();

  constructor(store: SessionStore<Fields>, options: ExpressStoreOptions<Base>) {
    const {
      clock = systemClock,
      idleTimeout = IDLE,
      absoluteTimeout = ABSOLUTE,
      storeTimeout = STORE_TIMEOUT,
      user = () => undefined,
    } = options;
    for (const [name, value] of Object.entries({
      idleTimeout,
      absoluteTimeout,
      ...(storeTimeout !== false && { storeTimeout }),
    })) {
      if (!(typeof value === "number" && value > 0 && value < Infinity))
        throw new RangeError(
          `Cannot use option ${name}: it is ${typeof value === "number" ? value : kindOf(value)}, seconds above 0 are wanted`,
        );
    }
    this.#store = new GuardedStore<Fields>(store, {
      clock,
      timeout: storeTimeout === false ? Infinity : storeTimeout * 1000,
    });
    this.#clock = clock;
    this.#idle = idleTimeout * 1000;
    this.#absolute = absoluteTimeout * 1000;
    this.#userOf = user;
  }

  makeId(): string {
    return this.#ids.make(Math.floor(this.#clock.now() / 1000));
  }

  async get(sid: string): Promise<Fields | undefined> {
    const stored = await this.#store.read(toStoreKey(sid));
    const cookie = stored?.data["cookie"] as Cookie | undefined;
    // Nobody else writes here, unless somebody does: express-session would fail over a session
    // without a cookie.
    if (!stored || typeof cookie !== "object" || cookie === null) return undefined;
    const expiresAt = expiryOf(stored, cookie);
    if (expiresAt <= this.#clock.now()) return undefined;
    const expires =
      typeof cookie.originalMaxAge === "number" ? new Date(expiresAt).toISOString() : null;
    const session = { ...stored.data, cookie: { ...cookie, expires } };
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

  async set(sid: string, session: object): Promise<void> {
    const fields = toFields(session);
    // One request may save several times without waiting: the first makes the record that the
    // others change.
    await this.#saves.run(sid, async () => {
      const before = this.#loaded.get(session);
      await (before ? this.#save(sid, before.fields, fields) : this.#create(sid, fields));
      this.#loaded.set(session, before ? { ...before, fields } : this.#begin(fields));
    });
    await this.touch(sid, session);
  }

  /** express-session calls it where nothing changed but, perhaps, the cookie. */
  async touch(sid: string, session: object): Promise<void> {
    const key = toStoreKey(sid);
    const known = this.#loaded.get(session);
    const cookie = toCookie((session as { cookie?: unknown }).cookie);
    if (known && !isDeepStrictEqual(cookie, known.fields["cookie"])) {
      known.fields = { ...known.fields, cookie };
      await this.#store.patch(key, { set: { cookie } });
    }
    const loaded = known ?? (await this.#store.read(key));
    if (!loaded) return;
    const now = this.#clock.now();
    const idle = this.#idleOf(cookie);
    if (now - loaded.lastSeenAt < Math.min(60_000, idle * 0.05)) return;
    await this.#store.extend(key, {
      lastSeenAt: now,
      expiresAt: Math.min(now + idle, loaded.endsAt),
    });
    loaded.lastSeenAt = now;
  }

  async destroy(sid: string): Promise<void> {
    await this.#store.remove(toStoreKey(sid));
  }

  /** The fields that the request changed, and only if the session is there still. */
  async #save(sid: string, before: Fields, fields: Fields): Promise<void> {
    const set = Object.fromEntries(
      Object.entries(fields).filter(
        ([name, value]) => !Object.hasOwn(before, name) || !isDeepStrictEqual(value, before[name]),
      ),
    );
    const unset = Object.keys(before).filter((name) => !Object.hasOwn(fields, name));
    if (Object.keys(set).length + unset.length > 0)
      await this.#store.patch(toStoreKey(sid), { set, unset });
  }

  /** A session of this request's own: whatever is under its id is replaced. */
  async #create(sid: string, fields: Fields): Promise<void> {
    const key = toStoreKey(sid);
    const { lastSeenAt, endsAt } = this.#begin(fields);
    const expiresAt = lastSeenAt + this.#idleOf(fields["cookie"] as Cookie);
    const user = this.#userOf(fields);
    const userId = user === undefined || user === "" ? {} : { userId: String(user) };
    const { outcome } = await this.#store.create(key, {
      data: fields,
      createdAt: lastSeenAt,
      lastSeenAt,
      expiresAt,
      endsAt,
      ...userId,
    });
    if (outcome === "created") return;
    const stored = await this.#store.read(key);
    if (stored) await this.#save(sid, stored.data, fields);
  }

  #begin(fields: Fields): Loaded {
    const now = this.#clock.now();
    return {
      fields,
      lastSeenAt: now,
      endsAt: now + Math.max(this.#absolute, this.#idleOf(fields["cookie"] as Cookie)),
    };
  }

  #idleOf(cookie: Cookie | undefined): number {
    return Math.round(
      typeof cookie?.originalMaxAge === "number" ? Math.max(cookie.originalMaxAge, 0) : this.#idle,
    );
  }
}

/** What is stored: the session as JSON, its cookie without the instant that every request moves. */
function toFields(session: object): Fields {
  const fields = toJsonObject(session as Fields);
  return { ...fields, cookie: toCookie(fields["cookie"]) };
}

function toCookie(cookie: unknown): Cookie {
  const { expires: _expires, ...rest } = toJsonObject(Object(cookie) as Cookie);
  return rest;
}

/**
 * A cookie whose `maxAge` was shortened ends the session sooner than the record, whose deadline
 * only moves later.
 */
function expiryOf(stored: StoredSession<Fields>, cookie: Cookie): number {
  return typeof cookie.originalMaxAge === "number"
    ? Math.min(stored.expiresAt, stored.lastSeenAt + cookie.originalMaxAge)
    : stored.expiresAt;
}

/** What a callback throws is the application's, and not the promise's. */
function answer<T>(promise: Promise<T>, callback: Callback<T> | undefined): void {
  const call = (error: unknown, result?: T): void =>
    queueMicrotask(() => callback?.(error, result));
  promise.then((result) => call(null, result), call);
}
