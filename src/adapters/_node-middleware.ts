// The middleware of whatever speaks (req, res, next) over node's response: Connect, Express and node's own servers.
import type { RequestLike } from "../core/http-messages.ts";
import type { RequestSession } from "../core/request-session.ts";
import type { Session } from "../core/session.ts";
import { type HoldableResponse, holdResponse } from "./_held-response.ts";
import { type AdapterOptions, RequestSessions } from "./_request-sessions.ts";

/** What a middleware calls to go on, or to hand an error to the framework. */
export type Next = (error?: unknown) => void;

/** A middleware that gives each request its session, as `req.session` and by `of(req)`. */
export interface SessionMiddleware<Data extends object> {
  (req: RequestLike & object, res: HoldableResponse, next: Next): void;
  /**
   * The session of a request, typed.
   *
   * @throws TypeError for a request that did not come through this middleware.
   */
  of(req: object): RequestSession<Data>;
}

/**
 * Makes the middleware. The response is held at its first byte until the session is written; if that fails, `next` gets the
 * `StoreError`, and nothing of the response has left.
 */
export function nodeMiddleware<Data extends object>(session: Pick<Session<Data>, "open">, options: AdapterOptions): SessionMiddleware<Data> {
  const sessions = new RequestSessions<Data>(session, options);
  const middleware = (req: RequestLike & object, res: HoldableResponse, next: Next): void => {
    const own = sessions.open(req, req);
    holdResponse(res, {
      beforeHeaders: (status) => sessions.settle(own, status),
      writeHeaders() {
        own.writeTo(res);
        own.seal();
      },
      beforeEnd: () => (own.hasChanges ? own.commit() : undefined),
      onFailure: next,
    });
    next();
  };
  return Object.assign(middleware, { of: (req: object) => sessions.of(req) });
}
