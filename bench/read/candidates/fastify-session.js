// @fastify/session and @mgcrea/fastify-session, each with its own store in memory and
// `saveUninitialized` off (and `rolling`, which the second does not have), which is their cheapest.
// Injecting requests would cost more than the session: the hooks that it and @fastify/cookie
// register are caught, and called as Fastify's runners call them, on Fastify's own Request and
// Reply. `part: "read"` is onRequest, `part: "request"` onSend as well.
import fastifyCookie from "@fastify/cookie";
import fastify from "fastify";
import { cookieIn, nodeRequest, nodeResponse } from "../messages.js";

const COOKIE = "sessionId";
const SECRET = "a secret of at least 32 characters";
const PLUGINS = {
  "@fastify/session": {
    options: {
      secret: SECRET,
      cookieName: COOKIE,
      rolling: false,
      saveUninitialized: false,
      cookie: { secure: false },
    },
    write: (session, data) => Object.assign(session, data),
    read: (session) => session,
  },
  "@mgcrea/fastify-session": {
    options: {
      secret: SECRET,
      cookieName: COOKIE,
      saveUninitialized: false,
      cookie: { secure: false },
    },
    write(session, data) {
      for (const [field, value] of Object.entries(data)) session.set(field, value);
    },
    read: (session) => session.data,
  },
};

export async function setUp({ plugin: name = "@fastify/session", part }) {
  const { options, write, read } = PLUGINS[name];
  const { default: plugin } = await import(name);
  const app = fastify();
  const hooks = { onRequest: [], onSend: [] };
  const addHook = app.addHook;
  app.addHook = function (when, hook) {
    hooks[when]?.push(hook);
    return addHook.call(this, when, hook);
  };
  app.register(fastifyCookie);
  app.register(plugin, options);
  const shape = {};
  app.get("/", (request, reply) => {
    const contextKey = Object.getOwnPropertySymbols(request).find(
      (symbol) => request[symbol]?.handler,
    );
    Object.assign(shape, {
      Request: request.constructor,
      Reply: reply.constructor,
      context: request[contextKey],
      log: request.log,
    });
    write(request.session, { probe: true });
    return {};
  });
  const probe = await app.inject("/");
  if (probe.statusCode !== 200 || !probe.headers["set-cookie"])
    throw new Error("Cannot catch Fastify's hooks: its own request failed");
  if (hooks.onRequest.length !== 2 || hooks.onSend.length !== 2)
    throw new Error("Cannot catch Fastify's hooks: others than those of cookie and session came");

  const toInput = (cookie) => {
    const req = nodeRequest(cookie);
    const request = new shape.Request("req-1", {}, req, {}, shape.log, shape.context);
    return { request, reply: new shape.Reply(nodeResponse(req), request, shape.log) };
  };
  /** A hook calls back, or gives a promise. */
  const runAll = (list, args, done) => {
    let at = 0;
    const next = (error) => {
      if (error) throw error;
      if (at === list.length) return void done();
      const promise = list[at++].call(app, ...args, next);
      if (promise && typeof promise.then === "function") promise.then(() => next(), next);
    };
    next();
  };
  const run = ({ request, reply }, done) =>
    runAll(hooks.onRequest, [request, reply], () => {
      if (part === "read") done();
      else runAll(hooks.onSend, [request, reply, "{}"], done);
    });
  return {
    cookieName: COOKIE,
    async signIn(data) {
      const { request, reply } = toInput(undefined);
      await new Promise((resolve) => runAll(hooks.onRequest, [request, reply], resolve));
      write(request.session, data);
      await new Promise((resolve) => runAll(hooks.onSend, [request, reply, "{}"], resolve));
      return cookieIn(reply.getHeader("set-cookie"));
    },
    toInput,
    readAll: (inputs) =>
      new Promise((resolve) => {
        let open = inputs.length;
        const done = () => {
          if (--open === 0) resolve(inputs);
        };
        for (const input of inputs) run(input, done);
      }),
    toData: ({ request }) => read(request.session),
  };
}
