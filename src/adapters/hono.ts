// Hono 4, on Node, Bun, Deno and Workers: a middleware that sets the variable `session`.
import type { RequestLike, ResponseLike } from "../core/http/http-messages.ts";
import type { RequestSession } from "../core/request/request-session.ts";
import type { Session } from "../core/session/session.ts";
import { type AdapterOptions, RequestSessions } from "./shared/request-sessions.ts";

export type { AdapterOptions };

/** Hono's context, as far as it is used. */
export type HonoSessionContext = RequestLike &
  ResponseLike & {
    readonly res: { readonly status: number };
    set(name: string, value: unknown): void;
  };

/** A middleware that gives each context its session, as `c.get("session")` and by `of(c)`. */
export interface HonoSessionMiddleware<Data extends object, Input extends object = Data> {
  (c: HonoSessionContext, next: () => Promise<void>): Promise<void>;
  /**
   * The session of a context, typed.
   *
   * @throws TypeError for one that did not come through this middleware.
   */
  of(c: object): RequestSession<Data, Input>;
}

/**
 * Makes a middleware: `app.use(honoSession(session))`. Type the variable as
 * `Variables: { session: RequestSession<Data> }`.
 *
 * The session is written when the handler has answered and before the answer leaves. If that fails,
 * `app.onError` gets the `StoreError`; without one Hono answers 503.
 */
export function honoSession<Data extends object, Input extends object = Data>(
  session: Pick<Session<Data, Input>, "open">,
  options: AdapterOptions = {},
): HonoSessionMiddleware<Data, Input> {
  const sessions = new RequestSessions<Data, Input>(session, options);
  const middleware = async (c: HonoSessionContext, next: () => Promise<void>): Promise<void> => {
    const isJoining = sessions.joins(c);
    const own = isJoining ? sessions.of(c) : sessions.open(c, c);
    c.set(sessions.property, own);
    if (isJoining) return next();
    // A handler's error has become a response by the time this goes on.
    await next();
    try {
      await sessions.settle(own, c.res.status);
    } catch (error) {
      await own.discard().catch(() => {});
      // An id that has changed already, or has ended: without it the client would be signed out.
      if (own.owesId) own.writeTo(c);
      own.seal();
      throw error;
    }
    own.writeTo(c);
    own.seal();
  };
  return Object.assign(middleware, { of: (c: object) => sessions.of(c) });
}
