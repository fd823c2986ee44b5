// A request that has changed its session's id, and then fails: the former id is dead by then, so the
// client hears of the new one with the error too. On every adapter that makes an answer.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import { Elysia } from "elysia";
import express from "express";
import fastify from "fastify";
import { H3, HTTPError, redirect as redirectOfH3 } from "h3";
import { Hono } from "hono";
import Koa from "koa";
import { elysiaSession } from "../../src/adapters/elysia.ts";
import { expressSession } from "../../src/adapters/express.ts";
import { fastifySession } from "../../src/adapters/fastify.ts";
import { withSession } from "../../src/adapters/fetch.ts";
import { type H3EventLike, h3Session } from "../../src/adapters/h3.ts";
import { harpiaSession } from "../../src/adapters/harpia.ts";
import { honoSession } from "../../src/adapters/hono.ts";
import { koaSession } from "../../src/adapters/koa.ts";
import { nextAction, nextSession } from "../../src/adapters/next.ts";
import { withSession as withNodeSession } from "../../src/adapters/node.ts";
import harpia from "../../src/index.ts";
import { MemoryStore, type RequestSession, Session } from "../../src/session.ts";
import { type Listening, listen, serveFetch } from "../support/listen.ts";
import { ActionCookies } from "../support/next-cookies.ts";

interface Data {
  userId: string;
  n?: number;
}
type Own = RequestSession<Data>;
type Handle = (own: Own) => Promise<string>;

/** A store that refuses changes of data, and nothing else. */
class Full extends MemoryStore<Data> {
  override patch(): never {
    throw new Error("the store is full");
  }
}

const newSession = (store = new MemoryStore<Data>()): Session<Data> =>
  new Session<Data>({ store, cookie: { secure: false } });

const APPS: Record<string, (session: Session<Data>, handle: Handle) => Promise<Listening>> = {
  "node http": (session, handle) =>
    listen(
      createServer(
        withNodeSession(session, async (_, res, own) => res.end(await handle(own)), {
          onFailure: () => {},
        }),
      ),
    ),
  "Express 5": (session, handle) => {
    const sessions = expressSession(session);
    const app = express().set("env", "test").use(sessions);
    app.use(async (req, res) => void res.send(await handle(sessions.of(req))));
    return listen(createServer(app));
  },
  Koa: (session, handle) => {
    const sessions = koaSession(session);
    const app = new Koa();
    app.silent = true;
    app.use(sessions).use(async (ctx) => void (ctx.body = await handle(sessions.of(ctx))));
    const listener = app.callback();
    return listen(createServer((req, res) => void listener(req, res)));
  },
  async Fastify(session, handle) {
    const sessions = fastifySession(session);
    const app = fastify();
    await app.register(sessions);
    app.get("/", async (request) => handle(sessions.of(request)));
    return { url: await app.listen({ port: 0, host: "127.0.0.1" }), close: () => app.close() };
  },
  Hono: (session, handle) => {
    const sessions = honoSession(session);
    const app = new Hono()
      .use(sessions)
      .get("*", async (c) => c.text(await handle(sessions.of(c))));
    return serveFetch(app.onError((_, c) => c.text("sorry", 500)).fetch);
  },
  h3: (session, handle) => {
    const sessions = h3Session(session);
    const app = new H3({ silent: true })
      .use(sessions)
      .all("/**", (event) => handle(sessions.of(event)));
    return serveFetch((request) => app.fetch(request));
  },
  async "harpia()"(session, handle) {
    const sessions = harpiaSession(session);
    const app = harpia();
    app.onError(() => {});
    app.use(sessions);
    app.get("*", async (req, res) => res.send(await handle(sessions.of(req))));
    return serveFetch(app.fetch);
  },
  Elysia: (session, handle) => {
    const app = new Elysia()
      .use(elysiaSession(session))
      .get("/", ({ session: own }) => handle(own as unknown as Own));
    return serveFetch((request) => app.handle(request));
  },
};
/** What a handler throws goes on to whoever called it: only a store's failure has an answer. */
const fetchApp: (typeof APPS)[string] = (session, handle) =>
  serveFetch(withSession(session, async (_, own) => new Response(await handle(own))));

const CHANGES: Record<string, (own: Own) => Promise<unknown>> = {
  rotate: (own) => own.rotate(),
  reauthenticate: (own) => own.reauthenticate(),
};

async function assertHeard(
  session: Session<Data>,
  app: (typeof APPS)[string],
  handle: Handle,
): Promise<void> {
  const id = await session.create({ userId: "ada" });
  const { url, close } = await app(session, handle);
  const response = await fetch(url, { headers: { cookie: `session_id=${id}` } }).finally(close);
  assert.ok(response.status >= 500, String(response.status));
  const next = response.headers.getSetCookie()[0]?.split(/[=;]/)[1];
  assert.deepEqual(await session.get(next), { userId: "ada" });
  assert.equal((await session.list("ada")).length, 1);
}

describe("A request that has changed its session's id, and fails", () => {
  for (const [change, act] of Object.entries(CHANGES)) {
    for (const [name, app] of Object.entries(APPS))
      it(`tells the client of it by ${name}, after ${change}, where the handler throws`, () =>
        assertHeard(newSession(), app, async (own) => {
          await act(own);
          throw new Error("the mail server is down");
        }));

    for (const [name, app] of Object.entries({ ...APPS, "a fetch handler": fetchApp }))
      it(`tells the client of it by ${name}, after ${change}, where the store fails`, () =>
        assertHeard(newSession(new Full()), app, async (own) => {
          await act(own);
          own.set("n", 1);
          return "done";
        }));

    it(`tells the client of it by Next.js, after ${change}`, async () => {
      const session = newSession();
      const id = await session.create({ userId: "ada" });
      const jar = new ActionCookies(`session_id=${id}`);
      const fails = nextAction(
        session,
        () => jar,
        async (own) => {
          await act(own as unknown as Own);
          throw new Error("the mail server is down");
        },
      );
      await assert.rejects(fails(), /mail server/);
      assert.deepEqual(await (await nextSession(session, jar)).user, { userId: "ada" });
      assert.equal((await session.list("ada")).length, 1);
    });
  }

  it("takes back a session that began in an action of Next.js that fails, and sets no cookie", async () => {
    const session = newSession();
    const jar = new ActionCookies();
    const fails = nextAction(
      session,
      () => jar,
      async (own) => {
        await own.login({ userId: "ada" });
        throw new Error("the mail server is down");
      },
    );
    await assert.rejects(fails(), /mail server/);
    assert.deepEqual([jar.lines, await session.list("ada")], [[], []]);
  });
});

describe("h3Session", () => {
  it("writes nothing for a Response or a redirect that is thrown: h3 makes a 500 of it", async () => {
    for (const thrown of [new Response("no"), redirectOfH3("/elsewhere")]) {
      const session = newSession();
      const sessions = h3Session(session);
      const app = new H3({ silent: true }).use(sessions).all("/**", async (event) => {
        await sessions.of(event).login({ userId: "ada" });
        throw thrown as unknown as Error;
      });
      const response = await app.request("/");
      assert.deepEqual([response.status, response.headers.getSetCookie()], [500, []]);
      assert.deepEqual(await session.list("ada"), []);
    }
    const session = newSession();
    const sessions = h3Session(session);
    const app = new H3({ silent: true }).use(sessions).all("/**", (event) => {
      sessions.of(event).flash("notice", "Wrong password");
      throw new HTTPError({ status: 401 });
    });
    assert.equal((await app.request("/")).headers.getSetCookie().length, 1);
  });

  it("sets the cookie where the event has no headers for errors, as of h3 2.0.1-rc.2", async () => {
    const sessions = h3Session(newSession());
    const headers = new Headers();
    const event: H3EventLike = { req: { headers: new Headers() }, context: {}, res: { headers } };
    await sessions(event, async () => {
      await sessions.of(event).login({ userId: "ada" });
      return "done";
    });
    assert.equal(headers.getSetCookie().length, 1);
  });
});
