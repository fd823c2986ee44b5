// The middleware of whatever speaks (req, res, next) over node's response: Connect, Express and
// node's own servers.
import type { Shape } from "../../core/checks.ts";
import type { RequestLike } from "../../core/http/http-messages.ts";
import type { RequestSession } from "../../core/request/request-session.ts";
import type { Session } from "../../core/session/session.ts";
import { type AdapterOptions, RequestSessions } from "../shared/request-sessions.ts";
import { type HoldableResponse, type HoldHooks, holdResponse } from "./held-response.ts";

/** What a middleware calls to go on, or to hand an error to the framework. */
export type Next = (error?: unknown) => void;

/** A middleware that gives each request its session, as `req.session` and by `of(req)`. */
export interface SessionMiddleware<Data extends object, Input extends object = Data> {
  (req: RequestLike & object, res: HoldableResponse, next: Next): void;
  /**
   * The session of a request, typed.
   *
   * @throws TypeError for a request that did not come through this middleware.
   */
  of(req: object): RequestSession<Data, Input>;
}

/**
 * Makes the middleware. The response is held at its first byte until the session is written; if
 * that fails, `next` gets the `StoreError`, and nothing of the response has left.
 */
export function nodeMiddleware<Data extends object, Input extends object = Data>(
  session: Pick<Session<Data, Input>, "open">,
  options: AdapterOptions,
  shape?: Shape,
): SessionMiddleware<Data, Input> {
  const sessions = new RequestSessions<Data, Input>(session, options, shape);
  const middleware = (req: RequestLike & object, res: HoldableResponse, next: Next): void => {
    if (sessions.joins(req)) return next();
    const own = sessions.open(req, req);
    holdResponse(res, new SettlingHooks(sessions, own, res, next));
    next();
  };
  return Object.assign(middleware, { of: (req: object) => sessions.of(req) });
}

// What carries an id: of an answer that node has refused none may go on to the error page.
const ID_HEADERS = ["set-cookie", "x-auth-token"];

// A class, not an object literal, which V8 may come to keep in its old generation: see
// http-messages.ts.
class SettlingHooks<Data extends object, Input extends object = Data> implements HoldHooks {
  readonly #sessions: RequestSessions<Data, Input>;
  readonly #own: RequestSession<Data, Input>;
  readonly #res: HoldableResponse;
  #before: unknown[] | undefined;
  readonly onFailure: Next;

  constructor(
    sessions: RequestSessions<Data, Input>,
    own: RequestSession<Data, Input>,
    res: HoldableResponse,
    onFailure: Next,
  ) {
    this.#sessions = sessions;
    this.#own = own;
    this.#res = res;
    this.onFailure = onFailure;
  }

  beforeHeaders(status: number): Promise<void> | undefined {
    return this.#sessions.settle(this.#own, status);
  }

  writeHeaders(): void {
    if (this.#own.owesId) this.#before = ID_HEADERS.map((name) => this.#res.getHeader(name));
    this.#own.writeTo(this.#res);
    this.#own.seal();
  }

  unwriteHeaders(): void {
    for (const [at, value] of this.#before?.entries() ?? []) {
      const name = ID_HEADERS[at] as string;
      if (value === undefined) this.#res.removeHeader(name);
      else this.#res.setHeader(name, value as string);
    }
    this.#own.unseal();
  }

  beforeEnd(): Promise<void> | undefined {
    return this.#own.hasChanges ? this.#own.commit() : undefined;
  }
}
