// Koa 2 and 3: a middleware whose contexts have a session.
import type { RequestLike, ResponseLike } from "../core/http-messages.ts";
import type { RequestSession } from "../core/request-session.ts";
import type { Session } from "../core/session.ts";
import { type AdapterOptions, RequestSessions } from "./_request-sessions.ts";

export type { AdapterOptions };

/** Koa's context, as far as it is used. */
export type KoaContext = RequestLike & ResponseLike & { readonly status: number };

/** A middleware that gives each context its session, as `ctx.session` and by `of(ctx)`. */
export interface KoaSessionMiddleware<Data extends object> {
  (ctx: KoaContext, next: () => Promise<unknown>): Promise<void>;
  /** The session of a context, typed. @throws TypeError for one that did not come through this middleware. */
  of(ctx: object): RequestSession<Data>;
}

/**
 * Makes a middleware: `app.use(koaSession(session))`.
 *
 * Koa answers when all middleware has ended, so the session is written by then. If that fails, the error goes Koa's way: a
 * `StoreError` with `status` 503.
 */
export function koaSession<Data extends object>(session: Pick<Session<Data>, "open">, options: AdapterOptions = {}): KoaSessionMiddleware<Data> {
  const sessions = new RequestSessions<Data>(session, options);
  const middleware = async (ctx: KoaContext, next: () => Promise<unknown>): Promise<void> => {
    const own = sessions.open(ctx, ctx);
    try {
      await next();
    } catch (error) {
      await sessions.settle(own, 500);
      throw error;
    }
    await sessions.settle(own, ctx.status);
    own.writeTo(ctx);
    own.seal();
  };
  return Object.assign(middleware, { of: (ctx: object) => sessions.of(ctx) });
}
