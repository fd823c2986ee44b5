// h3 2, on Node, Bun, Deno and Workers: a middleware whose events have a session in their context.
import { addVary, type RequestLike } from "../core/http/http-messages.ts";
import type { RequestSession } from "../core/request/request-session.ts";
import type { Session } from "../core/session/session.ts";
import { putOwed, takeOwed } from "./shared/owed-headers.ts";
import { type AdapterOptions, RequestSessions } from "./shared/request-sessions.ts";

export type { AdapterOptions };

/** h3's event, as far as it is used. */
export interface H3EventLike {
  readonly req: RequestLike;
  readonly context: object;
  /**
   * What h3 adds to the answer: `headers` to one that succeeds, `errHeaders` to one that does not.
   * Up to 2.0.1-rc.2, which Nitro 3 has, `headers` are for both.
   */
  readonly res: {
    readonly status?: number | undefined;
    readonly headers: Headers;
    readonly errHeaders?: Headers | undefined;
  };
}

/**
 * A middleware that gives each event its session, as `event.context.session` and by `of(event)`.
 */
export interface H3SessionMiddleware<Data extends object, Input extends object = Data> {
  (event: H3EventLike, next: () => unknown): Promise<unknown>;
  /**
   * The session of an event, typed.
   *
   * @throws TypeError for one that did not come through this middleware.
   */
  of(event: { readonly context: object }): RequestSession<Data, Input>;
}

/**
 * Makes a middleware: `app.use(h3Session(session))`. Type the context by
 * `interface H3EventContext { session: RequestSession<Data> }` in `declare module "h3"`.
 *
 * The session is written when the handler has answered and before the answer leaves. If that fails,
 * `onError` gets a `StoreError`; without one h3 answers 503. What a handler throws counts by its
 * status: an `HTTPError` below 500 writes the session.
 */
export function h3Session<Data extends object, Input extends object = Data>(
  session: Pick<Session<Data, Input>, "open">,
  options: AdapterOptions = {},
): H3SessionMiddleware<Data, Input> {
  const sessions = new RequestSessions<Data, Input>(session, options);
  const finish = async (
    event: H3EventLike,
    own: RequestSession<Data, Input>,
    answered: unknown,
    status: number,
  ): Promise<void> => {
    await sessions.settle(own, status);
    if (own.isUsed) writeBeside(answered, event, own);
    own.seal();
  };
  const middleware = async (event: H3EventLike, next: () => unknown): Promise<unknown> => {
    if (sessions.joins(event.context)) return next();
    const own = sessions.open(event.req, event.context);
    try {
      const answered = await next();
      await finish(
        event,
        own,
        answered,
        statusOf(answered) ?? (answered instanceof Error ? 500 : (event.res.status ?? 200)),
      );
      return answered;
    } catch (error) {
      // A thrown redirect() or Response is no answer to h3: it makes an error of its own of it, a 500.
      const status = error instanceof Error ? statusOf(error) : undefined;
      await finish(event, own, error, status ?? 500);
      throw error;
    }
  };
  return Object.assign(middleware, {
    of: (event: { readonly context: object }) => sessions.of(event.context),
  });
}

/**
 * The status that an answer or an error brings along; a body that is none of h3's answers has none.
 */
function statusOf(answered: unknown): number | undefined {
  if (!isAnswer(answered)) return undefined;
  const { status, statusCode } = answered as { status?: unknown; statusCode?: unknown };
  const given = status ?? statusCode;
  return typeof given === "number" ? given : undefined;
}

/**
 * Puts what the session owes on what h3 adds to the answer. It adds it in the place of headers that
 * the answer has itself.
 */
function writeBeside(answered: unknown, { res }: H3EventLike, own: RequestSession<object>): void {
  const owed = takeOwed(own);
  const given = isAnswer(answered) ? Reflect.get(answered, "headers") : undefined;
  const others = given instanceof Headers ? given : undefined;
  for (const target of [res.headers, res.errHeaders]) {
    if (!target) continue;
    for (const name of others?.get("vary")?.split(",") ?? []) addVary(target, name.trim());
    putOwed(target, owed, others);
  }
}

/** A Response, an error, or what h3 makes of `html()`, `redirect()` and the like. */
function isAnswer(value: unknown): value is object {
  return (
    value instanceof Response ||
    value instanceof Error ||
    (typeof value === "object" &&
      value !== null &&
      Reflect.get(value, Symbol.for("h3.HTTPResponse")) === true)
  );
}
