// toExpressStore: a store of ours behind the class that express-session wants. Checks the options,
// and answers by callback or promise; express-records.ts decides what a call means.
import {
  assertOptions,
  boolean,
  callback as callbackCheck,
  clock as clockCheck,
  kindOf,
  LONGEST_LIFE,
  LONGEST_WAIT,
  seconds,
  type Shape,
  unchecked,
} from "../../core/checks.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import type { SessionStore } from "../../core/store.ts";
import { GuardedStore } from "../../core/store/guarded-store.ts";
import { isSessionStore } from "../../core/store/three-method-store.ts";
import { assertMethods } from "../shared/bridge-records.ts";
import type { ConnectStore } from "./connect-store.ts";
import type { Fields } from "./cookie-lifetime.ts";
import { ExpressRecords, type Outcome } from "./express-records.ts";

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
   * if that is longer. `false` for no such limit: a stolen cookie that is kept in use then works
   * for ever.
   */
  absoluteTimeout?: number | false | undefined;
  /**
   * Seconds between two writes of activity, `0` to write each. Default a minute, or 5 % of the
   * `maxAge` if that is less; a session may end so much earlier.
   */
  touchInterval?: number | undefined;
  /**
   * The store that the application had before: a session that is not here is looked for there once,
   * and taken over with the rest of its lifetime. Each emits the event `moved` on this store.
   */
  former?: ConnectStore | undefined;
  /** Makes the store's table before the first call, where the store has one. Default `false`. */
  migrate?: boolean | undefined;
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
  /** Every session, by handle: no id is to be had. Without a callback a promise, as all of these. */
  all(callback?: Callback<Record<string, Fields>>): Promise<Record<string, Fields>>;
  /** How many sessions there are. It reads them all. */
  length(callback?: Callback<number>): Promise<number>;
  /** Ends every session in the store beneath. */
  clear(callback?: Callback): Promise<void>;
  /** Ends what it does by itself, and closes the store beneath where that can be closed. */
  close(): Promise<void>;
  get(sid: string): Promise<Fields | undefined>;
  set(sid: string, session: object): Promise<void>;
  touch(sid: string, session: object): Promise<void>;
  destroy(sid: string): Promise<void>;
  /**
   * Changes the stored fields by a function of them, exactly, and brings `session` up to date.
   *
   * @returns whether there was such a session.
   */
  update(sid: string, session: object, change: (fields: Fields) => unknown): Promise<boolean>;
}

/** What a store of ours may have besides its contract. */
interface MayPrepare {
  migrate?(): Promise<unknown>;
  close?(): unknown;
}

const IDLE = 86_400;
const ABSOLUTE = 2_592_000;
const STORE_TIMEOUT = 5;
const OPTIONS = {
  Store: unchecked,
  idleTimeout: seconds(0.001, LONGEST_LIFE),
  absoluteTimeout: seconds(0.001, LONGEST_LIFE, false),
  touchInterval: seconds(0, LONGEST_LIFE),
  storeTimeout: seconds(0.001, LONGEST_WAIT, false),
  user: callbackCheck,
  former: unchecked,
  migrate: boolean,
  clock: clockCheck,
} satisfies Shape;

/** What the subclass calls of its parent. */
interface BasePrototype {
  createSession(req: object, session: object): object;
  emit?(event: string): unknown;
}

/**
 * Puts a store of ours under express-session, whose application keeps its code:
 * `session({ store: toExpressStore(new SqliteStore({ client }), { Store: session.Store }), … })`.
 *
 * Saves write the fields that the request changed, so that of parallel requests none loses
 * another's; a session that was destroyed while a request ran is not brought back by it. Activity
 * is written at most once in `touchInterval`. The store sees hashes of ids. A store that fails
 * makes the request fail: it never becomes "no session".
 *
 * Objects that other packages put there, such as express-openid-connect, live until their
 * `cookie.expires`, else for their `cookie.maxAge`, from each `set` on.
 *
 * @throws TypeError for a store with get, set and delete alone, or without express-session's
 * `Store`.
 */
export function toExpressStore<Base, Data extends object>(
  store: SessionStore<Data>,
  options: ExpressStoreOptions<Base>,
): ExpressStore & Base {
  if (!isSessionStore(Object(store) as SessionStore<Data>))
    throw new TypeError(
      `Cannot put this store under express-session: it is ${kindOf(store)} without the whole contract, a SessionStore is wanted`,
    );
  assertOptions("toExpressStore", options, OPTIONS);
  if (
    typeof options.Store !== "function" ||
    typeof (options.Store.prototype as Partial<BasePrototype>).createSession !== "function"
  ) {
    throw new TypeError(
      "Cannot use option Store: it is not express-session's class, session.Store is wanted",
    );
  }
  const records = recordsOf(store, options, () => made.emit?.("moved"));
  // Of the class nothing is known here but that it makes sessions; the compiler allows no subclass
  // of that.
  const Parent = options.Store as unknown as new () => BasePrototype;
  class HarpiaStore extends Parent implements ExpressStore {
    readonly genid = (): string => records.makeId();

    get(sid: string, callback?: Callback<Fields | undefined>): Promise<Fields | undefined> {
      return answer(() => records.get(sid), callback);
    }

    // Beside the error the callback gets what came of it, for harpiats/express-session.
    set(sid: string, session: object, callback?: Callback<Outcome>): Promise<never> {
      return answer(() => records.set(sid, session), callback) as Promise<never>;
    }

    touch(sid: string, session: object, callback?: Callback<Outcome>): Promise<never> {
      return answer(() => records.touch(sid, session), callback) as Promise<never>;
    }

    update(sid: string, session: object, change: (fields: Fields) => unknown): Promise<boolean> {
      return answer(() => records.update(sid, session, change), undefined);
    }

    destroy(sid: string, callback?: Callback): Promise<void> {
      return answer(() => records.destroy(sid), callback);
    }

    all(callback?: Callback<Record<string, Fields>>): Promise<Record<string, Fields>> {
      return answer(() => records.all(), callback);
    }

    length(callback?: Callback<number>): Promise<number> {
      return answer(() => records.length(), callback);
    }

    clear(callback?: Callback): Promise<void> {
      return answer(() => records.clear(), callback);
    }

    async close(): Promise<void> {
      await records.close();
      await (store as MayPrepare).close?.();
    }

    override createSession(req: object, session: object): object {
      const own = super.createSession(req, session);
      records.follow(session, own);
      return own;
    }
  }

  /** What a callback throws is the application's, and not the promise's. */
  function answer<T>(work: () => Promise<T>, callback: Callback<T> | undefined): Promise<T> {
    // At once where nothing is to be prepared: what is saved is the session as it is now.
    const preparing = records.ready();
    const answered = preparing ? preparing.then(work) : work();
    const call = (error: unknown, result?: T): void =>
      queueMicrotask(() => callback?.(error, result));
    // Also where nobody waits for it: express-session calls back, and a logout without a callback
    // must not end the process.
    answered.then((result) => call(null, result), call);
    return answered;
  }

  const made = new HarpiaStore();
  // The base is `Base` by its own word.
  return made as unknown as ExpressStore & Base;
}

function recordsOf<Base, Data extends object>(
  store: SessionStore<Data>,
  options: ExpressStoreOptions<Base>,
  onMoved: () => void,
): ExpressRecords {
  const {
    clock = systemClock,
    idleTimeout = IDLE,
    absoluteTimeout = ABSOLUTE,
    storeTimeout = STORE_TIMEOUT,
    touchInterval,
    user = () => undefined,
    former,
    migrate = false,
  } = options;
  if (former !== undefined)
    assertMethods("former", former, ["get", "set", "destroy"], "a store of express-session");
  const prepared = store as MayPrepare;
  // What it holds is what express-session puts there, whatever the store was told to expect.
  const guarded = new GuardedStore<Fields>(store as unknown as SessionStore<Fields>, {
    clock,
    timeout: storeTimeout === false ? Infinity : storeTimeout * 1000,
  });
  return new ExpressRecords(guarded, {
    clock,
    idle: idleTimeout * 1000,
    absolute: absoluteTimeout === false ? Infinity : absoluteTimeout * 1000,
    touchInterval: touchInterval === undefined ? undefined : touchInterval * 1000,
    userOf: user,
    former,
    onMoved,
    prepare: migrate ? async () => prepared.migrate?.() : undefined,
  });
}
