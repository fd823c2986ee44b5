// harpia(): a middleware whose requests have a session.
import type { RequestLike, ResponseLike } from "../core/http/http-messages.ts";
import type { RequestSession } from "../core/request/request-session.ts";
import type { Session } from "../core/session/session.ts";
import { type AdapterOptions, RequestSessions } from "./shared/request-sessions.ts";

export type { AdapterOptions };

/** A middleware that gives each request its session, as `req.session` and by `of(req)`. */
export interface HarpiaSessionMiddleware<Data extends object, Input extends object = Data> {
  (
    req: RequestLike & object,
    res: ResponseLike & { readonly statusCode: number },
    next: () => Promise<void>,
  ): Promise<void>;
  /**
   * The session of a request, typed.
   *
   * @throws TypeError for one that did not come through this middleware.
   */
  of(req: object): RequestSession<Data, Input>;
}

/**
 * Makes a middleware: `app.use(harpiaSession(session))`.
 *
 * Nothing is sent before all middleware has ended, so the session is written by then. If that
 * fails, the answer is 503 and `app.onError` gets the `StoreError`.
 */
export function harpiaSession<Data extends object, Input extends object = Data>(
  session: Pick<Session<Data, Input>, "open">,
  options: AdapterOptions = {},
): HarpiaSessionMiddleware<Data, Input> {
  const sessions = new RequestSessions<Data, Input>(session, options);
  const middleware: (
    ...args: Parameters<HarpiaSessionMiddleware<Data, Input>>
  ) => Promise<void> = async (req, res, next) => {
    if (sessions.joins(req)) return next();
    const own = sessions.open(req, req);
    // A handler's error has become a response by the time this goes on.
    await next();
    try {
      await sessions.settle(own, res.statusCode);
    } catch (error) {
      await own.discard().catch(() => {});
      // An id that has changed already, or has ended: without it the client would be signed out.
      if (own.owesId) own.writeTo(res);
      own.seal();
      throw error;
    }
    own.writeTo(res);
    own.seal();
  };
  return Object.assign(middleware, { of: (req: object) => sessions.of(req) });
}
