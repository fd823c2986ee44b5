// What frameworks hand out fits what Session takes, by type. Compiled and never run:
// `npm run check:types` is the test.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Request as Express5Request, Response as Express5Response } from "express";
import type { Request as Express4Request, Response as Express4Response } from "express4";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Context as HonoContext } from "hono";
import type { Context as Koa3Context, Request as Koa3Request, Response as Koa3Response } from "koa";
import type {
  Context as Koa2Context,
  Request as Koa2Request,
  Response as Koa2Response,
} from "koa2";
import type { Request as AppRequest, Response as AppResponse } from "../../src/index.ts";
import { Cookies, Session } from "../../src/session.ts";

interface Exchanges {
  node: [IncomingMessage, ServerResponse];
  http2: [Http2ServerRequest, Http2ServerResponse];
  express4: [Express4Request, Express4Response];
  express5: [Express5Request, Express5Response];
  fastify: [FastifyRequest, FastifyReply];
  fastifyRaw: [FastifyRequest["raw"], FastifyReply["raw"]];
  koa2: [Koa2Context, Koa2Context];
  koa2Parts: [Koa2Request, Koa2Response];
  koa3: [Koa3Context, Koa3Context];
  koa3Parts: [Koa3Request, Koa3Response];
  hono: [HonoContext, HonoContext];
  honoRaw: [HonoContext["req"]["raw"], HonoContext["res"]];
  fetch: [Request, Response];
  headers: [Headers, Headers];
  app: [AppRequest, AppResponse];
  plain: [{ headers: { cookie?: string } }, Headers];
  lambda: [{ headers: Record<string, string | undefined> }, Headers];
}

/** Every method that takes a request or a response takes those of every framework. */
export async function takesAll<Name extends keyof Exchanges>(
  _name: Name,
  ...given: Exchanges[Name]
): Promise<void> {
  const [req, res] = given;
  const session = new Session();
  await session.fromRequest(req);
  session.setCookie(res, "id");
  await session.delete(undefined, res);
  await session.rotate(undefined, res);
  new Cookies(req, res).set("a", "1");
}

export async function refuses(session: Session): Promise<void> {
  // @ts-expect-error a text is no request
  await session.fromRequest("session_id=1");
  // @ts-expect-error nothing is no request
  await session.fromRequest(undefined);
  // @ts-expect-error cookies that were parsed already are no request
  await session.fromRequest({ cookies: { session_id: "1" } });
  // @ts-expect-error nothing can be set on plain headers
  session.setCookie({ headers: {} }, "id");
  // @ts-expect-error a request takes no cookie
  session.setCookie({} as IncomingMessage, "id");
  // @ts-expect-error an id is wanted
  session.setCookie(new Headers(), undefined);
  // @ts-expect-error there is no such SameSite
  session.setCookie(new Headers(), "id", { sameSite: "None" });
  // @ts-expect-error it is httpOnly
  session.setCookie(new Headers(), "id", { httponly: true });
}
