// The servers that are put under load. In every group one without a session, and the same with one:
// GET /login begins a session, GET / reads it and answers with a line of JSON. Nothing else: what a
// server adds is not the session's price.
import http from "node:http";
import { DATA } from "./data.js";

export const SECRET = "a secret of at least 32 characters";
const HOST = "127.0.0.1";

/** @returns the port it listens on. */
export function listen(server) {
  return new Promise((resolve) => server.listen(0, HOST, () => resolve(server.address().port)));
}

export function sendJson(res, body) {
  res.setHeader("Content-Type", "application/json");
  res.end(JSON.stringify(body));
}

export const greet = (name) => ({ hello: name });

export async function newSession() {
  const { MemoryStore, Session } = await import("../../dist/session.js");
  // Over plain http clients that are no browsers would not send a Secure cookie back.
  return new Session({ store: new MemoryStore(), cookie: { secure: false } });
}

export async function expressSession() {
  const { default: session } = await import("express-session");
  return session({ secret: SECRET, resave: false, saveUninitialized: false });
}

/** Answers with a session of ours that is read and written. */
export function writerOf(session) {
  let count = 0;
  return async (req, res) => {
    const own = session.open(req);
    own.set("count", ++count);
    const name = await own.get("name");
    await own.commit();
    own.writeTo(res);
    sendJson(res, greet(name));
  };
}

/** node's own server, without a session. */
export const listenBare = () =>
  listen(
    http.createServer((req, res) => sendJson(res, greet(req.url === "/" ? DATA.name : "you"))),
  );

export async function newFloor() {
  const { floorInMemory } = await import("./floor.js");
  return floorInMemory();
}

const onNode = {
  none: listenBare,
  async floor() {
    const floor = await newFloor();
    const handle = async (req, res) => {
      if (req.url === "/login") res.setHeader("Set-Cookie", floor.signIn());
      if (req.url === "/login") return sendJson(res, greet(DATA.name));
      sendJson(res, greet((await floor.paths.get(req.url)(req.headers.cookie)).name));
    };
    return listen(http.createServer((req, res) => void handle(req, res)));
  },
  async harpiats() {
    const session = await newSession();
    const write = writerOf(session);
    const handle = async (req, res) => {
      if (req.url === "/login") session.setCookie(res, await session.create(DATA));
      if (req.url === "/write") return write(req, res);
      sendJson(res, greet((await session.fromRequest(req))?.name));
    };
    return listen(http.createServer((req, res) => void handle(req, res)));
  },
  async "express-session"() {
    const middleware = await expressSession();
    return listen(
      http.createServer((req, res) =>
        middleware(req, res, () => {
          if (req.url === "/login") Object.assign(req.session, DATA);
          sendJson(res, greet(req.session.name));
        }),
      ),
    );
  },
};

const onExpress = {
  async none() {
    const { default: express } = await import("express");
    const app = express();
    app.get("/", (_req, res) => void res.json(greet(DATA.name)));
    app.get("/login", (_req, res) => void res.json(greet("you")));
    return listen(http.createServer(app));
  },
  async floor() {
    const { default: express } = await import("express");
    const floor = await newFloor();
    const app = express();
    for (const [path, use] of floor.paths)
      app.get(path, async (req, res) => void res.json(greet((await use(req.headers.cookie)).name)));
    app.get(
      "/login",
      (_req, res) => void res.set("Set-Cookie", floor.signIn()).json(greet(DATA.name)),
    );
    return listen(http.createServer(app));
  },
  async harpiats() {
    const { default: express } = await import("express");
    const session = await newSession();
    const app = express();
    app.get("/", async (req, res) => void res.json(greet((await session.fromRequest(req))?.name)));
    app.get("/login", async (_req, res) => {
      session.setCookie(res, await session.create(DATA));
      res.json(greet(DATA.name));
    });
    return listen(http.createServer(app));
  },
  async "express-session"() {
    const { default: express } = await import("express");
    const app = express();
    app.use(await expressSession());
    app.get("/", (req, res) => void res.json(greet(req.session.name)));
    app.get("/login", (req, res) => {
      Object.assign(req.session, DATA);
      res.json(greet(DATA.name));
    });
    return listen(http.createServer(app));
  },
};

export async function listenFastify(prepare) {
  const { default: fastify } = await import("fastify");
  const app = fastify();
  await prepare(app);
  await app.listen({ host: HOST, port: 0 });
  return app.server.address().port;
}

const onFastify = {
  none: () =>
    listenFastify((app) => {
      app.get("/", async () => greet(DATA.name));
      app.get("/login", async () => greet("you"));
    }),
  floor: () =>
    listenFastify(async (app) => {
      const floor = await newFloor();
      for (const [path, use] of floor.paths)
        app.get(path, async (request) => greet((await use(request.headers.cookie)).name));
      app.get("/login", async (_request, reply) => {
        reply.header("Set-Cookie", floor.signIn());
        return greet(DATA.name);
      });
    }),
  harpiats: () =>
    listenFastify(async (app) => {
      const session = await newSession();
      app.get("/", async (request) => greet((await session.fromRequest(request))?.name));
      app.get("/login", async (_request, reply) => {
        session.setCookie(reply, await session.create(DATA));
        return greet(DATA.name);
      });
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
      app.get("/", async (request) => greet(request.session.name));
      app.get("/login", async (request) => {
        Object.assign(request.session, DATA);
        return greet(DATA.name);
      });
    }),
  "@mgcrea/fastify-session": () =>
    listenFastify(async (app) => {
      await app.register((await import("@fastify/cookie")).default);
      await app.register((await import("@mgcrea/fastify-session")).default, {
        secret: SECRET,
        saveUninitialized: false,
        cookie: { secure: false },
      });
      app.get("/", async (request) => greet(request.session.get("name")));
      app.get("/login", async (request) => {
        for (const [field, value] of Object.entries(DATA)) request.session.set(field, value);
        return greet(DATA.name);
      });
    }),
};

export async function listenHono(prepare) {
  const { Hono } = await import("hono");
  const { serve } = await import("@hono/node-server");
  const app = new Hono();
  await prepare(app);
  return new Promise((resolve) =>
    serve({ fetch: app.fetch, hostname: HOST, port: 0 }, ({ port }) => resolve(port)),
  );
}

const onHono = {
  none: () =>
    listenHono((app) => {
      app.get("/", async (context) => context.json(greet(DATA.name)));
      app.get("/login", async (context) => context.json(greet("you")));
    }),
  floor: () =>
    listenHono(async (app) => {
      const floor = await newFloor();
      for (const [path, use] of floor.paths)
        app.get(path, async (context) =>
          context.json(greet((await use(context.req.header("cookie"))).name)),
        );
      app.get("/login", (context) =>
        context.json(greet(DATA.name), 200, { "Set-Cookie": floor.signIn() }),
      );
    }),
  harpiats: () =>
    listenHono(async (app) => {
      const session = await newSession();
      app.get("/", async (context) =>
        context.json(greet((await session.fromRequest(context))?.name)),
      );
      app.get("/login", async (context) => {
        session.setCookie(context, await session.create(DATA));
        return context.json(greet(DATA.name));
      });
    }),
  "hono-sessions": () =>
    listenHono(async (app) => {
      const { MemoryStore, sessionMiddleware } = await import("hono-sessions");
      app.use(
        "*",
        sessionMiddleware({
          store: new MemoryStore(),
          autoExtendExpiration: false,
          cookieOptions: { path: "/", httpOnly: true },
        }),
      );
      app.get("/", async (context) => context.json(greet(context.get("session").get("name"))));
      app.get("/login", async (context) => {
        for (const [field, value] of Object.entries(DATA)) context.get("session").set(field, value);
        return context.json(greet(DATA.name));
      });
    }),
  "@hono/session": () =>
    listenHono(async (app) => {
      const { useSession } = await import("@hono/session");
      app.use("*", useSession({ secret: new Uint8Array(32).fill(7) }));
      app.get("/", async (context) =>
        context.json(greet((await context.get("session").get())?.name)),
      );
      app.get("/login", async (context) => {
        await context.get("session").update(DATA);
        return context.json(greet(DATA.name));
      });
    }),
};

/** By framework, then by session library. */
export const SERVERS = {
  "node http": onNode,
  Express: onExpress,
  Fastify: onFastify,
  Hono: onHono,
};

/** What GET / answers once somebody has signed in. */
export const ANSWER = JSON.stringify(greet(DATA.name));
