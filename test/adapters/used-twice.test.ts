// A middleware that is used twice for one request, as by an application within another: one
// session, whose changes both see, and one cookie.
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { describe, it } from "node:test";
import express from "express";
import { H3 } from "h3";
import { Hono } from "hono";
import Koa from "koa";
import { expressSession } from "../../src/adapters/express.ts";
import { h3Session } from "../../src/adapters/h3.ts";
import { harpiaSession } from "../../src/adapters/harpia.ts";
import { honoSession } from "../../src/adapters/hono.ts";
import { koaSession } from "../../src/adapters/koa.ts";
import { connectSession, withSession } from "../../src/adapters/node.ts";
import harpia from "../../src/index.ts";
import { MemoryStore, type RequestSession, Session } from "../../src/session.ts";
import { type Listening, listen, serveFetch } from "../support/listen.ts";

type Data = Record<string, unknown>;
type Sessions = Session<Data>;
type Own = RequestSession<Data>;

const outer = (own: Own): void => own.set("outer", 1);
const inner = (own: Own): void => own.set("inner", 2);

const APPS: Record<string, (session: Sessions) => Promise<Listening>> = {
  "Express, the same in a router"(session) {
    const sessions = expressSession(session);
    const router = express.Router();
    router.use(sessions);
    router.get("/", (req, res) => (inner(sessions.of(req)), void res.send("done")));
    const app = express();
    app.use(sessions, (req, _res, next) => (outer(sessions.of(req)), next()), router);
    return listen(createServer(app));
  },
  "Express, another of the same Session, under another name, in an application within"(session) {
    const within = express();
    within.use(expressSession(session, { property: "visitor" }));
    within.get(
      "/",
      (req, res) => (inner(Reflect.get(req, "visitor") as Own), void res.send("done")),
    );
    const sessions = expressSession(session);
    const app = express();
    app.use(sessions, (req, _res, next) => (outer(sessions.of(req)), next()), within);
    return listen(createServer(app));
  },
  "node http within Connect"(session) {
    const sessions = connectSession(session);
    const within = withSession(
      session,
      (_req: IncomingMessage, res: ServerResponse, own: Own) => (inner(own), res.end("done")),
    );
    return listen(
      createServer((req, res) =>
        sessions(req, res, () => (outer(sessions.of(req)), within(req, res))),
      ),
    );
  },
  Koa(session) {
    const [sessions, again] = [koaSession(session), koaSession(session)];
    const app = new Koa();
    app.use(sessions).use((ctx, next) => (outer(sessions.of(ctx)), next()));
    app.use(again).use((ctx) => (inner(again.of(ctx)), void (ctx.body = "done")));
    const listener = app.callback();
    return listen(createServer((req, res) => void listener(req, res)));
  },
  "Hono, in an app that is routed to"(session) {
    const [sessions, again] = [honoSession(session), honoSession(session)];
    const within = new Hono().use(again).get("/", (c) => (inner(again.of(c)), c.text("done")));
    const app = new Hono()
      .use(sessions)
      .use((c, next) => (outer(sessions.of(c)), next()))
      .route("/", within);
    return serveFetch(app.fetch);
  },
  h3(session) {
    const [sessions, again] = [h3Session(session), h3Session(session)];
    const app = new H3();
    app.use(sessions).use((event, next) => (outer(sessions.of(event)), next()));
    app.use(again).get("/", (event) => (inner(again.of(event)), "done"));
    return serveFetch((request) => app.fetch(request));
  },
  async "harpia()"(session) {
    const [sessions, again] = [harpiaSession(session), harpiaSession(session)];
    const app = harpia();
    app.use(sessions);
    app.use((req, _res, next) => (outer(sessions.of(req)), next()));
    app.use(again);
    app.get("/", (req, res) => (inner(again.of(req)), res.send("done")));
    const server = app.listen({ port: 0, hostname: "127.0.0.1" });
    await server.ready;
    return { url: `http://127.0.0.1:${server.port}`, close: () => server.close() };
  },
};

describe("a session middleware that is used twice", () => {
  for (const [name, start] of Object.entries(APPS)) {
    it(`opens one session, ${name}`, async () => {
      const store = new MemoryStore<Data>();
      const session = new Session<Data>({ store, cookie: { secure: false } });
      const { url, close } = await start(session);
      const response = await fetch(url).finally(close);
      assert.equal(await response.text(), "done");
      const cookies = response.headers.getSetCookie();
      assert.equal(cookies.length, 1);
      assert.deepEqual(await session.get(cookies[0]?.split(/[=;]/)[1]), { outer: 1, inner: 2 });
      assert.equal(await store.count(), 1);
    });
  }
});
