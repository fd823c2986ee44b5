// What is said to caches after the session's cookie was set: none of it leaves beside the cookie.
import assert from "node:assert/strict";
import { createServer, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import { describe, it } from "node:test";
import express from "express";
import fastify from "fastify";
import harpia from "../../../src/index.ts";
import { Session } from "../../../src/session.ts";
import { listen } from "../../support/listen.ts";

const CACHING = [
  "Cache-Control",
  "CDN-Cache-Control",
  "Cloudflare-CDN-Cache-Control",
  "Surrogate-Control",
  "Vercel-CDN-Cache-Control",
  "Netlify-CDN-Cache-Control",
];
const KEPT = "public, max-age=60";

async function assertKeptByNone(response: Response, how: string): Promise<void> {
  await response.text();
  assert.equal(response.headers.getSetCookie().length, 1, how);
  for (const name of CACHING)
    assert.match(response.headers.get(name) ?? "no-store", /^no-store$/, `${name}, ${how}`);
  assert.equal(response.headers.get("cache-control"), "no-store", how);
}

const ENDINGS: Record<string, (res: ServerResponse) => void> = {
  "set before the end": (res) => {
    for (const name of CACHING) res.setHeader(name, KEPT);
    res.end("x");
  },
  "set before a write": (res) => {
    for (const name of CACHING) res.setHeader(name.toLowerCase(), KEPT);
    res.write("x");
    res.end();
  },
  "given to writeHead": (res) =>
    res.writeHead(200, Object.fromEntries(CACHING.map((name) => [name, KEPT]))).end("x"),
  "given to writeHead with a reason": (res) =>
    res.writeHead(200, "fine", Object.fromEntries(CACHING.map((name) => [name, KEPT]))).end("x"),
  "given to writeHead as a list": (res) =>
    res
      .writeHead(200, CACHING.flatMap((name) => [name, KEPT]) as unknown as OutgoingHttpHeaders)
      .end("x"),
};

describe("a response with the session's cookie, and what is said to caches later", () => {
  const session = new Session({ cookie: { secure: false } });

  for (const [how, finish] of Object.entries(ENDINGS)) {
    it(`is kept by no cache: ${how}, on node and Express`, async () => {
      const handle = async (_req: unknown, res: ServerResponse): Promise<void> => {
        session.setCookie(res, await session.create({ userId: "1" }));
        finish(res);
      };
      for (const server of [
        createServer((req, res) => void handle(req, res)),
        createServer(express().get("/", handle)),
      ]) {
        const { url, close } = await listen(server);
        await assertKeptByNone(await fetch(url), how);
        await close();
      }
    });
  }

  it("is kept by no cache on Fastify and harpia()", async (t) => {
    const app = fastify().get("/", async (_req, reply) => {
      session.setCookie(reply, await session.create({ userId: "1" }));
      for (const name of CACHING) reply.header(name, KEPT);
      return "x";
    });
    await assertKeptByNone(
      await fetch(await app.listen({ port: 0, host: "127.0.0.1" })),
      "Fastify",
    );
    t.after(() => app.close());
    const own = harpia().get("/", async (_req, res) => {
      session.setCookie(res, await session.create({ userId: "1" }));
      for (const name of CACHING) res.headers.set(name, KEPT);
      res.send("x");
    });
    await assertKeptByNone(await own.fetch(new Request("http://app.test/")), "harpia()");
  });

  it("says what the application says where the cookie was taken away again, or there is none", async () => {
    const { url, close } = await listen(
      createServer((req, res) => {
        if (req.url === "/taken") {
          session.setCookie(res, "x".repeat(32));
          res.removeHeader("set-cookie");
        }
        res.setHeader("Cache-Control", KEPT);
        res.end("x");
      }),
    );
    for (const path of ["/", "/taken"])
      assert.equal((await fetch(url + path)).headers.get("cache-control"), KEPT);
    await close();
  });
});
