// fetch handlers: Bun.serve, Deno.serve, Workers, and the route handlers of frameworks that speak
// Request and Response.
import { HarpiaError, StoreError } from "../core/errors.ts";
import type { RequestLike } from "../core/http/http-messages.ts";
import type { RequestSession } from "../core/request/request-session.ts";
import type { Session } from "../core/session/session.ts";
import {
  type AdapterOptions,
  ANSWERING_OPTIONS,
  openerOf,
  RequestSessions,
} from "./shared/request-sessions.ts";

/** How {@link withSession} answers what goes wrong. */
export interface FetchOptions extends Omit<AdapterOptions, "property"> {
  /** Is told what a store failed with. The answer is a 503 that says nothing of it. */
  onFailure?: ((error: StoreError) => void) | undefined;
}

const { property: _property, ...OPTIONS } = ANSWERING_OPTIONS;

/**
 * Makes a fetch handler of one that takes the request's session as its second argument; what else
 * the runtime hands over (Workers' `env` and `ctx`, Next.js's `{ params }`) follows.
 *
 * The session is written when the handler has answered and before the answer leaves. A store that
 * fails makes it a 503, also where a framework inside the handler has answered 500 for it.
 * `requireUser` answers 401 where nobody is signed in. What else the handler throws is thrown on,
 * after its changes were dropped.
 *
 * A handler that gives `undefined`, as after `server.upgrade` of Bun, has no response for us to set
 * a cookie on: what would need one rejects.
 */
export function withSession<
  Data extends object,
  Req extends RequestLike & object = Request,
  Rest extends unknown[] = [],
  Answer extends Response | undefined = Response,
  Input extends object = Data,
>(
  session: Pick<Session<Data, Input>, "open">,
  handler: (
    request: Req,
    session: RequestSession<Data, Input>,
    ...rest: Rest
  ) => Answer | Promise<Answer>,
  options: FetchOptions = {},
): (request: Req, ...rest: Rest) => Promise<Response | Answer> {
  const open = openerOf(session);
  const sessions = new RequestSessions<Data, Input>(session, options, OPTIONS);
  return async (request, ...rest) => {
    const own = open(request);
    try {
      // Responses of fetch() and Response.redirect() have headers that cannot be changed: this
      // one's can.
      const answered = await answerOf(() => handler(request, own.face, ...rest));
      if (answered === undefined) {
        own.seal();
        await sessions.settle(own, 101);
        return answered;
      }
      await sessions.settle(own, answered.status);
      // A framework makes a page of its own of what a route throws: of a store's failure too, with
      // a 500.
      if (own.failure && answered.status >= 500) {
        await answered.body?.cancel();
        throw own.failure;
      }
      const response = own.isUsed ? new Response(answered.body, answered) : answered;
      if (own.isUsed) own.writeTo(response);
      // Also where nobody has asked for the session yet: a body that streams still can.
      own.seal();
      return response;
    } catch (error) {
      await sessions.settle(own, 500)?.catch(() => {});
      if (!(error instanceof StoreError)) throw error;
      options.onFailure?.(error);
      const response = new Response("Service Unavailable", {
        status: error.statusCode,
        headers: { "content-type": "text/plain" },
      });
      // An id that has changed already, or has ended: without it the client would be signed out.
      if (own.owesId) own.writeTo(response);
      own.seal();
      return response;
    }
  };
}

/**
 * What a handler answers, or what answers a visitor in its place: 401 where it needs a user and
 * there is none.
 */
async function answerOf<Answer>(
  handle: () => Answer | Promise<Answer>,
): Promise<Answer | Response> {
  try {
    return await handle();
  } catch (error) {
    const { status } = error instanceof HarpiaError ? error : {};
    if (status === undefined || status >= 500) throw error;
    return new Response("Unauthorized", { status, headers: { "content-type": "text/plain" } });
  }
}
