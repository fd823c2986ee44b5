// Prints each cause once, while an application is developed: one middleware for each shape of
// middleware there is. It stands beside the session's own, changes no answer, and never makes a
// request fail.
import process from "node:process";
import { assertOptions, boolean, callback, type Shape } from "../core/checks.ts";
import type { RequestLike, ResponseLike } from "../core/http/http-messages.ts";
import type { Explainer } from "./explainer.ts";

/** How the causes are told. */
export interface ExplainOptions {
  /** Gets each cause once. Default: a warning of the process. */
  print?: ((message: string) => void) | undefined;
  /**
   * Whether it may be made with `NODE_ENV=production`, where it costs every request a read more.
   * Default `false`.
   */
  inProduction?: boolean | undefined;
}

type Next = (error?: unknown) => unknown;
/** node's response, as far as it is used. */
export type FinishingResponse = ResponseLike & {
  once(event: "finish", listener: () => void): unknown;
};
/** Fastify's instance, as far as it is used. */
export interface ExplainedFastify {
  addHook(name: "onRequest", hook: (request: RequestLike & object) => Promise<void>): unknown;
  addHook(
    name: "onResponse",
    hook: (request: RequestLike & object, reply: ResponseLike) => Promise<void>,
  ): unknown;
}

// Nothing is wrong with these.
const WELL = ["live", "set", "taken-back", "none"];

const OPTIONS = { print: callback, inProduction: boolean } satisfies Shape;

/** Tells what is wrong with requests and responses, each cause once. */
class Teller {
  readonly #explainer: Explainer;
  readonly #print: (message: string) => void;
  readonly #told = new Set<string>();

  constructor(explainer: Explainer, options: ExplainOptions) {
    assertOptions("middleware that explains", options, OPTIONS);
    const {
      print = (message: string) => process.emitWarning(message, "SessionExplained"),
      inProduction = false,
    } = options;
    if (typeof Object(explainer).explain !== "function")
      throw new TypeError(
        "Cannot explain requests: the first argument is no explainer, createExplainer(session) is wanted",
      );
    if (!inProduction && isProduction())
      throw new TypeError(
        "Cannot explain requests: NODE_ENV is production, where every request would be read once more; leave it out there, or say inProduction: true",
      );
    this.#explainer = explainer;
    this.#print = print;
  }

  /** Before the handler, which may end the session. */
  async before(req: RequestLike): Promise<void> {
    try {
      const { cause, message } = await this.#explainer.explain(req);
      this.#tell(cause, message);
    } catch {
      // A store that fails, fails the request itself too, and says so there.
    }
  }

  after(req: RequestLike, res: ResponseLike): void {
    try {
      const { cause, message } = this.#explainer.explainResponse(req, res);
      this.#tell(`response: ${cause}`, message);
    } catch {
      // What cannot be looked at any more, cannot be explained.
    }
  }

  #tell(what: string, message: string): void {
    if (WELL.includes(what.replace("response: ", "")) || this.#told.has(what)) return;
    this.#told.add(what);
    this.#print(`${what}: ${message}`);
  }
}

/**
 * Express 4 and 5, Connect: `app.use(expressExplain(explainer))`, before or after the session's
 * middleware.
 */
export function expressExplain(
  explainer: Explainer,
  options: ExplainOptions = {},
): (req: RequestLike, res: FinishingResponse, next: Next) => void {
  const teller = new Teller(explainer, options);
  return (req, res, next) => {
    res.once("finish", () => teller.after(req, res));
    void teller.before(req).then(() => next());
  };
}

/**
 * node http, https and http2: `createServer(nodeExplain(explainer, listener))`, around what
 * `withSession` gives.
 */
export function nodeExplain<Req extends RequestLike, Res extends FinishingResponse>(
  explainer: Explainer,
  listener: (req: Req, res: Res) => unknown,
  options: ExplainOptions = {},
): (req: Req, res: Res) => void {
  const middleware = expressExplain(explainer, options);
  return (req, res) => middleware(req, res, () => listener(req, res));
}

/** Fastify 5: `fastify.register(fastifyExplain(explainer))`. */
export function fastifyExplain(
  explainer: Explainer,
  options: ExplainOptions = {},
): (fastify: ExplainedFastify, pluginOptions: unknown, done: () => void) => void {
  const teller = new Teller(explainer, options);
  const plugin = (fastify: ExplainedFastify, _: unknown, done: () => void): void => {
    fastify.addHook("onRequest", (request) => teller.before(request));
    fastify.addHook("onResponse", async (request, reply) => teller.after(request, reply));
    done();
  };
  // Hooks are to hold for the instance itself and not for a child made for this plugin.
  return Object.assign(plugin, {
    [Symbol.for("skip-override")]: true,
    [Symbol.for("fastify.display-name")]: "harpiats-explain",
  });
}

/** Koa 2 and 3: `app.use(koaExplain(explainer))`, before the session's middleware. */
export function koaExplain(
  explainer: Explainer,
  options: ExplainOptions = {},
): (ctx: RequestLike & ResponseLike, next: () => Promise<unknown>) => Promise<void> {
  const around = aroundOf(explainer, options);
  return (ctx, next) => around(ctx, ctx, next);
}

/** Hono 4: `app.use(honoExplain(explainer))`, before the session's middleware. */
export function honoExplain(
  explainer: Explainer,
  options: ExplainOptions = {},
): (c: RequestLike & ResponseLike, next: () => Promise<void>) => Promise<void> {
  const around = aroundOf(explainer, options);
  return (c, next) => around(c, c, next);
}

/** harpia(): `app.use(harpiaExplain(explainer))`, before the session's middleware. */
export function harpiaExplain(
  explainer: Explainer,
  options: ExplainOptions = {},
): (req: RequestLike, res: ResponseLike, next: () => Promise<void>) => Promise<void> {
  const around = aroundOf(explainer, options);
  return (req, res, next) => around(req, res, next);
}

/** Any fetch handler: `withExplain(explainer, handler)`, around what `withSession` gives. */
export function withExplain<Req extends RequestLike, Rest extends unknown[]>(
  explainer: Explainer,
  handler: (request: Req, ...rest: Rest) => Response | Promise<Response>,
  options: ExplainOptions = {},
): (request: Req, ...rest: Rest) => Promise<Response> {
  const teller = new Teller(explainer, options);
  return async (request, ...rest) => {
    await teller.before(request);
    const response = await handler(request, ...rest);
    teller.after(request, response);
    return response;
  };
}

function aroundOf(
  explainer: Explainer,
  options: ExplainOptions,
): (req: RequestLike, res: ResponseLike, next: () => Promise<unknown>) => Promise<void> {
  const teller = new Teller(explainer, options);
  return async (req, res, next) => {
    await teller.before(req);
    await next();
    teller.after(req, res);
  };
}

function isProduction(): boolean {
  try {
    return process.env["NODE_ENV"] === "production";
  } catch {
    // Deno asks for permission first: what must not be known is not known.
    return false;
  }
}
