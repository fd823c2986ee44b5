// Fastify 5: a plugin whose requests have a session.
import type { RequestLike, ResponseLike } from "../core/http/http-messages.ts";
import type { RequestSession } from "../core/request/request-session.ts";
import type { Session } from "../core/session/session.ts";
import { type AdapterOptions, RequestSessions } from "./shared/request-sessions.ts";

export type { AdapterOptions };

/** Fastify's instance, as far as it is used. */
export interface FastifyLike {
  decorateRequest(
    name: string,
    value: { getter(): unknown; setter(value: unknown): void },
  ): unknown;
  addHook(
    name: "onRequest",
    hook: (request: RequestLike & object, reply: FastifyReplyLike, done: () => void) => void,
  ): unknown;
  addHook(
    name: "onSend",
    hook: (
      request: RequestLike & object,
      reply: FastifyReplyLike,
      payload: unknown,
      done: (error: Error | null, payload?: unknown) => void,
    ) => void,
  ): unknown;
}

/** Fastify's reply, as far as it is used. */
export type FastifyReplyLike = ResponseLike & {
  readonly statusCode: number;
  code(status: number): unknown;
  header(name: string, value: string): unknown;
};

/** A plugin that gives each request its session, as `request.session` and by `of(request)`. */
export interface FastifySessionPlugin<Data extends object, Input extends object = Data> {
  (fastify: FastifyLike, options: unknown, done: (error?: Error) => void): void;
  /**
   * The session of a request, typed.
   *
   * @throws TypeError for one that did not come through this plugin.
   */
  of(request: object): RequestSession<Data, Input>;
}

/**
 * Makes a plugin: `fastify.register(fastifySession(session))`. It holds for the instance that it is
 * registered on and for those within; several sessions on one server differ in `property` and
 * `cookieName`.
 *
 * The session is written in `onSend`, before anything leaves. If that fails, Fastify's error
 * handler gets a `StoreError` with `statusCode` 503. What is written to `reply.raw` goes past the
 * plugin, as it goes past Fastify.
 */
export function fastifySession<Data extends object, Input extends object = Data>(
  session: Pick<Session<Data, Input>, "open">,
  options: AdapterOptions = {},
): FastifySessionPlugin<Data, Input> {
  const sessions = new RequestSessions<Data, Input>(session, options);
  const plugin = (fastify: FastifyLike, _: unknown, done: (error?: Error) => void): void => {
    try {
      fastify.decorateRequest(sessions.property, sessions.decoration());
    } catch (error) {
      // Somebody has a decorator of this name. Thrown here, it would be nobody's to catch.
      return done(error as Error);
    }
    fastify.addHook("onRequest", (request, _reply, next) => {
      if (!sessions.joins(request)) sessions.open(request, request);
      next();
    });
    fastify.addHook("onSend", (request, reply, payload, next) => {
      const own = sessions.find(request);
      // A hook before this plugin's has answered.
      if (!own) return next(null, payload);
      let body = payload;
      const finish = (): void => {
        let failure: Error | null = null;
        try {
          own.writeTo(reply);
          own.seal();
        } catch (error) {
          failure = error as Error;
        }
        next(failure, body);
      };
      if (payload instanceof Response) body = unpack(payload, reply);
      const settled = sessions.settle(own, reply.statusCode);
      // With a callback: most requests have nothing to wait for.
      if (settled === undefined) finish();
      else settled.then(finish, next);
    });
    done();
  };
  // Hooks are to hold for the instance itself and not for a child made for this plugin.
  return Object.assign(plugin, {
    [Symbol.for("skip-override")]: true,
    [Symbol.for("fastify.display-name")]: "harpiats",
    of: (request: object) => sessions.of(request),
  });
}

/**
 * Does what Fastify would do after this hook: by then the status and the headers of a Response have
 * to be known, and not undo ours.
 */
function unpack({ status, headers, body }: Response, reply: FastifyReplyLike): unknown {
  reply.code(status);
  for (const [name, value] of headers) reply.header(name, value);
  return body;
}
