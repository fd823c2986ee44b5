// Real servers of the frameworks that reading and writing must fit, each with the same four routes.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import express from "express";
import express4 from "express4";
import fastify from "fastify";
import { Hono } from "hono";
import { setCookie as setHonoCookie } from "hono/cookie";
import Koa from "koa";
import Koa2 from "koa2";
import { serve as serveFetch } from "srvx/node";
import type { RequestLike, ResponseLike } from "../../src/session.ts";
import { until } from "./waits.ts";

/**
 * What the routes do, in any framework. Each gets what a handler of that framework would pass on.
 */
export interface Routes {
  /** Between two cookies of the application, `theme` and `lang`. */
  login(req: RequestLike, res: ResponseLike): Promise<void>;
  profile(req: RequestLike): Promise<unknown>;
  logout(req: RequestLike, res: ResponseLike): Promise<void>;
  /** After the body was sent, where a framework can do such a thing. */
  late(req: RequestLike, res: ResponseLike): Promise<void>;
}

export interface Running {
  url: string;
  close(): Promise<unknown>;
}

export interface Framework {
  name: string;
  canBeLate: boolean;
  serve(routes: Routes): Promise<Running>;
}

async function listen(server: Server): Promise<Running> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A TCP server's address is an AddressInfo.
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<unknown> =>
    new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
  return { url: `http://127.0.0.1:${port}`, close };
}

async function handleWithNode(
  routes: Routes,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  if (req.url === "/login") {
    res.setHeader("Set-Cookie", "theme=dark");
    await routes.login(req, res);
    res.appendHeader("Set-Cookie", "lang=en; Path=/");
  }
  if (req.url === "/logout") await routes.logout(req, res);
  const body = req.url === "/profile" ? await routes.profile(req) : { done: true };
  res.end(JSON.stringify(body ?? null));
  if (req.url === "/late") await routes.late(req, res);
}

// The two versions of Express have types of their own, and so do Koa's; what the routes use of them
// is the same.
function serveExpress(create: () => ReturnType<typeof express>): Framework["serve"] {
  return (routes) => {
    const app = create();
    // Express 4 does not wait for promises.
    const route = (
      path: string,
      answer: (req: express.Request, res: express.Response) => Promise<unknown>,
    ): void => {
      app.get(path, (req, res, next) => void answer(req, res).then(undefined, next));
    };
    route("/login", async (req, res) => {
      res.cookie("theme", "dark", { path: "" });
      await routes.login(req, res);
      res.cookie("lang", "en");
      res.json({ done: true });
    });
    route("/profile", async (req, res) => res.json((await routes.profile(req)) ?? null));
    route("/logout", async (req, res) => {
      await routes.logout(req, res);
      res.json({ done: true });
    });
    route("/late", (req, res) => {
      res.json({ done: true });
      return routes.late(req, res);
    });
    return listen(createServer((req, res) => void app(req, res)));
  };
}

type KoaForm = (ctx: Koa.Context) => { req: RequestLike; res: ResponseLike };

function serveKoa(create: () => Koa, form: KoaForm): Framework["serve"] {
  return (routes) => {
    const app = create();
    app.use(async (ctx) => {
      const { req, res } = form(ctx);
      ctx.body = { done: true };
      if (ctx.path === "/login") {
        ctx.append("Set-Cookie", "theme=dark");
        await routes.login(req, res);
        ctx.append("Set-Cookie", "lang=en; Path=/");
      }
      if (ctx.path === "/logout") await routes.logout(req, res);
      if (ctx.path === "/profile") ctx.body = JSON.stringify((await routes.profile(req)) ?? null);
      if (ctx.path === "/late") {
        ctx.respond = false;
        ctx.res.end("{}");
        await routes.late(req, res);
      }
    });
    const answer = app.callback();
    return listen(createServer((req, res) => void answer(req, res)));
  };
}

function serveHono(form: "context" | "raw"): Framework["serve"] {
  return async (routes) => {
    const app = new Hono();
    app.use(async (c, next) => {
      await next();
      // The response is made by now: a middleware on the way out.
      if (c.req.path === "/logout") await routes.logout(c, form === "context" ? c : c.res);
    });
    app.get("/login", async (c) => {
      c.header("Set-Cookie", "theme=dark", { append: true });
      if (form === "context") await routes.login(c, c);
      else await routes.login(c.req.raw, c.res);
      setHonoCookie(c, "lang", "en");
      return c.json({ done: true });
    });
    app.get("/profile", async (c) =>
      c.json((await routes.profile(form === "context" ? c : c.req.raw)) ?? null),
    );
    app.get("/logout", (c) => c.json({ done: true }));
    const server = serveFetch({
      port: 0,
      hostname: "127.0.0.1",
      silent: true,
      gracefulShutdown: false,
      fetch: app.fetch,
    });
    await server.ready();
    return { url: (server.url as string).replace(/\/$/, ""), close: () => server.close(true) };
  };
}

function serveFastify(form: "wrapped" | "raw"): Framework["serve"] {
  return async (routes) => {
    const app = fastify({ forceCloseConnections: true });
    app.get("/login", async (request, reply) => {
      reply.header("Set-Cookie", "theme=dark");
      await routes.login(form === "raw" ? request.raw : request, reply);
      reply.header("Set-Cookie", "lang=en; Path=/");
      return { done: true };
    });
    app.get(
      "/profile",
      async (request): Promise<unknown> => (await routes.profile(request)) ?? "null",
    );
    app.get("/logout", async (request, reply) => {
      await routes.logout(request, reply);
      return { done: true };
    });
    app.get("/late", async (request, reply) => {
      if (form === "raw") {
        reply.hijack();
        reply.raw.end("{}");
        return routes.late(request, reply);
      }
      // A body that is still being sent: its headers are gone.
      const body = new PassThrough();
      body.write("{");
      void reply.send(body);
      await until("the headers to be sent", () => reply.raw.headersSent);
      await routes.late(request, reply);
      body.end("}");
      return reply;
    });
    return { url: await app.listen({ port: 0, host: "127.0.0.1" }), close: () => app.close() };
  };
}

// The reason for the casts: one app type stands for both versions, and the routes use what they
// share.
const newExpress4 = express4 as unknown as typeof express;
const newKoa2 = (): Koa => new Koa2() as unknown as Koa;

/** Every framework, and every form in which it hands out a request and a response. */
export const FRAMEWORKS: Framework[] = [
  {
    name: "node:http",
    canBeLate: true,
    serve: (routes) => listen(createServer((req, res) => void handleWithNode(routes, req, res))),
  },
  { name: "Express 4", canBeLate: true, serve: serveExpress(newExpress4) },
  { name: "Express 5", canBeLate: true, serve: serveExpress(express) },
  { name: "Fastify 5", canBeLate: true, serve: serveFastify("wrapped") },
  { name: "Fastify 5, request.raw", canBeLate: true, serve: serveFastify("raw") },
  { name: "Koa 2", canBeLate: true, serve: serveKoa(newKoa2, (ctx) => ({ req: ctx, res: ctx })) },
  {
    name: "Koa 3",
    canBeLate: true,
    serve: serveKoa(
      () => new Koa(),
      (ctx) => ({ req: ctx, res: ctx }),
    ),
  },
  {
    name: "Koa 3, ctx.request and ctx.response",
    canBeLate: true,
    serve: serveKoa(
      () => new Koa(),
      ({ request, response }) => ({ req: request, res: response }),
    ),
  },
  {
    name: "Koa 3, ctx.req and ctx.res",
    canBeLate: true,
    serve: serveKoa(
      () => new Koa(),
      ({ req, res }) => ({ req, res }),
    ),
  },
  { name: "Hono 4", canBeLate: false, serve: serveHono("context") },
  { name: "Hono 4, c.req.raw and c.res", canBeLate: false, serve: serveHono("raw") },
];
