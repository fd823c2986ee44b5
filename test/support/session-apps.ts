// Every adapter on its real framework, over a real listener, with one handler behind it: for tests
// that ask the same of all of them. With an explainer the framework's explaining middleware stands
// before the session's.
import { createServer } from "node:http";
import { Elysia } from "elysia";
import express from "express";
import express4 from "express4";
import fastify from "fastify";
import { H3 } from "h3";
import { Hono } from "hono";
import Koa from "koa";
import Koa2 from "koa2";
import { elysiaSession } from "../../src/adapters/elysia.ts";
import { type AdapterOptions, expressSession } from "../../src/adapters/express.ts";
import { fastifySession } from "../../src/adapters/fastify.ts";
import { withSession as withFetchSession } from "../../src/adapters/fetch.ts";
import { h3Session } from "../../src/adapters/h3.ts";
import { harpiaSession } from "../../src/adapters/harpia.ts";
import { honoSession } from "../../src/adapters/hono.ts";
import { koaSession } from "../../src/adapters/koa.ts";
import { withSession as withNodeSession } from "../../src/adapters/node.ts";
import {
  type Explainer,
  type ExplainOptions,
  expressExplain,
  fastifyExplain,
  harpiaExplain,
  honoExplain,
  koaExplain,
  nodeExplain,
  withExplain,
} from "../../src/explain.ts";
import harpia from "../../src/index.ts";
import type { RequestLike, RequestSession, ResponseLike, Session } from "../../src/session.ts";
import { type Listening, listen, serveFetch } from "./listen.ts";

export type Fields = Record<string, unknown>;

/** What the framework hands over for one request. */
export interface Exchange {
  readonly own: RequestSession<Fields>;
  readonly req: RequestLike;
  /**
   * A fetch handler makes its response at the end: there these are the headers that it will get.
   */
  readonly res: ResponseLike;
  readonly path: string;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body: string;
}

export interface AppOptions {
  readonly session: Session<Fields>;
  handle(exchange: Exchange): Promise<Answer>;
  /** What the adapter is told. */
  readonly adapter?: Pick<AdapterOptions, "onError"> | undefined;
  readonly explain?:
    | { readonly explainer: Explainer; readonly options: ExplainOptions }
    | undefined;
}

type Start = (options: AppOptions) => Promise<Listening>;

function startExpress(create: () => ReturnType<typeof express>): Start {
  return ({ session, handle, explain, adapter }) => {
    const app = create();
    // Errors may be expected: Express would print them.
    app.set("env", "test");
    if (explain) app.use(expressExplain(explain.explainer, explain.options));
    const sessions = expressSession(session, adapter);
    app.use(sessions);
    app.use((req, res, next) => {
      handle({ own: sessions.of(req), req, res, path: req.path }).then(
        ({ status = 200, headers = {}, body }) => void res.status(status).set(headers).send(body),
        next,
      );
    });
    return listen(createServer((req, res) => void app(req, res)));
  };
}

function startKoa(create: () => Koa): Start {
  return ({ session, handle, explain, adapter }) => {
    const app = create();
    app.silent = true;
    if (explain) app.use(koaExplain(explain.explainer, explain.options));
    const sessions = koaSession(session, adapter);
    app.use(sessions);
    app.use(async (ctx) => {
      const {
        status = 200,
        headers = {},
        body,
      } = await handle({ own: sessions.of(ctx), req: ctx, res: ctx, path: ctx.path });
      ctx.status = status;
      ctx.set(headers);
      ctx.body = body;
    });
    const listener = app.callback();
    return listen(createServer((req, res) => void listener(req, res)));
  };
}

/** Every framework that a session can be put into here, by name. */
export const SESSION_APPS: Record<string, Start> = {
  "node:http"({ session, handle, explain, adapter }) {
    const listener = withNodeSession<Fields>(
      session,
      async (req, res, own) => {
        const {
          status = 200,
          headers = {},
          body,
        } = await handle({ own, req, res, path: req.url ?? "/" });
        res.writeHead(status, headers).end(body);
      },
      { ...adapter, onFailure: () => {} },
    );
    return listen(
      createServer(explain ? nodeExplain(explain.explainer, listener, explain.options) : listener),
    );
  },
  "Express 5": startExpress(express),
  // The two versions of Express and of Koa have types of their own; what is used of them is the
  // same.
  "Express 4": startExpress(express4 as unknown as typeof express),
  async "Fastify 5"({ session, handle, explain, adapter }) {
    const app = fastify({ forceCloseConnections: true });
    if (explain) await app.register(fastifyExplain(explain.explainer, explain.options));
    const sessions = fastifySession(session, adapter);
    await app.register(sessions);
    app.all("/*", async (request, reply) => {
      const {
        status = 200,
        headers = {},
        body,
      } = await handle({ own: sessions.of(request), req: request, res: reply, path: request.url });
      return reply.status(status).headers(headers).send(body);
    });
    return { url: await app.listen({ port: 0, host: "127.0.0.1" }), close: () => app.close() };
  },
  "Koa 3": startKoa(() => new Koa()),
  "Koa 2": startKoa(() => new Koa2() as unknown as Koa),
  "Hono 4"({ session, handle, explain, adapter }) {
    const app = new Hono();
    if (explain) app.use(honoExplain(explain.explainer, explain.options));
    const sessions = honoSession(session, adapter);
    app.use(sessions);
    app.all("*", async (c) => {
      const {
        status = 200,
        headers = {},
        body,
      } = await handle({ own: sessions.of(c), req: c, res: c, path: c.req.path });
      for (const [name, value] of Object.entries(headers)) c.header(name, value);
      return c.newResponse(body, { status: status as 200 });
    });
    return serveFetch(app.fetch);
  },
  "a fetch handler"({ session, handle, explain, adapter }) {
    const handler = withFetchSession(
      session,
      async (request: Request, own) => {
        const set = new Headers();
        const {
          status = 200,
          headers = {},
          body,
        } = await handle({ own, req: request, res: set, path: new URL(request.url).pathname });
        for (const [name, value] of Object.entries(headers)) set.set(name, value);
        return new Response(body, { status, headers: set });
      },
      adapter,
    );
    return serveFetch(explain ? withExplain(explain.explainer, handler, explain.options) : handler);
  },
  "h3 2"({ session, handle, explain, adapter }) {
    const app = new H3({ silent: true });
    const sessions = h3Session(session, adapter);
    app.use(sessions);
    app.all("/**", async (event) => {
      const {
        status = 200,
        headers = {},
        body,
      } = await handle({
        own: sessions.of(event),
        req: event.req,
        res: event.res.headers,
        path: event.url.pathname,
      });
      for (const [name, value] of Object.entries(headers)) event.res.headers.set(name, value);
      event.res.status = status;
      return body;
    });
    const handler = async (request: Request): Promise<Response> => app.fetch(request);
    return serveFetch(explain ? withExplain(explain.explainer, handler, explain.options) : handler);
  },
  Elysia({ session, handle, explain, adapter }) {
    const app = new Elysia()
      .use(elysiaSession(session, adapter))
      .all("/*", async ({ session: own, request }) => {
        const set = new Headers();
        const {
          status = 200,
          headers = {},
          body,
        } = await handle({ own, req: request, res: set, path: new URL(request.url).pathname });
        for (const [name, value] of Object.entries(headers)) set.set(name, value);
        return new Response(body, { status, headers: set });
      });
    const handler = async (request: Request): Promise<Response> => app.fetch(request);
    return serveFetch(explain ? withExplain(explain.explainer, handler, explain.options) : handler);
  },
  async "harpia()"({ session, handle, explain, adapter }) {
    const app = harpia();
    app.onError(() => {});
    if (explain) app.use(harpiaExplain(explain.explainer, explain.options));
    const sessions = harpiaSession(session, adapter);
    app.use(sessions);
    app.all("*", async (req, res) => {
      const {
        status = 200,
        headers = {},
        body,
      } = await handle({ own: sessions.of(req), req, res, path: new URL(req.url).pathname });
      for (const [name, value] of Object.entries(headers)) res.headers.set(name, value);
      res.status(status).send(body);
    });
    const server = app.listen({ port: 0, hostname: "127.0.0.1" });
    await server.ready;
    return { url: `http://127.0.0.1:${server.port}`, close: () => server.close({ grace: 0.1 }) };
  },
};
