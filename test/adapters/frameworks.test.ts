// Each adapter on its real framework over a real listener, held to adapterConformance. On Bun and
// Deno as well, where test:runtimes runs this file: fetch handlers are served by the runtime itself
// there.
import { createServer } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { serve } from "@hono/node-server";
import compression from "compression";
import connect from "connect";
import express from "express";
import fastify from "fastify";
import { expressSession } from "../../src/adapters/express.ts";
import { fastifySession } from "../../src/adapters/fastify.ts";
import { connectSession, withSession } from "../../src/adapters/node.ts";
import { StoreError } from "../../src/session.ts";
import { adapterConformance } from "../../src/testing.ts";
import { FETCH_APPS, harpiaApp, NODE_APPS } from "../support/adapter-apps.ts";
import { listenHttp2 } from "../support/http2-server.ts";
import { listen, serveFetch } from "../support/listen.ts";
import { listening } from "../support/waits.ts";

const runner = { describe, it, before, after };

for (const [name, make] of Object.entries(NODE_APPS))
  adapterConformance(runner, {
    name,
    start: (session, handle) => listen(createServer(make(session, handle))),
  });

for (const [name, make] of Object.entries(FETCH_APPS))
  adapterConformance(runner, {
    name,
    start: (session, handle) => serveFetch(make(session, handle)),
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

adapterConformance(runner, {
  name: "harpia()",
  async start(session, handle) {
    const server = harpiaApp(session, handle).listen({ port: 0, hostname: "127.0.0.1" });
    await server.ready;
    return { url: `http://127.0.0.1:${server.port}`, close: () => server.close() };
  },
});

adapterConformance(runner, {
  name: "node http2",
  start(session, handle) {
    const answer = async (
      req: Http2ServerRequest,
      res: Http2ServerResponse,
      own: Parameters<typeof handle>[0],
    ): Promise<void> => {
      const { status, headers, body } = await handle(own, req.url);
      res.writeHead(status, headers);
      res.end(body);
    };
    return listenHttp2(withSession(session, answer, { onFailure: () => {} }));
  },
});

adapterConformance(runner, {
  name: "Connect",
  start(session, handle) {
    const sessions = connectSession(session);
    const app = connect();
    app.use(sessions);
    app.use((req, res, next) => {
      handle(sessions.of(req), req.url ?? "/").then(
        ({ status, headers, body }) => res.writeHead(status, headers).end(body),
        next,
      );
    });
    // Without one Connect prints errors, which are expected.
    app.use(((error: Error, _req, res, _next) => {
      res.statusCode = error instanceof StoreError ? error.statusCode : 500;
      res.end("error");
    }) satisfies connect.ErrorHandleFunction);
    return listen(createServer(app));
  },
});

for (const place of ["before", "after"]) {
  adapterConformance(runner, {
    name: `Express 5 with compression ${place} the session`,
    start(session, handle) {
      const app = express().set("env", "test");
      const sessions = expressSession(session);
      // All bodies of the suite are short.
      const compress = compression({ threshold: 0 });
      app.use(...(place === "before" ? [compress, sessions] : [sessions, compress]));
      app.use(async (req, res) => {
        const { status, headers, body } = await handle(sessions.of(req), req.path);
        res.status(status).set(headers).send(body);
      });
      return listen(createServer(app));
    },
  });
}

// Bun and Deno serve Hono themselves: above.
if (!("Bun" in globalThis) && !("Deno" in globalThis)) {
  // It is there: above.
  const honoApp = FETCH_APPS["Hono 4"] as (typeof FETCH_APPS)[string];
  adapterConformance(runner, {
    name: "Hono 4 on @hono/node-server",
    async start(session, handle) {
      const server = serve({ fetch: honoApp(session, handle), port: 0, hostname: "127.0.0.1" });
      await listening(server);
      // A server that listens on a port has an address with one.
      return {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        close: () => new Promise((resolve) => server.close(resolve)),
      };
    },
  });
}
