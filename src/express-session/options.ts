// The options of express-session, checked, and those of ours beside them.
import { kindOf } from "../core/checks.ts";
import type { Clock } from "../core/clock.ts";
import { IdMaker } from "../core/ids/session-id.ts";
import type { SessionStore } from "../core/store.ts";
import type { ConnectStore } from "../stores/express-session.ts";
import type { SessionRequest } from "./connection.ts";
import type { CookieOptions } from "./cookie.ts";
import type { Secret } from "./signed-cookie.ts";
import type { Store } from "./store.ts";

type Fields = Record<string, unknown>;

/** How the middleware works. Names and defaults are express-session's; the last group is ours. */
export interface SessionOptions<Req extends SessionRequest = SessionRequest> {
  /** Signs the cookie. Of several the first signs, and all verify. */
  secret?: Secret | readonly Secret[] | undefined;
  /** Default `"connect.sid"`. */
  name?: string | undefined;
  /** The older word for `name`. */
  key?: string | undefined;
  /**
   * Where sessions are kept: any store of harpiats, or one of express-session's, with which the
   * promises that need our contract are off. Default: this process' memory.
   */
  // What the application keeps is its own affair.
  // oxlint-disable-next-line typescript/no-explicit-any
  store?: SessionStore<any> | Store | undefined;
  /** Attributes of the cookie, or a function that is asked once for each request. */
  cookie?: CookieOptions | ((req: Req) => CookieOptions) | undefined;
  /** Makes the id of a new session. Default: 4 bytes of time and 20 random ones. */
  genid?: ((req: Req) => string) | undefined;
  /** Whether `X-Forwarded-Proto` is believed. Unset, Express decides by "trust proxy". */
  proxy?: boolean | undefined;
  /** Whether sessions that did not change are saved too. Default `true`; say `false`. */
  resave?: boolean | undefined;
  /** Whether every answer carries the cookie, so that it lives on from there. Default `false`. */
  rolling?: boolean | undefined;
  /** Whether a session that nobody wrote to is kept. Default `true`; say `false`. */
  saveUninitialized?: boolean | undefined;
  /** What `req.session = null` does: `"destroy"` ends the session. Default `"keep"`. */
  unset?: "destroy" | "keep" | undefined;

  /** Whose session it is, asked when it is first saved. Default: Passport's user. */
  user?: ((session: Fields) => string | number | undefined) | undefined;
  /** Seconds without a request after which a session ends whose cookie has no `maxAge`. Default one day. */
  idleTimeout?: number | undefined;
  /**
   * Seconds after which a session ends whatever happens. Default 30 days, or the `maxAge` if that is
   * longer; `false` for no such limit.
   */
  absoluteTimeout?: number | false | undefined;
  /** Seconds between two writes of activity, `0` for each. Default a minute, or 5 % of the `maxAge`. */
  touchInterval?: number | undefined;
  /**
   * The store that the application had: a session that is not in `store` is looked for there once,
   * and taken over with the rest of its lifetime. Each emits `moved` on `req.sessionStore`.
   */
  former?: ConnectStore | undefined;
  /** Makes the store's table before the first request, where the store has one. Default `false`. */
  migrate?: boolean | undefined;
  /** Seconds after which a store that does not answer is given up, default 5; `false` for never. */
  storeTimeout?: number | false | undefined;
  /**
   * `Cache-Control` of an answer whose session was found, unless the application said another.
   * Default `"private, no-store"`; `false` for none. (ASVS V14.3.2)
   */
  cacheControl?: string | false | undefined;
  /** Default: the machine's. */
  clock?: Clock | undefined;
}

/** The options, decided. */
export interface Settings {
  secrets: readonly Secret[] | undefined;
  name: string;
  cookieOf(req: SessionRequest): CookieOptions;
  makeId(req: SessionRequest): string;
  proxy: boolean | undefined;
  resave: boolean;
  rolling: boolean;
  saveUninitialized: boolean;
  destroysUnset: boolean;
  cacheControl: string | false;
}

const DEFAULT_NAME = "connect.sid";
const KNOWN =
  "secret name key store cookie genid proxy resave rolling saveUninitialized unset user idleTimeout absoluteTimeout storeTimeout touchInterval former migrate cacheControl clock".split(
    " ",
  );

/** @throws TypeError for an option that cannot work. What express-session takes is taken. */
export function toSettings(options: SessionOptions): Settings {
  const { secret, genid, unset, cookie, resave, saveUninitialized } = options;
  if (genid !== undefined && typeof genid !== "function")
    throw new TypeError(`Cannot use option genid: it is ${kindOf(genid)}, it must be a function`);
  if (unset !== undefined && unset !== "destroy" && unset !== "keep")
    throw new TypeError('Cannot use option unset: it must be "destroy" or "keep"');
  if (Array.isArray(secret) && secret.length === 0)
    throw new TypeError("Cannot use option secret: the secret option array has no secret");
  warnOfDefaults({ resave, saveUninitialized, secret });
  warnOfUnknown(options);
  const ids = new IdMaker();
  const { clock, cacheControl = "private, no-store" } = options;
  return {
    secrets: secret ? ([secret].flat() as Secret[]) : undefined,
    name: options.name || options.key || DEFAULT_NAME,
    cookieOf: oncePerRequest(cookie),
    makeId: genid
      ? (req) => genid(req)
      : () => ids.make(Math.floor((clock?.now() ?? Date.now()) / 1000)),
    proxy: options.proxy,
    resave: resave ?? true,
    rolling: Boolean(options.rolling),
    saveUninitialized: saveUninitialized ?? true,
    destroysUnset: unset === "destroy",
    cacheControl,
  };
}

function oncePerRequest(cookie: SessionOptions["cookie"]): Settings["cookieOf"] {
  if (typeof cookie !== "function") return () => cookie ?? {};
  const asked = new WeakMap<object, CookieOptions>();
  return (req) => {
    let options = asked.get(req);
    if (!options) asked.set(req, (options = cookie(req)));
    return options;
  };
}

const warned = new Set<string>();

/** Tells once in the life of the process. */
export function warnOnce(code: string, message: string, type = "Warning"): void {
  if (warned.has(code)) return;
  warned.add(code);
  process.emitWarning(message, { type, code });
}

function warnOfDefaults(options: Pick<SessionOptions, "resave" | "saveUninitialized" | "secret">) {
  const say = (code: string, message: string): void =>
    warnOnce(code, message, "DeprecationWarning");
  if (options.resave === undefined)
    say("HARPIATS_RESAVE", "harpiats/express-session: option resave is not set, expected false");
  if (options.saveUninitialized === undefined)
    say(
      "HARPIATS_SAVE_UNINITIALIZED",
      "harpiats/express-session: option saveUninitialized is not set, expected false",
    );
  if (!options.secret)
    say(
      "HARPIATS_SECRET",
      "harpiats/express-session: option secret is not set, req.secret of cookie-parser is taken",
    );
}

// express-session takes any name, so an application may have some that mean nothing.
function warnOfUnknown(options: SessionOptions): void {
  const unknown = Object.keys(options).filter((name) => !KNOWN.includes(name));
  if (unknown.length > 0)
    warnOnce(
      `HARPIATS_OPTION_${unknown.join("_")}`,
      `harpiats/express-session: there is no option ${unknown.join(", ")}, there are ${KNOWN.join(", ")}`,
    );
}
