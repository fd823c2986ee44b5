// The property of a request that holds its session: whose it is, and what becomes of code that
// writes to it; and the answer to a visitor where a handler needs a user. On every adapter that has
// such a property.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import { Elysia } from "elysia";
import express from "express";
import express4 from "express4";
import former from "express-session";
import fastify from "fastify";
import { H3 } from "h3";
import { Hono } from "hono";
import Koa from "koa";
import { elysiaSession } from "../../src/adapters/elysia.ts";
import { expressSession } from "../../src/adapters/express.ts";
import { fastifySession } from "../../src/adapters/fastify.ts";
import { withSession } from "../../src/adapters/fetch.ts";
import { h3Session } from "../../src/adapters/h3.ts";
import { harpiaSession } from "../../src/adapters/harpia.ts";
import { honoSession } from "../../src/adapters/hono.ts";
import { koaSession } from "../../src/adapters/koa.ts";
import { withSession as withNodeSession } from "../../src/adapters/node.ts";
import harpia from "../../src/index.ts";
import { type RequestSession, Session } from "../../src/session.ts";
import { type Listening, listen, serveFetch } from "../support/listen.ts";

interface Data {
  userId: string;
}
type Own = RequestSession<Data>;
function ownOf(holder: object, property = "session"): Own {
  // express-session's types claim the name for themselves.
  return Reflect.get(holder, property) as unknown as Own;
}

/** Answers with what it gives. @param holder what has the session as its property `session`. */
type Handle = (own: Own, holder: object) => Promise<string> | string;

const APPS: Record<string, (session: Session<Data>, handle: Handle) => Promise<Listening>> = {
  "Express 5": (session, handle) => {
    const app = express().set("env", "test");
    app.use(expressSession(session));
    app.use(async (req, res) => void res.send(await handle(ownOf(req, "session"), req)));
    return listen(createServer(app));
  },
  "Express 5, in an application within": (session, handle) => {
    const [app, within] = [express().set("env", "test"), express().set("env", "test")];
    within.use(async (req, res) => void res.send(await handle(ownOf(req, "session"), req)));
    app.use(expressSession(session), within);
    return listen(createServer(app));
  },
  "Express 4": (session, handle) => {
    const app = express4().set("env", "test");
    app.use(expressSession(session));
    app.use((req, res, next) => {
      (async () => handle(ownOf(req, "session"), req))().then((text) => res.send(text), next);
    });
    return listen(createServer(app));
  },
  Koa: (session, handle) => {
    const app = new Koa();
    app.silent = true;
    app
      .use(koaSession(session))
      .use(async (ctx) => void (ctx.body = await handle(ownOf(ctx, "session"), ctx)));
    const listener = app.callback();
    return listen(createServer((req, res) => void listener(req, res)));
  },
  async Fastify(session, handle) {
    const app = fastify();
    await app.register(fastifySession(session));
    app.get("/*", async (request) => handle(ownOf(request, "session"), request));
    return { url: await app.listen({ port: 0, host: "127.0.0.1" }), close: () => app.close() };
  },
};

/** Those that hand the session over otherwise. */
const OTHERS: Record<
  string,
  (session: Session<Data>, handle: (own: Own) => Promise<string>) => Promise<Listening>
> = {
  Hono: (session, handle) => {
    const sessions = honoSession(session);
    return serveFetch(
      new Hono().use(sessions).get("*", async (c) => c.text(await handle(sessions.of(c)))).fetch,
    );
  },
  h3: (session, handle) => {
    const sessions = h3Session(session);
    const app = new H3({ silent: true })
      .use(sessions)
      .all("/**", (event) => handle(sessions.of(event)));
    return serveFetch((request) => app.fetch(request));
  },
  "a fetch handler": (session, handle) =>
    serveFetch(withSession(session, async (_, own) => new Response(await handle(own)))),
  "node http": (session, handle) =>
    listen(
      createServer(withNodeSession(session, async (_, res, own) => res.end(await handle(own)))),
    ),
  async "harpia()"(session, handle) {
    const sessions = harpiaSession(session);
    const app = harpia();
    app.use(sessions);
    app.get("*", async (req, res) => res.send(await handle(sessions.of(req))));
    return serveFetch(app.fetch);
  },
  Elysia: (session, handle) => {
    const app = new Elysia()
      .use(elysiaSession(session))
      .get("/*", ({ session: own }) => handle(own as unknown as Own));
    return serveFetch((request) => app.handle(request));
  },
};

async function ask(
  start: Promise<Listening>,
  cookie?: string,
): Promise<{ status: number; body: string }> {
  const { url, close } = await start;
  try {
    const response = await fetch(`${url}/`, {
      headers: cookie === undefined ? {} : { cookie },
      signal: AbortSignal.timeout(10_000),
    });
    return { status: response.status, body: await response.text() };
  } finally {
    await close();
  }
}

describe("The property that holds a request's session", () => {
  for (const [name, start] of Object.entries(APPS)) {
    it(`cannot be replaced, as by code that signs out with null: ${name}`, async () => {
      const session = new Session<Data>();
      const id = await session.create({ userId: "ada" });
      const handle: Handle = async (own, holder) => {
        assert.throws(
          () => Reflect.set(holder, "session", null),
          /^TypeError: Cannot write session of a request.*session\.destroy\(\)/,
        );
        assert.equal(Reflect.get(holder, "session"), own);
        return String(await own.get("userId"));
      };
      assert.deepEqual(await ask(start(session, handle), `session_id=${id}`), {
        status: 200,
        body: "ada",
      });
    });
  }

  it("is not taken from express-session: the error names the option", async () => {
    for (const create of [express, express4 as unknown as typeof express]) {
      const app = create().set("env", "test");
      const told: unknown[] = [];
      app.use(former({ secret: "of the test", resave: false, saveUninitialized: false }));
      app.use(expressSession(new Session<Data>()));
      app.get("/", (_req, res) => void res.send("ok"));
      app.use(
        ((error, _req, res, _next) => (
          told.push(error),
          res.status(500).send("told")
        )) as express.ErrorRequestHandler,
      );
      assert.deepEqual(await ask(listen(createServer(app))), { status: 500, body: "told" });
      assert.match(
        String(told[0]),
        /TypeError: .*session is taken already, expected another name in the option property/,
      );
    }
  });

  it("may stand beside express-session's under another name, in either order", async () => {
    const handlers = [
      former({ secret: "of the test", resave: false, saveUninitialized: false }),
      expressSession(new Session<Data>(), { property: "sess" }),
    ];
    for (const order of [handlers, handlers.toReversed()]) {
      const app = express().set("env", "test");
      app.use(...order);
      app.get("/", async (req, res) => {
        (req.session as unknown as Record<string, unknown>)["theirs"] = 1;
        const own = ownOf(req, "sess");
        await own.login({ userId: "ada" });
        res.send(String(await own.get("userId")));
      });
      assert.deepEqual(await ask(listen(createServer(app))), { status: 200, body: "ada" });
    }
  });

  it("leaves alone a request of the same application that did not come through the middleware", async () => {
    const app = express().set("env", "test");
    app.use(
      "/a",
      expressSession(new Session<Data>()),
      (req, res) => void res.send(typeof ownOf(req, "session").destroy),
    );
    app.use(former({ secret: "of the test", resave: false, saveUninitialized: true }));
    app.get("/", (req, res) => void res.send(String(req.session.cookie.path)));
    const running = await listen(createServer(app));
    try {
      assert.equal(await (await fetch(`${running.url}/a`)).text(), "function");
      assert.equal(await (await fetch(`${running.url}/`)).text(), "/");
    } finally {
      await running.close();
    }
  });
});

describe("requireUser", () => {
  const needsUser = async (own: Own): Promise<string> => (await own.requireUser()).userId;
  for (const [name, start] of Object.entries({ ...APPS, ...OTHERS })) {
    it(`answers 401 to a visitor, and to no session: ${name}`, async () => {
      const session = new Session<Data>();
      const visitor = session.open({ headers: {} });
      visitor.flash("notice", "Wrong password");
      await visitor.commit();
      const headers = new Headers();
      visitor.writeTo(headers);
      const cookie = headers.getSetCookie()[0]?.split(";")[0];
      for (const sent of [undefined, cookie]) {
        const { status, body } = await ask(start(session, needsUser), sent);
        assert.equal(status, 401, body);
      }
      const id = await session.create({ userId: "ada" });
      assert.deepEqual(await ask(start(session, needsUser), `session_id=${id}`), {
        status: 200,
        body: "ada",
      });
    });
  }
});
