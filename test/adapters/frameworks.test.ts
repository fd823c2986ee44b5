// Each adapter on its real framework over a real listener, held to adapterConformance.
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";
import express from "express";
import express4 from "express4";
import fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import Koa2 from "koa2";
import { expressSession } from "../../src/adapters/express.ts";
import { fastifySession } from "../../src/adapters/fastify.ts";
import { withSession } from "../../src/adapters/fetch.ts";
import { harpiaSession } from "../../src/adapters/harpia.ts";
import { honoSession } from "../../src/adapters/hono.ts";
import { koaSession } from "../../src/adapters/koa.ts";
import harpia from "../../src/index.ts";
import { adapterConformance, type Handle } from "../../src/testing.ts";
import { listen, serveFetch } from "../support/listen.ts";

const runner = { describe, it, before, after };

adapterConformance(runner, {
  name: "Express 5",
  start(session, handle) {
    const app = express();
    // Errors are expected: Express would print them.
    app.set("env", "test");
    const sessions = expressSession(session);
    app.use(sessions);
    app.use(async (req, res) => {
      const { status, headers, body } = await handle(sessions.of(req), req.path);
      res.status(status).set(headers).send(body);
    });
    return listen(createServer(app));
  },
});

adapterConformance(runner, {
  name: "Express 4",
  start(session, handle) {
    const app = express4();
    // Errors are expected: Express would print them.
    app.set("env", "test");
    const sessions = expressSession(session);
    app.use(sessions);
    app.use(async (req, res, next) => {
      try {
        const { status, headers, body } = await handle(sessions.of(req), req.path);
        res.status(status).set(headers).send(body);
      } catch (error) {
        next(error);
      }
    });
    return listen(createServer(app));
  },
});

adapterConformance(runner, {
  name: "Fastify 5",
  async start(session, handle) {
    const app = fastify();
    const sessions = fastifySession(session);
    await app.register(sessions);
    app.all("/*", async (request, reply) => {
      const { status, headers, body } = await handle(sessions.of(request), request.url);
      return reply.status(status).headers(headers).send(body);
    });
    return { url: await app.listen({ port: 0, host: "127.0.0.1" }), close: () => app.close() };
  },
});

for (const [name, Class] of [["Koa 3", Koa], ["Koa 2", Koa2 as unknown as typeof Koa]] as const) {
  adapterConformance(runner, {
    name,
    start(session, handle) {
      const app = new Class();
      const sessions = koaSession(session);
      // Errors are expected: Koa would print them.
      app.silent = true;
      app.use(sessions);
      app.use(async (ctx) => {
        const { status, headers, body } = await handle(sessions.of(ctx), ctx.path);
        ctx.status = status;
        ctx.set(headers);
        ctx.body = body;
      });
      const listener = app.callback();
      return listen(createServer((req, res) => void listener(req, res)));
    },
  });
}

const toResponse = async (answer: ReturnType<Handle>): Promise<Response> => {
  const { status, headers, body } = await answer;
  return new Response(body, { status, headers });
};

adapterConformance(runner, {
  name: "Hono 4",
  start(session, handle) {
    const app = new Hono();
    const sessions = honoSession(session);
    app.use(sessions);
    app.all("*", (c) => toResponse(handle(sessions.of(c), c.req.path)));
    return serveFetch(app.fetch);
  },
});

adapterConformance(runner, {
  name: "a fetch handler",
  start: (session, handle) => serveFetch(withSession(session, (request, own) => toResponse(handle(own, new URL(request.url).pathname)))),
});

adapterConformance(runner, {
  name: "harpia()",
  async start(session, handle) {
    const app = harpia();
    const sessions = harpiaSession(session);
    // Errors are expected: they would be printed.
    app.onError(() => {});
    app.use(sessions);
    app.all("*", async (req, res) => {
      const { status, headers, body } = await handle(sessions.of(req), new URL(req.url).pathname);
      for (const [name, value] of Object.entries(headers)) res.headers.append(name, value);
      res.status(status).send(body);
    });
    const server = app.listen({ port: 0, hostname: "127.0.0.1" });
    await server.ready;
    return { url: `http://127.0.0.1:${server.port}`, close: () => server.close() };
  },
});
