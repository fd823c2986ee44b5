// What any adapter costs that reads sessions under hashed ids: a middleware in each framework's
// idiom that finds the session when it is asked for, and tells caches that the response depends on
// the cookie. It holds nothing back, writes no deadlines and copies nothing: nobody could use it.
import http from "node:http";
import { DATA } from "../http/data.js";
import { greet, listen, listenFastify, listenHono, newFloor, sendJson } from "../http/servers.js";

const { name } = DATA;
const VARY = ["Vary", "Cookie"];

/** The way to a request's session, for `await session("/")`: read, or read and written. */
function opener({ paths }) {
  return (header) => (path) => paths.get(path)(header);
}

export async function listenKoa(prepare) {
  const { default: Koa } = await import("koa");
  const app = new Koa();
  await prepare(app);
  return listen(http.createServer(app.callback()));
}

export const FLOORS = {
  async "node http"() {
    const floor = await newFloor();
    const open = opener(floor);
    const handle = async (req, res) => {
      if (req.url === "/login") res.setHeader("Set-Cookie", floor.signIn());
      const data = req.url === "/login" ? DATA : await open(req.headers.cookie)(req.url);
      res.setHeader(...VARY);
      sendJson(res, greet(data.name));
    };
    return listen(http.createServer((req, res) => void handle(req, res)));
  },
  async "Express 5"() {
    const { default: express } = await import("express");
    const floor = await newFloor();
    const open = opener(floor);
    const app = express().use((req, res, next) => {
      req.session = open(req.headers.cookie);
      res.setHeader(...VARY);
      next();
    });
    for (const path of floor.paths.keys())
      app.get(path, async (req, res) => void res.json(greet((await req.session(path)).name)));
    app.get("/login", (_req, res) => void res.set("Set-Cookie", floor.signIn()).json(greet(name)));
    return listen(http.createServer(app));
  },
  "Fastify 5": () =>
    listenFastify(async (app) => {
      const floor = await newFloor();
      const open = opener(floor);
      app.decorateRequest("session", null);
      app.addHook("onRequest", (request, _reply, done) => {
        request.session = open(request.headers.cookie);
        done();
      });
      app.addHook("onSend", (_request, reply, _payload, done) => {
        reply.header(...VARY);
        done();
      });
      for (const path of floor.paths.keys())
        app.get(path, async (request) => greet((await request.session(path)).name));
      app.get("/login", async (_request, reply) => {
        reply.header("Set-Cookie", floor.signIn());
        return greet(name);
      });
    }),
  "Koa 3": () =>
    listenKoa(async (app) => {
      const floor = await newFloor();
      const open = opener(floor);
      app.use(async (ctx, next) => {
        ctx.session = open(ctx.headers.cookie);
        await next();
        ctx.set(...VARY);
      });
      app.use(async (ctx) => {
        if (ctx.path === "/login") ctx.set("Set-Cookie", floor.signIn());
        ctx.body = greet(ctx.path === "/login" ? name : (await ctx.session(ctx.path)).name);
      });
    }),
  "Hono 4": () =>
    listenHono(async (app) => {
      const floor = await newFloor();
      const open = opener(floor);
      app.use(async (context, next) => {
        context.set("session", open(context.req.header("cookie")));
        await next();
        context.res.headers.set(...VARY);
      });
      for (const path of floor.paths.keys())
        app.get(path, async (context) =>
          context.json(greet((await context.get("session")(path)).name)),
        );
      app.get("/login", (context) =>
        context.json(greet(name), 200, { "Set-Cookie": floor.signIn() }),
      );
    }),
};
