// harpiats/csrf: refuses what another site has made the browser send. A check for any framework,
// one middleware for each shape of middleware there is, and a synchronizer token.
import { HarpiaError } from "./core/errors.ts";
import {
  type CheckedRequest,
  crossSiteCheck,
  type CrossSiteOptions,
  type CrossSiteRefusal,
} from "./core/http/cross-site.ts";
import type { RequestLike } from "./core/http/http-messages.ts";

export {
  type CheckedRequest,
  type CrossSiteCheck,
  crossSiteCheck,
  type CrossSiteOptions,
  type CrossSiteRefusal,
} from "./core/http/cross-site.ts";
export { csrfToken, isCsrfToken } from "./core/request/csrf-token.ts";

const REFUSED = "Forbidden: this request came from another site";

/**
 * A refused request as an error: a `HarpiaError` with the code `ERR_CROSS_SITE`, which the error
 * handlers of all frameworks answer with 403. The middlewares of Express, Fastify and Koa throw it;
 * throw it where you use {@link crossSiteCheck} by yourself.
 *
 * @example
 * const refusal = check(req);
 * if (refusal) throw new CrossSiteError(refusal);
 */
export class CrossSiteError extends HarpiaError {
  override name = "CrossSiteError";
  override readonly status = 403;
  override readonly statusCode = 403;
  /** Whether the message may be shown to the visitor: Koa asks. */
  override readonly expose = true;
  /** Which header has shown it. */
  readonly reason: CrossSiteRefusal;

  constructor(reason: CrossSiteRefusal) {
    super("ERR_CROSS_SITE", REFUSED);
    this.reason = reason;
  }
}

type CheckedFully = RequestLike & CheckedRequest;
type Next = (error?: unknown) => unknown;

/**
 * Express 4 and 5, Connect: `app.use(expressCsrf())`. A refused request goes to the error handler.
 */
export function expressCsrf(
  options: CrossSiteOptions = {},
): (
  req: CheckedFully & { readonly originalUrl?: string | undefined },
  res: unknown,
  next: Next,
) => unknown {
  const check = crossSiteCheck(options);
  return (req, _res, next) => {
    // Express cuts off url what the middleware is mounted on.
    const refusal = check(req, { method: req.method, url: req.originalUrl ?? req.url });
    return refusal ? next(new CrossSiteError(refusal)) : next();
  };
}

/** harpia(): `app.use(harpiaCsrf())`. A refused request is answered 403. */
export function harpiaCsrf(
  options: CrossSiteOptions = {},
): (
  req: CheckedFully,
  res: { status(code: number): { send(body: string): void } },
  next: Next,
) => unknown {
  const check = crossSiteCheck(options);
  return (req, res, next) => (check(req) ? res.status(403).send(REFUSED) : next());
}

/** Koa 2 and 3: `app.use(koaCsrf())`. A refused request is an error that Koa answers with 403. */
export function koaCsrf(
  options: CrossSiteOptions = {},
): (
  ctx: CheckedFully & { readonly originalUrl?: string | undefined },
  next: () => Promise<unknown>,
) => Promise<unknown> {
  const check = crossSiteCheck(options);
  return async (ctx, next) => {
    // What koa-mount cuts off, as above.
    const refusal = check(ctx, { method: ctx.method, url: ctx.originalUrl ?? ctx.url });
    if (refusal) throw new CrossSiteError(refusal);
    return next();
  };
}

/**
 * Fastify 5: `fastify.addHook("onRequest", fastifyCsrf())`. A refused request goes to the error
 * handler.
 */
export function fastifyCsrf(
  options: CrossSiteOptions = {},
): (request: CheckedFully, reply: unknown, done: (error?: Error) => void) => void {
  const check = crossSiteCheck(options);
  return (request, _reply, done) => {
    const refusal = check(request);
    done(refusal && new CrossSiteError(refusal));
  };
}

/** Hono 4: `app.use(honoCsrf())`. A refused request is answered 403. */
export function honoCsrf(
  options: CrossSiteOptions = {},
): (
  c: { readonly req: { readonly raw: Request } },
  next: () => Promise<void>,
) => Promise<Response | void> {
  const check = crossSiteCheck(options);
  return async (c, next) => (check(c.req.raw) ? forbidden() : next());
}

/** h3 2: `app.use(h3Csrf())`. A refused request is answered 403. */
export function h3Csrf(
  options: CrossSiteOptions = {},
): (event: { readonly req: CheckedFully }, next: () => unknown) => unknown {
  const check = crossSiteCheck(options);
  return (event, next) => (check(event.req) ? forbidden() : next());
}

/** Elysia: `app.onRequest(elysiaCsrf())`. A refused request is answered 403. */
export function elysiaCsrf(
  options: CrossSiteOptions = {},
): (context: { readonly request: Request }) => Response | undefined {
  const check = crossSiteCheck(options);
  return ({ request }) => (check(request) ? forbidden() : undefined);
}

/** Any fetch handler: `withCsrf(handler)`. A refused request is answered 403. */
export function withCsrf<Req extends Request, Rest extends unknown[]>(
  handler: (request: Req, ...rest: Rest) => Response | Promise<Response>,
  options: CrossSiteOptions = {},
): (request: Req, ...rest: Rest) => Promise<Response> {
  const check = crossSiteCheck(options);
  return async (request, ...rest) => (check(request) ? forbidden() : handler(request, ...rest));
}

function forbidden(): Response {
  return new Response(REFUSED, { status: 403, headers: { "content-type": "text/plain" } });
}
