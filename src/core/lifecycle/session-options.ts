// The options of a Session: what they are by default, and what is refused at construction rather
// than at night.
import {
  assertOptions,
  callback,
  check,
  clock as clockCheck,
  LONGEST_WAIT,
  nested,
  oneOf,
  seconds,
  type Shape,
  whole,
} from "../checks.ts";
import type { Clock } from "../clock.ts";
import type { StandardSchema } from "../data/schema.ts";
import { configuredCookie, cookieName, type CookieOptions } from "../http/cookies.ts";
import type { RequestLike } from "../http/http-messages.ts";
import { mergeCookieOptions } from "../http/session-cookie.ts";
import type { RandomFill } from "../ids/session-id.ts";
import { secrets } from "../ids/signed-id.ts";
import { MemoryStore } from "../memory/memory-store.ts";
import type { DeviceFacts, Store, UserCap } from "../store.ts";
import { NEAR_CACHE_OPTIONS, type NearCacheOptions } from "../store/near-cache.ts";
import { isSessionStore, PlainStore } from "../store/three-method-store.ts";
import { LIFETIME_OPTIONS, type LifetimeOptions } from "./lifetimes.ts";
import { RENEWAL_OPTIONS, type RenewalOptions } from "./renewal.ts";

declare const later: unique symbol;

// TypeScript infers through an intersection last, so that the store says what the data is where
// nothing else does. Otherwise a store that was told no type would outvote the schema, and the data
// have none.
type InferredLast<Data> = Data & { readonly [later]?: never };

/** A store that was told no type, as `new RedisStore({ client })`: it takes any. */
type UntypedStore<Data> = Pick<Store, "get"> & Pick<Store<InferredLast<Data>>, "set" | "delete">;

/** How a `Session` keeps, types, follows and ends its sessions. */
export interface SessionOptions<Data extends object, Input extends object = Data>
  extends LifetimeOptions, RenewalOptions {
  /**
   * Where sessions are kept: a `SessionStore`, or any object with `get`, `set` and `delete`.
   * Default a new `MemoryStore`. One that was made without a type for its data takes the type of
   * this `Session`.
   */
  store?: Store<InferredLast<Data>> | UntypedStore<Data> | undefined;
  /** Default `session_id`. `__Host-session_id` binds the cookie to this host alone. */
  cookieName?: string | undefined;
  /**
   * Default `{ path: "/", httpOnly: true, secure: true, sameSite: "lax" }`; what is given here adds
   * to it.
   */
  cookie?: CookieOptions | undefined;
  /**
   * Types and validates data on its way in: Zod, Valibot, ArkType or whatever follows Standard
   * Schema. An update validates the whole of the merged data, so the schema must accept what it
   * made itself.
   */
  schema?: StandardSchema<Input, Data> | undefined;
  /**
   * The same for sessions of visitors, who have not signed in: a basket, a language. Default:
   * `schema` judges the fields that are there, and does not miss the others.
   */
  visitorSchema?: StandardSchema<unknown, Partial<Data>> | undefined;
  /**
   * The `Cache-Control` of a response that read a session, where the application set none. It keeps
   * Back from showing a page after the logout (ASVS V14.3.2). Default `private, no-store`; `false`
   * leaves the header alone.
   */
  cacheControl?: string | false | undefined;
  /**
   * Whose session it is: a field of the data, or a function of it. Default the field `userId`. A
   * number counts as its text; nothing and the empty text are nobody.
   */
  user?: (keyof Data & string) | ((data: Data) => string | number | undefined) | undefined;
  /**
   * How many live sessions a user may have, and whether one more evicts the oldest or is denied
   * (ASVS V7.1.2). Holds under parallel logins. Default: no cap. A three-method store cannot keep
   * it: a TypeError.
   */
  maxPerUser?: UserCap | undefined;
  /**
   * Signs ids, the newest secret first: all of them verify, and an id that none has signed is
   * refused without asking the store. Each at least 32 random bytes. Retiring one ends what it
   * signed. Default: ids are not signed; guessing one is hopeless either way.
   */
  secrets?: readonly string[] | undefined;
  /**
   * Takes from a request what is known of its device, when its session begins: `deviceOf` of
   * `harpiats/device`. For the sessions of requests; `create` takes a `device` of its own. Default:
   * nothing is kept of any device.
   */
  device?: ((req: RequestLike) => DeviceFacts | undefined) | undefined;
  /**
   * How an id travels. `cookie`, the default; `bearer` for clients that are no browsers: ids are
   * read from `Authorization: Bearer` alone, and written to the header `X-Auth-Token`.
   */
  transport?: "cookie" | "bearer" | undefined;
  /**
   * Keeps records that were read in this process for a moment. One that this process changes or
   * ends is dropped at once, one that another does when the store's message arrives, and `maxAge`
   * bounds what a lost message can do. Default: every request asks the store.
   */
  nearCache?: NearCacheOptions | undefined;
  /** Seconds after which a store that does not answer is given up, default 5, at most 600; `false` for never. */
  storeTimeout?: number | false | undefined;
  /** Default: the machine's. Tests pass `ManualClock` of `harpiats/testing`. */
  clock?: Clock | undefined;
  /** The source of randomness. Default `randomFillSync` of `node:crypto`. For tests. */
  randomFill?: RandomFill | undefined;
}

const standardSchema = check(
  "a Standard Schema, with ~standard.validate",
  (value) => typeof Object(value)["~standard"]?.validate === "function",
);
const CAP_OPTIONS = { limit: whole(1), onLimit: oneOf("evict-oldest", "deny") } satisfies Shape;
const CAP = nested(CAP_OPTIONS);
const OPTIONS = {
  ...LIFETIME_OPTIONS,
  ...RENEWAL_OPTIONS,
  // A missing store must not become one that forgets everything.
  store: check("a store, or undefined for a MemoryStore", (value) => value !== null),
  cookieName,
  cookie: configuredCookie,
  schema: standardSchema,
  visitorSchema: standardSchema,
  cacheControl: check(
    "the value of a Cache-Control header, or false",
    (value) => value === false || (typeof value === "string" && /^[\t !-~]+$/.test(value)),
  ),
  user: check(
    "the name of a field, or a function",
    (value) => typeof value === "function" || (typeof value === "string" && value !== ""),
  ),
  maxPerUser: (name, value) => {
    CAP(name, value);
    // Neither has a default.
    const { limit, onLimit } = value as Partial<UserCap>;
    for (const [field, check] of Object.entries(CAP_OPTIONS))
      check(`${name}.${field}`, { limit, onLimit }[field]);
  },
  secrets,
  device: callback,
  transport: oneOf("cookie", "bearer"),
  nearCache: nested(NEAR_CACHE_OPTIONS),
  storeTimeout: seconds(0.001, LONGEST_WAIT, false),
  clock: clockCheck,
  randomFill: callback,
} satisfies Shape;
const COOKIE: CookieOptions = { path: "/", httpOnly: true, secure: true, sameSite: "lax" };
const STORE_TIMEOUT = 5;

/** Fills in the defaults. @throws TypeError or RangeError for what makes no sense. */
export function resolveOptions<Data extends object, Input extends object>(
  options: SessionOptions<Data, Input>,
) {
  assertOptions("Session", options, OPTIONS);
  const {
    clock,
    user = "userId",
    schema,
    maxPerUser,
    cookie,
    cacheControl = "private, no-store",
    storeTimeout = STORE_TIMEOUT,
  } = options;
  // A store that was told no type is told ours.
  const store = options.store as Store<Data> | undefined;
  if (maxPerUser && store && (!isSessionStore(store) || store instanceof PlainStore)) {
    throw new TypeError(
      "Cannot use maxPerUser: the store has only get, set and delete, a SessionStore (MemoryStore, or docs/writing-a-store.md) is wanted",
    );
  }
  return {
    ...options,
    clock,
    cacheControl,
    cookieName: options.cookieName ?? "session_id",
    cookie: mergeCookieOptions(COOKIE, cookie ?? {}),
    store: store ?? (new MemoryStore<Data>({ clock }) as Store<Data>),
    storeTimeout: storeTimeout === false ? Infinity : storeTimeout,
    userOf(data: Data): string | undefined {
      const value: unknown =
        typeof user === "function" ? user(data) : (data as Record<string, unknown>)[user];
      return (typeof value === "string" && value !== "") || typeof value === "number"
        ? String(value)
        : undefined;
    },
    /** Whether a change can be written without knowing the rest of the data. */
    isBlindChange(changes: object): boolean {
      // What an object writes by its own toJSON its fields do not tell.
      if (schema !== undefined || options.visitorSchema !== undefined) return false;
      return (
        typeof user === "string" &&
        !Object.hasOwn(Object(changes), user) &&
        !("toJSON" in Object(changes))
      );
    },
  };
}
