// The servers of `adapters`: each framework bare, with our adapter, and with the session library
// that is usual there. GET /login begins a session; GET / reads it, GET /write reads and writes it,
// GET /hello leaves it alone. All answer with the same line of JSON. koa-session keeps the data in
// a signed cookie and @hono/session in an encrypted one, which are their defaults; the others keep
// it in memory.
import http from "node:http";
import { DATA } from "../http/data.js";
import {
  ANSWER,
  expressSession,
  greet,
  listen,
  listenFastify,
  listenHono,
  newSession,
  SECRET,
  sendJson,
  SERVERS as BARE,
} from "../http/servers.js";
import { FLOORS, listenKoa } from "./floors.js";

export { ANSWER };

const { name } = DATA;

/** What a request is answered with, over a session of ours. */
async function answerOurs(path, session) {
  if (path === "/hello") return greet(name);
  if (path === "/login") {
    await session.login({ ...DATA, visits: 0 });
    return greet(name);
  }
  if (path === "/write") session.set("visits", (await session.get("visits")) + 1);
  return greet(await session.get("name"));
}

/** The same over a session that is an object, as express-session's. */
function answerTheirs(path, session) {
  if (path === "/hello") return greet(name);
  if (path === "/login") Object.assign(session, DATA, { visits: 0 });
  if (path === "/write") session.visits += 1;
  return greet(session.name);
}

/** The same over a session that is asked by methods. */
function answerByMethods(path, session) {
  if (path === "/hello") return greet(name);
  if (path === "/login")
    for (const [field, value] of Object.entries({ ...DATA, visits: 0 })) session.set(field, value);
  if (path === "/write") session.set("visits", session.get("visits") + 1);
  return greet(session.get("name"));
}

const PATHS = ["/", "/hello", "/write", "/login"];

const onNode = {
  none: BARE["node http"].none,
  floor: FLOORS["node http"],
  async harpiats() {
    const { withSession } = await import("../../dist/adapters/node.js");
    return listen(
      http.createServer(
        withSession(await newSession(), async (req, res, session) =>
          sendJson(res, await answerOurs(req.url, session)),
        ),
      ),
    );
  },
  async "express-session"() {
    const middleware = await expressSession();
    return listen(
      http.createServer((req, res) =>
        middleware(req, res, () => sendJson(res, answerTheirs(req.url, req.session))),
      ),
    );
  },
};

const onExpress = {
  none: BARE["Express"].none,
  floor: FLOORS["Express 5"],
  async harpiats() {
    const { default: express } = await import("express");
    const { expressSession: adapter } = await import("../../dist/adapters/express.js");
    const app = express().use(adapter(await newSession()));
    for (const path of PATHS)
      app.get(path, async (req, res) => void res.json(await answerOurs(path, req.session)));
    return listen(http.createServer(app));
  },
  async "express-session"() {
    const { default: express } = await import("express");
    const app = express().use(await expressSession());
    for (const path of PATHS)
      app.get(path, (req, res) => void res.json(answerTheirs(path, req.session)));
    return listen(http.createServer(app));
  },
};

const onFastify = {
  none: BARE["Fastify"].none,
  floor: FLOORS["Fastify 5"],
  harpiats: () =>
    listenFastify(async (app) => {
      const { fastifySession } = await import("../../dist/adapters/fastify.js");
      await app.register(fastifySession(await newSession()));
      for (const path of PATHS) app.get(path, (request) => answerOurs(path, request.session));
    }),
  "@fastify/session": () =>
    listenFastify(async (app) => {
      await app.register((await import("@fastify/cookie")).default);
      await app.register((await import("@fastify/session")).default, {
        secret: SECRET,
        rolling: false,
        saveUninitialized: false,
        cookie: { secure: false },
      });
      for (const path of PATHS)
        app.get(path, async (request) => answerTheirs(path, request.session));
    }),
  "@mgcrea/fastify-session": () =>
    listenFastify(async (app) => {
      await app.register((await import("@fastify/cookie")).default);
      await app.register((await import("@mgcrea/fastify-session")).default, {
        secret: SECRET,
        saveUninitialized: false,
        cookie: { secure: false },
      });
      for (const path of PATHS)
        app.get(path, async (request) => answerByMethods(path, request.session));
    }),
};

const onKoa = {
  none: () => listenKoa((app) => app.use((ctx) => void (ctx.body = greet(name)))),
  floor: FLOORS["Koa 3"],
  harpiats: () =>
    listenKoa(async (app) => {
      const { koaSession } = await import("../../dist/adapters/koa.js");
      app.use(koaSession(await newSession()));
      app.use(async (ctx) => void (ctx.body = await answerOurs(ctx.path, ctx.session)));
    }),
  "koa-session": () =>
    listenKoa(async (app) => {
      const { createSession } = await import("koa-session");
      app.keys = [SECRET];
      app.use(createSession({}, app));
      app.use(
        (ctx) =>
          void (ctx.body = answerTheirs(ctx.path, ctx.path === "/hello" ? undefined : ctx.session)),
      );
    }),
};

const onHono = {
  none: BARE["Hono"].none,
  floor: FLOORS["Hono 4"],
  harpiats: () =>
    listenHono(async (app) => {
      const { honoSession } = await import("../../dist/adapters/hono.js");
      app.use(honoSession(await newSession()));
      for (const path of PATHS)
        app.get(path, async (context) =>
          context.json(await answerOurs(path, context.get("session"))),
        );
    }),
  "hono-sessions": () =>
    listenHono(async (app) => {
      const { MemoryStore, sessionMiddleware } = await import("hono-sessions");
      app.use(
        sessionMiddleware({
          store: new MemoryStore(),
          autoExtendExpiration: false,
          cookieOptions: { path: "/", httpOnly: true },
        }),
      );
      for (const path of PATHS)
        app.get(path, async (context) =>
          context.json(answerByMethods(path, context.get("session"))),
        );
    }),
  "@hono/session": () =>
    listenHono(async (app) => {
      const { useSession } = await import("@hono/session");
      app.use(useSession({ secret: new Uint8Array(32).fill(7) }));
      for (const path of PATHS) {
        app.get(path, async (context) => {
          const session = context.get("session");
          if (path === "/hello") return context.json(greet(name));
          if (path === "/login") {
            await session.update({ ...DATA, visits: 0 });
            // It reads what the request has brought, whatever was written since.
            return context.json(greet(name));
          }
          const data = await session.get();
          if (path === "/write") await session.update({ ...data, visits: data.visits + 1 });
          return context.json(greet(data.name));
        });
      }
    }),
};

/** By framework, then by session library. */
export const SERVERS = {
  "node http": onNode,
  "Express 5": onExpress,
  "Fastify 5": onFastify,
  "Koa 3": onKoa,
  "Hono 4": onHono,
};
