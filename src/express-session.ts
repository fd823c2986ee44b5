// harpiats/express-session: in the place of express-session, with an application's code as it is.
import { Cookie } from "./express-session/cookie.ts";
import { makeMiddleware } from "./express-session/middleware.ts";
import { Session } from "./express-session/session.ts";
import { Store } from "./express-session/store.ts";
import { MemoryStore } from "./express-session/stores.ts";

export type { CookieData, CookieOptions } from "./express-session/cookie.ts";
export type { Middleware } from "./express-session/middleware.ts";
export type { SessionOptions } from "./express-session/options.ts";

/**
 * The fields of `req.session`, which applications add to.
 *
 * @example
 * declare module "harpiats/express-session" {
 *   interface SessionData { userId: string }
 * }
 */
export interface SessionData {
  cookie: Cookie;
}

const session = Object.assign(makeMiddleware, { Store, Cookie, Session, MemoryStore });
// For those who write require("…").default: compilers of modules into CommonJS do.
Object.assign(session, { default: session });

export { Cookie, MemoryStore, Session, session as default, session as "module.exports", Store };
