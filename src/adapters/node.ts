// node http, https and http2, and Connect: a handler or a middleware whose requests have a session.
import type { IncomingMessage, ServerResponse } from "node:http";
import { HarpiaError } from "../core/errors.ts";
import type { RequestLike } from "../core/http/http-messages.ts";
import type { RequestSession } from "../core/request/request-session.ts";
import type { Session } from "../core/session/session.ts";
import type { HoldableResponse } from "./node/held-response.ts";
import { type Next, nodeMiddleware, type SessionMiddleware } from "./node/middleware.ts";
import { type AdapterOptions, ANSWERING_OPTIONS } from "./shared/request-sessions.ts";

export type { AdapterOptions, HoldableResponse, Next, SessionMiddleware };

/** How {@link withSession} answers what goes wrong. */
export interface NodeOptions extends AdapterOptions {
  /**
   * Is told what a handler threw and what a store failed with. Without it they are process
   * warnings.
   */
  onFailure?: ((error: unknown) => void) | undefined;
}

/** A response on which an error page can take the place of what was prepared. */
interface Replaceable extends HoldableResponse {
  getHeaderNames(): string[];
  removeHeader(name: string): unknown;
  end(text: string): unknown;
}

const TEXTS: Readonly<Record<number, string>> = { 401: "Unauthorized", 503: "Service Unavailable" };

/**
 * Makes a middleware for Connect.
 *
 * The response is held at its first byte until the session is written. If that fails, `next(error)`
 * gets a `StoreError` with `statusCode` 503, and nothing of the response has left.
 */
export function connectSession<Data extends object, Input extends object = Data>(
  session: Pick<Session<Data, Input>, "open">,
  options: AdapterOptions = {},
): SessionMiddleware<Data, Input> {
  return nodeMiddleware(session, options);
}

/**
 * Makes a request listener for `createServer` of http, https and http2: its handler gets the
 * request's session as third argument.
 *
 * Nothing leaves before the session is written. A handler that throws or rejects answers 500, a
 * store that fails 503; both say nothing of the cause, which goes to `onFailure`. `requireUser`
 * answers 401 where nobody is signed in.
 */
export function withSession<
  Data extends object,
  Req extends RequestLike & object = IncomingMessage,
  Res extends Replaceable = ServerResponse,
  Input extends object = Data,
>(
  session: Pick<Session<Data, Input>, "open">,
  handler: (req: Req, res: Res, session: RequestSession<Data, Input>) => unknown,
  options: NodeOptions = {},
): (req: Req, res: Res) => void {
  const {
    onFailure = (error) => process.emitWarning(error instanceof Error ? error : String(error)),
  } = options;
  const middleware = nodeMiddleware(session, options, ANSWERING_OPTIONS);
  return (req, res) => {
    const fail = (error: unknown): void => {
      const { status } = error instanceof HarpiaError ? error : {};
      // What a visitor has caused is nobody's failure.
      if (status === undefined || status >= 500) onFailure(error);
      // Its answer is whole: it leaves as it would without us.
      if (res.writableEnded) return;
      if (res.headersSent) return void res.destroy();
      // What the handler set belongs to an answer that will not be given.
      for (const name of res.getHeaderNames()) res.removeHeader(name);
      res.statusCode = status ?? 500;
      // One that node refuses would be refused once more. http2 has none.
      if (Object.hasOwn(res, "statusMessage")) Reflect.set(res, "statusMessage", "");
      res.setHeader("Content-Type", "text/plain");
      res.end(TEXTS[res.statusCode] ?? "Internal Server Error");
    };
    middleware(req, res, (error) => {
      if (error !== undefined) return fail(error);
      (async () => handler(req, res, middleware.of(req)))().catch(fail);
    });
  };
}
