// Each adapter on its real framework over a real listener, held to adapterConformance. On Bun and Deno as well, where test:runtimes runs
// this file: fetch handlers are served by the runtime itself there.
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";
import fastify from "fastify";
import { fastifySession } from "../../src/adapters/fastify.ts";
import { adapterConformance } from "../../src/testing.ts";
import { FETCH_APPS, harpiaApp, NODE_APPS } from "../support/adapter-apps.ts";
import { listen, serveFetch } from "../support/listen.ts";

const runner = { describe, it, before, after };

for (const [name, make] of Object.entries(NODE_APPS)) adapterConformance(runner, { name, start: (session, handle) => listen(createServer(make(session, handle))) });

for (const [name, make] of Object.entries(FETCH_APPS)) adapterConformance(runner, { name, start: (session, handle) => serveFetch(make(session, handle)) });

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
