// Express 4 and 5: a middleware whose requests have a session.
import type { Session } from "../core/session/session.ts";
import { nodeMiddleware, type SessionMiddleware } from "./node/middleware.ts";
import type { AdapterOptions } from "./shared/request-sessions.ts";

export type { AdapterOptions, SessionMiddleware };

/**
 * Makes a middleware: `app.use(expressSession(session))`. Each request has its session as
 * `req.session`, and typed as `sessions.of(req)` of what this returns.
 *
 * No byte of the response leaves before the session is written. If that fails, Express's error
 * handler gets a `StoreError` with `statusCode` 503, and nothing of the response has left.
 */
export function expressSession<Data extends object, Input extends object = Data>(
  session: Pick<Session<Data, Input>, "open">,
  options: AdapterOptions = {},
): SessionMiddleware<Data, Input> {
  return nodeMiddleware(session, options);
}
