// A session begins: its data is checked, its id made, its record stored under a key that was free.
import { assertOptions, boolean, check, life, nested, type Shape, texts } from "../checks.ts";
import { assertVisible, VISITOR_FIELD } from "../data/changes.ts";
import { toJsonObject } from "../data/json.ts";
import { validate, validateChange } from "../data/schema.ts";
import { HarpiaError, StoreError } from "../errors.ts";
import type { DeviceFacts, NewSession } from "../store.ts";
import { LIFETIME_OPTIONS, type OwnLifetime } from "./lifetimes.ts";
import type { SessionParts } from "./session-context.ts";

/** What is special about one session. A three-method store keeps none of it: a TypeError there. */
export interface CreateOptions extends OwnLifetime {
  /**
   * The device that signs in, for the list of devices: `deviceOf(req)` of `harpiats/device`.
   * Default: nothing is kept.
   */
  device?: DeviceFacts | undefined;
  /**
   * Whether its cookie outlives the browser, until the session's absolute limit or 400 days:
   * "remember me". What a request's session and `renew` send is so by itself; with `setCookie` give
   * a `maxAge`. Default `false`.
   */
  persistent?: boolean | undefined;
}

const word = check("a string", (value) => typeof value === "string");
const CREATE_OPTIONS = {
  idleTimeout: LIFETIME_OPTIONS.idleTimeout,
  absoluteTimeout: life,
  device: nested({ userAgent: word, ip: word, label: word }),
  persistent: boolean,
} satisfies Shape;
const LOGIN_OPTIONS = { ...CREATE_OPTIONS, keep: texts } satisfies Shape;
const NO_OPTIONS: CreateOptions = {};

// 160 random bits do not collide: this many times is a broken random source.
const MOST_COLLISIONS = 4;

/** What a request's session adds to the creation of a session. */
export interface BeginningOptions<Data> {
  /**
   * The session that ends as soon as this one has begun, if there is one: of the same user it does
   * not count. See {@link settleReplacement}.
   */
  replaced?: NewSession<Data> | undefined;
  /**
   * Fields of the library's own. With them it is a visitor's where it has no user, and then may
   * lack fields.
   */
  hidden?: object | undefined;
}

/**
 * Stores a new session.
 *
 * @returns its id, without a signature, where it is, and what is stored.
 */
export async function createSession<Data extends object, Input extends object>(
  parts: SessionParts<Data, Input>,
  data: Input,
  options: CreateOptions = NO_OPTIONS,
  { replaced, hidden }: BeginningOptions<Data> = {},
): Promise<{ id: string; key: string; session: NewSession<Data> }> {
  if (options !== NO_OPTIONS) assertOptions("create", options, CREATE_OPTIONS);
  const { clock, store, events } = parts;
  const { userOf, maxPerUser } = parts.options;
  const { schema, visitorSchema } = parts.options;
  // Without a schema nothing is waited for: what the caller changes afterwards is no part of the
  // session.
  const judged =
    schema || visitorSchema ? await validated(parts, data, hidden !== undefined) : data;
  const own = toJsonObject(judged as unknown as Data);
  assertVisible(own);
  const userId = userOf(own);
  const isVisitors = hidden !== undefined && userId === undefined;
  const fields = hidden ? { ...own, ...hidden, ...(isVisitors && { [VISITOR_FIELD]: true }) } : own;
  const now = clock.now();
  const session = {
    data: fields,
    ...parts.lifetimes.begin(now, options),
    ...(userId !== undefined && { userId }),
  };
  const { device, persistent } = options;
  if (device !== undefined || persistent) {
    if (!parts.keepsFacts)
      throw new TypeError(
        "Cannot keep the device of a session, or make it persistent: the store has only get, set and delete, a SessionStore is wanted",
      );
    session.facts = {
      ...session.facts,
      ...(device && toJsonObject({ device })),
      ...(persistent && { isPersistent: true }),
    };
  }
  const cap =
    maxPerUser && replaced && isSameUser(replaced, session)
      ? { ...maxPerUser, limit: maxPerUser.limit + 1 }
      : maxPerUser;
  for (let attempt = 0; attempt < MOST_COLLISIONS; attempt++) {
    const id = parts.ids.make(Math.floor(now / 1000));
    const key = store.keyOf(id);
    const { outcome, evicted } = await store.create(key, session, cap);
    if (outcome === "taken") continue;
    if (outcome === "denied") throw tooMany();
    for (const handle of evicted) tellEvicted(parts, handle);
    if (events.has("created"))
      events.emit("created", {
        handle: store.handleOf(key),
        ...(userId !== undefined && { userId }),
      });
    return { id, key, session };
  }
  throw new StoreError(
    "ERR_STORE_CONFLICT",
    `Cannot create a session: ${MOST_COLLISIONS} new ids were taken, a working random source is wanted`,
    {
      store: store.name,
      operation: "create",
    },
  );
}

/** What the schema makes of new data: the schema of those who are signed in, or of visitors. */
async function validated<Data extends object, Input extends object>(
  { options: { schema, visitorSchema, userOf } }: SessionParts<Data, Input>,
  data: Input,
  isImplicit: boolean,
): Promise<Data> {
  // Input is Data where there is no schema.
  const given = data as unknown as Data;
  const isUsers = userOf(given) !== undefined;
  // A visitor's schema types what a visitor may have: a part of Data.
  if (!isUsers && visitorSchema) return (await validate(visitorSchema, given)) as Data;
  if (!schema) return given;
  if (isUsers || !isImplicit) return validate(schema, given);
  return (await validateChange(schema, given, (field) => Object.hasOwn(given, field))) ?? given;
}

/**
 * How a login begins its session: with limits of its own, a cookie that stays, and what it keeps of
 * the former data.
 */
export interface LoginOptions<Data> extends CreateOptions {
  /** The fields of the former data that come along. Default: none. */
  keep?: readonly (keyof Data & string)[] | undefined;
}

/** @throws TypeError or RangeError for options of a login that make no sense. */
export function checkedLogin<Data>(options: LoginOptions<Data>): LoginOptions<Data> {
  assertOptions("login", options, LOGIN_OPTIONS);
  return options;
}

/**
 * Keeps the cap where a new session was to take the place of another one, and that one had ended by
 * itself: its place may have been taken, and both are one too many.
 *
 * @throws HarpiaError `ERR_TOO_MANY_SESSIONS` where `maxPerUser` denies. The new session has ended
 * then.
 */
export async function settleReplacement<Data extends object>(
  parts: SessionParts<Data, object>,
  replaced: NewSession<Data>,
  { key, session }: { readonly key?: string; readonly session: NewSession<Data> },
): Promise<void> {
  const { store } = parts;
  const { maxPerUser } = parts.options;
  if (!maxPerUser || session.userId === undefined || !isSameUser(replaced, session)) return;
  const live = await store.listByUser(session.userId);
  const excess = Math.max(live.length - maxPerUser.limit, 0);
  const isDenied = excess > 0 && maxPerUser.onLimit === "deny";
  const surplus = isDenied ? live.filter((one) => one.key === key) : live.slice(0, excess);
  for (const one of surplus) if (await store.remove(one.key)) tellEvicted(parts, one.key);
  if (isDenied) throw tooMany();
}

function tellEvicted(
  { watcher, events }: Pick<SessionParts<object>, "watcher" | "events">,
  handle: string,
): void {
  watcher.ended(handle);
  events.emit("ended", { handle, reason: "evicted" });
}

function isSameUser(one: NewSession<unknown>, other: NewSession<unknown>): boolean {
  return one.userId !== undefined && one.userId === other.userId;
}

function tooMany(): HarpiaError {
  return new HarpiaError(
    "ERR_TOO_MANY_SESSIONS",
    "Cannot create a session: the user has as many as maxPerUser allows, one must end first",
  );
}
