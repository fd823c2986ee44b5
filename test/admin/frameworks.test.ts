// The admin pages mounted on frameworks, each as its page in the documentation does it: shown, and
// one session ended by a form.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, it, type TestContext } from "node:test";
import express from "express";
import express4 from "express4";
import Fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import { expressSession } from "../../src/adapters/express.ts";
import { type Admin, createAdmin } from "../../src/admin.ts";
import harpia, {
  type Request as HarpiaRequest,
  type Response as HarpiaResponse,
} from "../../src/index.ts";
import { Session } from "../../src/session.ts";
import { Browser } from "../support/http.ts";
import { listen, type Listening, serveFetch } from "../support/listen.ts";

type Mount = (admin: Admin, session: Session) => Promise<Listening> | Listening;

/** Another page of the application, which the pages must leave alone. */
const OTHER = "the application";

// Both have what is used here, though their types differ.
function expressApp(express: typeof express4): Mount {
  return (admin, session) => {
    const app = express();
    app.use(express.urlencoded({ extended: false }), expressSession(session));
    app.use("/admin", admin.node);
    app.get("/", (_req, res) => void res.send(OTHER));
    return listen(createServer(app));
  };
}

const MOUNTS: Record<string, Mount> = {
  "Express 5, below its path and behind a body parser and a session": expressApp(
    express as unknown as typeof express4,
  ),
  "Express 4, the same": expressApp(express4),
  "Express 5, for the whole application": (admin) => {
    const app = express();
    app.use(admin.node);
    app.get("/", (_req, res) => void res.send(OTHER));
    return listen(createServer(app));
  },
  "Fastify 5": async (admin) => {
    const app = Fastify();
    app.addHook("onRequest", async (request, reply) => {
      if (!request.url.startsWith("/admin")) return;
      reply.hijack();
      admin.node(request.raw, reply.raw);
    });
    app.get("/", async () => OTHER);
    await app.ready();
    const listening = await app.listen({ port: 0, host: "127.0.0.1" });
    return { url: listening, close: () => app.close() };
  },
  "Koa 3": (admin) => {
    const app = new Koa();
    app.use(async (ctx, next) => {
      if (!ctx.path.startsWith("/admin")) return next();
      ctx.respond = false;
      admin.node(ctx.req, ctx.res);
    });
    app.use((ctx) => void (ctx.body = OTHER));
    return listen(createServer(app.callback()));
  },
  "Hono 4": (admin) => {
    const app = new Hono();
    app.all("/admin/*", (c) => admin(c.req.raw));
    app.get("/", (c) => c.text(OTHER));
    return serveFetch(app.fetch);
  },
  "harpia()": async (admin) => {
    const app = harpia();
    app.use(admin.harpia);
    app.get("/", (_req: HarpiaRequest, res: HarpiaResponse) => res.send(OTHER));
    const server = await app.listen({ port: 0, hostname: "127.0.0.1" }).ready;
    return { url: server.url, close: () => server.close({ grace: 0.1 }) };
  },
  "a fetch handler": (admin) =>
    serveFetch((request) =>
      new URL(request.url).pathname.startsWith("/admin") ? admin(request) : new Response(OTHER),
    ),
  "node:http": (admin) =>
    listen(
      createServer((req, res) =>
        req.url?.startsWith("/admin") ? admin.node(req, res) : void res.end(OTHER),
      ),
    ),
};

describe("createAdmin on frameworks", () => {
  for (const [name, mount] of Object.entries(MOUNTS)) {
    it(`is shown and ends sessions on ${name}`, async (t: TestContext) => {
      const session = new Session();
      const admin = createAdmin({
        session,
        authorize: async (request) => (await session.fromRequest(request))?.["role"] === "operator",
      });
      const { url, close } = await mount(admin, session);
      t.after(async () => void (await close()));
      const browser = new Browser(url);
      assert.equal((await browser.fetch("/admin/sessions")).status, 403);
      browser.cookies.set(
        "session_id",
        await session.create({ userId: "Operator", role: "operator" }),
      );
      const id = await session.create({ userId: "Ada" });
      const [{ handle } = assert.fail()] = await session.list("Ada");
      const page = await browser.fetch("/admin");
      assert.deepEqual(
        [page.status, page.headers.get("content-type")],
        [200, "text/html; charset=utf-8"],
      );
      assert.match(await page.text(), /<h1>Overview<\/h1>/);
      assert.match(await (await browser.fetch("/admin/user?id=Ada")).text(), /Unknown device/);
      const ended = await browser.post("/admin/end", { handle, back: "/user?id=Ada" });
      assert.deepEqual(
        [ended.status, ended.headers.get("location")],
        [303, "/admin/user?id=Ada&done=one"],
      );
      assert.equal(await session.get(id), undefined);
      assert.equal(await (await browser.fetch("/")).text(), OTHER);
      const head = await browser.fetch("/admin/sessions", { method: "HEAD" });
      assert.deepEqual([head.status, await head.text()], [200, ""]);
    });
  }

  it("answers what authorize throws with the framework's error, and a bare node server with a 500", async (t) => {
    const session = new Session();
    const admin = createAdmin({
      session,
      authorize: () => Promise.reject(new Error("who are you")),
    });
    const app = express();
    app.use("/admin", admin.node);
    app.use(
      (
        error: Error,
        _req: unknown,
        res: { status(code: number): { send(text: string): void } },
        _next: unknown,
      ) => res.status(418).send(error.message),
    );
    const behind = await listen(createServer(app));
    const bare = await listen(createServer((req, res) => admin.node(req, res)));
    t.after(() => Promise.all([behind.close(), bare.close()]));
    const answers = await Promise.all([behind, bare].map(({ url }) => fetch(`${url}/admin`)));
    assert.deepEqual(
      await Promise.all(answers.map(async (answer) => [answer.status, await answer.text()])),
      [
        [418, "who are you"],
        [500, "Internal Server Error"],
      ],
    );
  });

  it("lives on a host of its own, and leaves everything else alone", async (t) => {
    const session = new Session();
    const own = createAdmin({ session, authorize: () => true, basePath: "/" });
    const below = createAdmin({ session, authorize: () => true, basePath: "/a/b/" });
    const server = await listen(
      createServer((req, res) =>
        (req.headers.host?.startsWith("127") ? below : own).node(req, res),
      ),
    );
    t.after(server.close);
    assert.match(
      await (await fetch(server.url.replace("127.0.0.1", "localhost"))).text(),
      /href="\/admin\.css"/,
    );
    assert.match(await (await fetch(`${server.url}/a/b`)).text(), /href="\/a\/b\/admin\.css"/);
    for (const path of ["/", "/a", "/a/bc"])
      assert.equal((await fetch(server.url + path)).status, 404);
    assert.equal((await below(new Request("http://x.test/admin"))).status, 404);
  });
});
