// The cross-site check as each framework's middleware, over real HTTP: every row of the table on
// every one of them.
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { describe, it } from "node:test";
import connect from "connect";
import { Elysia } from "elysia";
import express from "express";
import express4 from "express4";
import fastify from "fastify";
import { H3 } from "h3";
import { Hono } from "hono";
import Koa from "koa";
import Koa2 from "koa2";
import {
  crossSiteCheck,
  CrossSiteError,
  type CrossSiteOptions,
  elysiaCsrf,
  expressCsrf,
  fastifyCsrf,
  h3Csrf,
  harpiaCsrf,
  honoCsrf,
  koaCsrf,
  withCsrf,
} from "../../src/csrf.ts";
import { withSession } from "../../src/adapters/fetch.ts";
import { withSession as withNodeSession } from "../../src/adapters/node.ts";
import harpia from "../../src/index.ts";
import { HarpiaError, Session } from "../../src/session.ts";
import { type Listening, listen, serveFetch } from "../support/listen.ts";

const OPTIONS: CrossSiteOptions = {
  trustedOrigins: ["https://accounts.example.com"],
  bypassPaths: ["/webhook"],
};

const FRAMEWORKS: Record<string, () => Promise<Listening>> = {
  "node http"() {
    const check = crossSiteCheck(OPTIONS);
    return listen(
      createServer((req, res) => void (check(req) ? res.writeHead(403).end() : res.end("done"))),
    );
  },
  Connect() {
    const app = connect()
      .use(expressCsrf(OPTIONS))
      .use((_, res) => void res.end("done"));
    // Without one Connect prints errors, which are expected.
    app.use(
      ((error: CrossSiteError, _req, res, _next) =>
        void res.writeHead(error.status).end()) satisfies connect.ErrorHandleFunction,
    );
    return listen(createServer(app));
  },
  "Express 5": () =>
    listen(
      createServer(
        express()
          .set("env", "test")
          .use(expressCsrf(OPTIONS))
          .use((_, res) => void res.send("done")),
      ),
    ),
  "Express 5, mounted"() {
    const within = express
      .Router()
      .use(expressCsrf(OPTIONS))
      .use((_, res) => void res.send("done"));
    return listen(
      createServer(express().set("env", "test").use("/mounted", within).use("/", within)),
    );
  },
  "Express 4": () =>
    listen(
      createServer(
        express4()
          .set("env", "test")
          .use(expressCsrf(OPTIONS))
          .use((_, res) => void res.send("done")),
      ),
    ),
  async "Fastify 5"() {
    const app = fastify();
    app.addHook("onRequest", fastifyCsrf(OPTIONS));
    app.all("/*", async () => "done");
    return { url: await app.listen({ port: 0, host: "127.0.0.1" }), close: () => app.close() };
  },
  ...Object.fromEntries(
    // Both have the same interface as far as it is used.
    (
      [
        ["Koa 3", Koa],
        ["Koa 2", Koa2 as unknown as typeof Koa],
      ] as const
    ).map(([name, Class]) => [
      name,
      () => {
        const listener = new Class()
          .use(koaCsrf(OPTIONS))
          .use((ctx) => void (ctx.body = "done"))
          .callback();
        return listen(createServer((req, res) => void listener(req, res)));
      },
    ]),
  ),
  "Koa 3, mounted"() {
    const app = new Koa();
    // As koa-mount does it: what is mounted sees the rest of the path.
    app.use(async (ctx, next) => {
      if (ctx.path.startsWith("/mounted")) ctx.path = ctx.path.slice("/mounted".length);
      await next();
    });
    const listener = app
      .use(koaCsrf(OPTIONS))
      .use((ctx) => void (ctx.body = "done"))
      .callback();
    return listen(createServer((req, res) => void listener(req, res)));
  },
  "Hono 4": () =>
    serveFetch(new Hono().use(honoCsrf(OPTIONS)).all("*", (c) => c.text("done")).fetch),
  "h3 2": () => {
    const app = new H3();
    app.use(h3Csrf(OPTIONS));
    app.all("/**", () => "done");
    return serveFetch((request) => app.fetch(request));
  },
  Elysia: () =>
    serveFetch(new Elysia().onRequest(elysiaCsrf(OPTIONS)).all("/*", () => "done").fetch),
  "a fetch handler": () => serveFetch(withCsrf(() => new Response("done"), OPTIONS)),
  async "harpia()"() {
    const app = harpia();
    app.use(harpiaCsrf(OPTIONS));
    app.all("*", (_, res) => res.send("done"));
    const server = app.listen({ port: 0, hostname: "127.0.0.1" });
    await server.ready;
    return { url: `http://127.0.0.1:${server.port}`, close: () => server.close() };
  },
};

const FOREIGN = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };
type Row = [
  what: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  status: number,
];
const ROWS: Row[] = [
  ["a safe method from anywhere", "GET", "/", FOREIGN, 200],
  ["same-origin", "POST", "/", { "sec-fetch-site": "same-origin" }, 200],
  ["none", "POST", "/", { "sec-fetch-site": "none" }, 200],
  ["same-site", "POST", "/", { "sec-fetch-site": "same-site" }, 403],
  ["cross-site", "POST", "/", FOREIGN, 403],
  ["no browser", "POST", "/", {}, 200],
  ["an old browser, the same host", "POST", "/", { origin: "SELF" }, 200],
  ["an old browser, another host", "POST", "/", { origin: "https://evil.example" }, 403],
  ["an opaque origin", "POST", "/", { origin: "null" }, 403],
  ["a trusted origin", "POST", "/", { ...FOREIGN, origin: "https://accounts.example.com" }, 200],
  [
    "what looks like a trusted origin",
    "POST",
    "/",
    { ...FOREIGN, origin: "https://accounts.example.com.evil.example" },
    403,
  ],
  ["a bypassed path", "POST", "/webhook?a=1", FOREIGN, 200],
  ["beside a bypassed path", "POST", "/webhook/x", FOREIGN, 403],
  ["beside a bypassed path, mounted", "POST", "/mounted/webhook", FOREIGN, 403],
  ["another content type", "POST", "/", { ...FOREIGN, "content-type": "application/json" }, 403],
  ["a method override", "POST", "/", { ...FOREIGN, "x-http-method-override": "GET" }, 403],
  ["DELETE", "DELETE", "/", FOREIGN, 403],
];

// Not fetch, which has its own idea of Sec-Fetch-Site and Origin.
function statusOf(
  url: string,
  method: string,
  headers: Record<string, string>,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers }, (res) => {
      res.resume();
      res.on("end", () => resolve(res.statusCode));
    });
    asked.on("error", reject);
    asked.end();
  });
}

for (const [name, start] of Object.entries(FRAMEWORKS)) {
  describe(`the cross-site check on ${name}`, () => {
    it("answers every row of the table", async () => {
      const { url, close } = await start();
      try {
        for (const [what, method, path, headers, status] of ROWS) {
          const sent = headers["origin"] === "SELF" ? { ...headers, origin: url } : headers;
          assert.equal(await statusOf(url + path, method, sent), status, what);
        }
      } finally {
        await close();
      }
    });
  });
}

/** Apps whose handler looks by itself, and throws. */
const THROWING: Record<string, () => Promise<Listening>> = {
  "Express 5": () => listen(createServer(express().set("env", "test").use(refuse))),
  "Express 4": () => listen(createServer(express4().set("env", "test").use(refuse))),
  async "Fastify 5"() {
    const app = fastify();
    app.all("/*", async () => refuse());
    return { url: await app.listen({ port: 0, host: "127.0.0.1" }), close: () => app.close() };
  },
  "Koa 3"() {
    const listener = new Koa().use(refuse).callback();
    return listen(createServer((req, res) => void listener(req, res)));
  },
  "Hono 4": () => serveFetch(new Hono().all("*", refuse).fetch),
  "h3 2"() {
    const app = new H3().all("/**", refuse);
    return serveFetch((request) => app.fetch(request));
  },
  Elysia: () => serveFetch(new Elysia().all("/*", () => refuse()).fetch),
  "withSession of fetch": () => serveFetch(withSession(new Session(), refuse)),
  "withSession of node": () => listen(createServer(withNodeSession(new Session(), refuse))),
  async "harpia()"() {
    const app = harpia();
    app.all("*", refuse);
    const server = app.listen({ port: 0, hostname: "127.0.0.1" });
    await server.ready;
    return { url: `http://127.0.0.1:${server.port}`, close: () => server.close() };
  },
};

function refuse(): never {
  throw new CrossSiteError("origin");
}

describe("A CrossSiteError", () => {
  it("is a HarpiaError with a code, and says by which header", () => {
    const error = new CrossSiteError("sec-fetch-site");
    assert.ok(error instanceof HarpiaError);
    assert.equal(error.code, "ERR_CROSS_SITE");
    assert.equal(error.reason, "sec-fetch-site");
    assert.equal(error.name, "CrossSiteError");
    assert.equal(error.statusCode, 403);
    assert.equal(error.expose, true);
  });

  for (const [name, start] of Object.entries(THROWING)) {
    it(`that a handler throws is a 403 in ${name}`, async () => {
      const { url, close } = await start();
      try {
        assert.equal(await statusOf(url, "POST", FOREIGN), 403);
      } finally {
        await close();
      }
    });
  }
});
