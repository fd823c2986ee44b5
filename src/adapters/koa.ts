// Koa 2 and 3: a middleware whose contexts have a session.
import type { RequestLike, ResponseLike } from "../core/http-messages.ts";
import type { RequestSession } from "../core/request-session.ts";
import type { Session } from "../core/session.ts";
import { putOwed, takeOwed, withOwed } from "./_owed-headers.ts";
import { type AdapterOptions, RequestSessions } from "./_request-sessions.ts";

export type { AdapterOptions };

/** Koa's context, as far as it is used. */
export type KoaContext = RequestLike & ResponseLike & { readonly status: number; readonly headerSent?: boolean };

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
 * `StoreError` with `status` 503. What is thrown counts by its status: below 500, as `ctx.throw(401)`, it writes the session.
 */
export function koaSession<Data extends object>(session: Pick<Session<Data>, "open">, options: AdapterOptions = {}): KoaSessionMiddleware<Data> {
  const sessions = new RequestSessions<Data>(session, options);
  const middleware = async (ctx: KoaContext, next: () => Promise<unknown>): Promise<void> => {
    const own = sessions.open(ctx, ctx);
    try {
      await next();
    } catch (error) {
      const { status, statusCode } = Object(error) as { status?: unknown; statusCode?: unknown };
      const given = status ?? statusCode;
      await sessions.settle(own, typeof given === "number" ? given : 500);
      throw own.isUsed && !ctx.headerSent ? carrying(error, own, ctx) : error;
    }
    await sessions.settle(own, ctx.status);
    own.writeTo(ctx);
    own.seal();
  };
  return Object.assign(middleware, { of: (ctx: object) => sessions.of(ctx) });
}

/**
 * The error with the headers that the session owes: Koa answers it with these and no others. They are on the context as well, for a
 * middleware that answers in Koa's place.
 */
function carrying(error: unknown, own: RequestSession<object>, ctx: KoaContext): unknown {
  const owed = takeOwed(own);
  putOwed(ctx, owed);
  if (!(error instanceof Error)) return error;
  // Not on the error itself: somebody may throw the same one for every visitor.
  return Object.create(error, { headers: { value: withOwed(Reflect.get(error, "headers"), owed), enumerable: true } });
}
