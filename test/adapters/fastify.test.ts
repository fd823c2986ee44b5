// What is peculiar to Fastify: a handler may answer with a Response, which Fastify takes apart after its last hook.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fastify from "fastify";
import { fastifySession } from "../../src/adapters/fastify.ts";
import { Session } from "../../src/session.ts";

describe("fastifySession", () => {
  it("heeds the status of a Response, and keeps its cookie out of the caches that the Response allows", async () => {
    const session = new Session<Record<string, unknown>>({ cookie: { secure: false } });
    const sessions = fastifySession(session);
    const app = fastify();
    await app.register(sessions);
    app.get<{ Params: { status: number } }>("/:status", async (request) => {
      sessions.of(request).set("n", 1);
      return new Response("body", { status: Number(request.params.status), headers: { vary: "Accept", "cache-control": "public", "set-cookie": "theme=dark" } });
    });
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    try {
      const page = await fetch(`${url}/201`);
      assert.deepEqual([page.status, await page.text(), page.headers.get("cache-control"), page.headers.get("vary")], [201, "body", "no-store", "Accept, Cookie"]);
      assert.deepEqual(page.headers.getSetCookie().map((line) => line.split("=")[0]), ["theme", "session_id"]);
      const failed = await fetch(`${url}/500`);
      assert.deepEqual([failed.status, failed.headers.getSetCookie()], [500, ["theme=dark"]]);
    } finally {
      await app.close();
    }
  });
});
