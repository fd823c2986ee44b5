// node http, https and http2, and Connect: a handler or a middleware whose requests have a session.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestLike, RequestSession, Session } from "../session.ts";
import { type HoldableResponse, holdResponse } from "./_held-response.ts";
import { type AdapterOptions, RequestSessions } from "./_request-sessions.ts";

export type { AdapterOptions };

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
 * Makes a middleware for Connect and for whatever speaks `(req, res, next)` over node's response.
 *
 * The response is held at its first byte until the session is written. If that fails, `next(error)` gets a `StoreError` with
 * `statusCode` 503, and nothing of the response has left.
 */
export function sessionMiddleware<Data extends object, Input extends object>(session: Session<Data, Input>, options: AdapterOptions = {}): SessionMiddleware<Data> {
  const sessions = new RequestSessions<Data>(options);
  const middleware = (req: RequestLike & object, res: HoldableResponse, next: Next): void => {
    const own = sessions.add(req, session.open(req));
    Object.assign(req, { session: own });
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

interface ErrorPage {
  getHeaderNames(): string[];
  removeHeader(name: string): unknown;
  end(text?: string): unknown;
}

/** A handler of node's `createServer` that gets the request's session as its third argument. */
export type NodeHandler<Data extends object, Req, Res> = (req: Req, res: Res, session: RequestSession<Data>) => unknown;

/**
 * Makes a request listener for `createServer` of http, https and http2. A handler that throws or rejects answers 500; a store
 * that fails answers 503; `onError` of the options is told neither, so listen to what you throw.
 */
export function withSession<Data extends object, Input extends object, Req extends RequestLike & object = IncomingMessage, Res extends HoldableResponse & ErrorPage = ServerResponse>(
  session: Session<Data, Input>,
  handler: NodeHandler<Data, Req, Res>,
  options: AdapterOptions & { onFailure?: (error: unknown, req: Req) => void } = {},
): (req: Req, res: Res) => void {
  const middleware = sessionMiddleware(session, options);
  return (req, res) => {
    const fail = (error: unknown): void => {
      options.onFailure?.(error, req);
      if (res.headersSent) return void res.destroy();
      const { statusCode = 500 } = Object(error) as { statusCode?: number };
      // What the handler set belongs to an answer that will not be given.
      for (const name of res.getHeaderNames()) res.removeHeader(name);
      res.statusCode = statusCode;
      res.setHeader("Content-Type", "text/plain");
      res.end(statusCode === 503 ? "Service Unavailable" : "Internal Server Error");
    };
    middleware(req, res, (error) => {
      if (error !== undefined) return fail(error);
      (async () => handler(req, res, middleware.of(req)))().catch(fail);
    });
  };
}
