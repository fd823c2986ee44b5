// Elysia 1.4, on Bun, and on Node, Deno and Workers as a fetch handler: a plugin whose contexts
// have a session.
import { StoreError } from "../core/errors.ts";
import type { RequestSession } from "../core/request/request-session.ts";
import type { Session } from "../core/session/session.ts";
import {
  type AdapterOptions,
  ANSWERING_OPTIONS,
  RequestSessions,
} from "./shared/request-sessions.ts";

export type { AdapterOptions };

/** How {@link elysiaSession} answers what goes wrong. */
export interface ElysiaOptions<Property extends string = "session"> extends AdapterOptions {
  /**
   * The name that the session has in Elysia's context. Default `session`. Several sessions need
   * several.
   */
  property?: Property | undefined;
  /**
   * Is told what a store failed with where Elysia's `onError` cannot be: when its own answer was
   * settled.
   */
  onFailure?: ((error: StoreError) => void) | undefined;
}

/** A plugin that gives each context its session, as `session` and by `of(request)`. */
export interface ElysiaSessionPlugin<
  Data extends object,
  Property extends string = "session",
  Input extends object = Data,
> {
  /** Elysia reads what a plugin adds from `~Singleton` of what it returns, in types alone. */
  <App extends object>(
    app: App,
  ): App & {
    "~Singleton": { derive: { readonly [Name in Property]: RequestSession<Data, Input> } };
  };
  /**
   * The session of a request, typed: for `onError`, where the context may not have it yet.
   *
   * @throws TypeError for one that did not come through this plugin.
   */
  of(request: object): RequestSession<Data, Input>;
}

/** Elysia's app, as far as it is used. */
interface ElysiaLike {
  wrap(wrapper: (handler: Handler) => Handler): unknown;
  derive(options: { as: "global" }, add: (context: { request: Request }) => object): unknown;
  onAfterHandle(
    options: { as: "global" },
    hook: (context: {
      request: Request;
      response: unknown;
      set: { status?: unknown };
    }) => Promise<void>,
  ): unknown;
}

type Handler = (request: Request, ...rest: unknown[]) => unknown;

/**
 * Makes a plugin: `new Elysia().use(elysiaSession(session))`. Handlers have `session` in their
 * context, typed.
 *
 * The session is written when the handler has answered and before the answer leaves. If that fails,
 * `onError` gets a `StoreError`; without one Elysia answers 503. It needs Elysia's own way to
 * compile handlers, `aot`, which is the default.
 */
export function elysiaSession<
  Data extends object,
  const Property extends string = "session",
  Input extends object = Data,
>(
  session: Pick<Session<Data, Input>, "open">,
  options: ElysiaOptions<Property> = {},
): ElysiaSessionPlugin<Data, Property, Input> {
  const { onFailure = () => {} } = options;
  const sessions = new RequestSessions<Data, Input>(session, options, ANSWERING_OPTIONS);

  // Around everything, so that it sees the answer as it leaves, whichever hook or error made it.
  const wrap =
    (handler: Handler): Handler =>
    async (request, ...rest) => {
      const own = sessions.open(request, request);
      const answered = await handler(request, ...rest);
      if (!(answered instanceof Response)) return answered;
      try {
        await sessions.settle(own, answered.status);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        onFailure(error);
        const response = new Response("Service Unavailable", {
          status: error.statusCode,
          headers: { "content-type": "text/plain" },
        });
        await own.discard().catch(() => {});
        // An id that has changed already, or has ended: without it the client would be signed out.
        if (own.owesId) own.writeTo(response);
        own.seal();
        return response;
      }
      // Its headers may be of the kind that cannot be changed.
      const response = own.isUsed ? new Response(answered.body, answered) : answered;
      if (own.isUsed) own.writeTo(response);
      // Also where nobody has asked for the session yet: a body that streams still can.
      own.seal();
      return response;
    };

  const plugin = (app: object): object => {
    // By structure: its own types have parameters that only an application fills.
    const elysia = app as ElysiaLike;
    if (typeof elysia.wrap !== "function" || typeof elysia.derive !== "function")
      throw new TypeError(
        "Cannot add sessions: this is no Elysia, app.use(elysiaSession(session)) is wanted",
      );
    elysia.wrap(wrap);
    elysia.derive({ as: "global" }, ({ request }) => ({
      [sessions.property]: sessions.of(request),
    }));
    // Already here, so that what fails goes to onError.
    elysia.onAfterHandle({ as: "global" }, async ({ request, response, set }) => {
      await sessions.settle(sessions.of(request), statusOf(response) ?? statusOf(set) ?? 200);
    });
    return app;
  };
  // What is added in types, Elysia adds at run time.
  return Object.assign(plugin as ElysiaSessionPlugin<Data, Property, Input>, {
    of: (request: object) => sessions.of(request),
  });
}

/** The status of a Response, of what `status()` gives, or of `set`. */
function statusOf(answered: unknown): number | undefined {
  const { status, code } = Object(answered) as { status?: unknown; code?: unknown };
  return [status, code].find((value) => typeof value === "number");
}
