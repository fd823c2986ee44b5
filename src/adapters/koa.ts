// Koa 2 and 3: a middleware whose contexts have a session.
import type { RequestLike, ResponseLike } from "../core/http/http-messages.ts";
import type { RequestSession } from "../core/request/request-session.ts";
import type { Session } from "../core/session/session.ts";
import { putOwed, takeOwed } from "./shared/owed-headers.ts";
import { type AdapterOptions, RequestSessions } from "./shared/request-sessions.ts";

export type { AdapterOptions };

/** Koa's context, as far as it is used. */
export type KoaContext = RequestLike &
  ResponseLike & { readonly status: number; readonly headerSent?: boolean };

/** How Koa answers an error: it takes all headers away, sets those of the error, and ends. */
interface ErrorAnswering {
  onerror(error: unknown): unknown;
  readonly res: {
    readonly headersSent: boolean;
    getHeader(name: string): unknown;
    setHeader(name: string, value: string | string[]): unknown;
    end(...args: unknown[]): unknown;
  };
}

/** A middleware that gives each context its session, as `ctx.session` and by `of(ctx)`. */
export interface KoaSessionMiddleware<Data extends object, Input extends object = Data> {
  (ctx: KoaContext, next: () => Promise<unknown>): Promise<void>;
  /**
   * The session of a context, typed.
   *
   * @throws TypeError for one that did not come through this middleware.
   */
  of(ctx: object): RequestSession<Data, Input>;
}

/**
 * Makes a middleware: `app.use(koaSession(session))`.
 *
 * Koa answers when all middleware has ended, so the session is written by then. If that fails, the
 * error goes Koa's way: a `StoreError` with `status` 503. What is thrown counts by its status:
 * below 500, as `ctx.throw(401)`, it writes the session.
 */
export function koaSession<Data extends object, Input extends object = Data>(
  session: Pick<Session<Data, Input>, "open">,
  options: AdapterOptions = {},
): KoaSessionMiddleware<Data, Input> {
  const sessions = new RequestSessions<Data, Input>(session, options);
  const settle = async (
    ctx: KoaContext,
    own: RequestSession<Data, Input>,
    status: number,
  ): Promise<void> => {
    try {
      await sessions.settle(own, status);
    } catch (error) {
      await own.discard().catch(() => {});
      // An id that has changed already, or has ended: without it the client would be signed out.
      if (own.owesId && !ctx.headerSent) putOnError(ctx, takeOwed(own));
      throw error;
    }
  };
  const middleware = async (ctx: KoaContext, next: () => Promise<unknown>): Promise<void> => {
    if (sessions.joins(ctx)) return void (await next());
    const own = sessions.open(ctx, ctx);
    try {
      await next();
    } catch (error) {
      const { status, statusCode } = Object(error) as { status?: unknown; statusCode?: unknown };
      const given = status ?? statusCode;
      await settle(ctx, own, typeof given === "number" ? given : 500);
      if (own.isUsed && !ctx.headerSent) putOnError(ctx, takeOwed(own));
      throw error;
    }
    // Sent past Koa, by `ctx.respond = false`: what would need a cookie is refused before it is
    // stored.
    if (ctx.headerSent) own.seal();
    await settle(ctx, own, ctx.status);
    own.writeTo(ctx);
    own.seal();
  };
  return Object.assign(middleware, { of: (ctx: object) => sessions.of(ctx) });
}

/**
 * Puts what the session owes on the context, for a middleware that answers in Koa's place, and on
 * Koa's own answer, which has the headers of the error and no others. Not on the error: somebody
 * may throw the same one for every visitor, and not every error may be written to.
 */
function putOnError(ctx: KoaContext, owed: Headers): void {
  putOwed(ctx, owed);
  // By structure: Koa's contexts have all of it, whatever stands for one need not.
  const { onerror, res } = ctx as Partial<ErrorAnswering>;
  if (!onerror || !res) return;
  const answer = (error: unknown): unknown => {
    const { end } = res;
    if (error !== null && error !== undefined)
      res.end = (...args) => {
        res.end = end;
        if (!res.headersSent) putOwed(res, owed);
        return end.apply(res, args);
      };
    return onerror.call(ctx, error);
  };
  Object.assign(ctx, { onerror: answer });
}
