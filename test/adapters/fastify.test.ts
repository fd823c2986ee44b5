// What is peculiar to Fastify: a handler may answer with a Response, which Fastify takes apart
// after its last hook; and hooks before the plugin's may answer, after which its last hook runs all
// the same.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fastify from "fastify";
import { fastifySession } from "../../src/adapters/fastify.ts";
import { fastifyCsrf } from "../../src/csrf.ts";
import { Session } from "../../src/session.ts";

describe("fastifySession", () => {
  it("heeds the status of a Response, and keeps its cookie out of the caches that the Response allows", async () => {
    const session = new Session<Record<string, unknown>>({ cookie: { secure: false } });
    const sessions = fastifySession(session);
    const app = fastify();
    await app.register(sessions);
    app.get<{ Params: { status: number } }>("/:status", async (request) => {
      sessions.of(request).set("n", 1);
      return new Response("body", {
        status: Number(request.params.status),
        headers: { vary: "Accept", "cache-control": "public", "set-cookie": "theme=dark" },
      });
    });
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    try {
      const page = await fetch(`${url}/201`);
      assert.deepEqual(
        [
          page.status,
          await page.text(),
          page.headers.get("cache-control"),
          page.headers.get("vary"),
        ],
        [201, "body", "no-store", "Accept, Cookie"],
      );
      assert.deepEqual(
        page.headers.getSetCookie().map((line) => line.split("=")[0]),
        ["theme", "session_id"],
      );
      const failed = await fetch(`${url}/500`);
      assert.deepEqual([failed.status, failed.headers.getSetCookie()], [500, ["theme=dark"]]);
    } finally {
      await app.close();
    }
  });

  it("leaves what a hook before it answers as it is", async () => {
    const app = fastify();
    app.addHook("onRequest", fastifyCsrf());
    app.addHook("onRequest", async (request, reply) =>
      request.url === "/early" ? reply.code(401).send("early") : undefined,
    );
    await app.register(fastifySession(new Session()));
    app.post("/", async () => "done");
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    try {
      const refused = await fetch(url, {
        method: "POST",
        headers: { origin: "https://evil.example" },
      });
      assert.deepEqual(
        [refused.status, ((await refused.json()) as { message: string }).message],
        [403, "Forbidden: this request came from another site"],
      );
      const early = await fetch(`${url}/early`);
      assert.deepEqual(
        [early.status, await early.text(), early.headers.get("vary")],
        [401, "early", null],
      );
    } finally {
      await app.close();
    }
  });

  it("rejects register() where the request has something under its name already", async () => {
    const app = fastify();
    app.decorateRequest("session", null);
    const registered = app.register(fastifySession(new Session()));
    await assert.rejects(async () => registered, { code: "FST_ERR_DEC_ALREADY_PRESENT" });
    await app.close();
  });

  it("gives a handler that hijacks its reply what it has to do itself", async () => {
    const session = new Session<Record<string, unknown>>({ cookie: { secure: false } });
    const sessions = fastifySession(session);
    const app = fastify();
    await app.register(sessions);
    app.get("/", async (request, reply) => {
      const own = sessions.of(request);
      own.set("n", 1);
      await own.commit();
      own.writeTo(reply.raw);
      reply.hijack().raw.end("done");
    });
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    const page = await fetch(url);
    await app.close();
    assert.deepEqual(
      [page.headers.get("cache-control"), page.headers.get("vary")],
      ["no-store", "Cookie"],
    );
    assert.deepEqual(await session.get(page.headers.getSetCookie()[0]?.split(/[=;]/)[1]), { n: 1 });
  });
});
