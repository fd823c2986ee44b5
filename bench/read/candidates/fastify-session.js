// @fastify/session with its own store, `rolling` and `saveUninitialized` off, which is its cheapest. Injecting requests
// would cost more than the session: the hooks that it and @fastify/cookie register are caught, and called as Fastify's
// runners call them, on Fastify's own Request and Reply. `part: "read"` is onRequest, `part: "request"` onSend as well.
import fastifyCookie from "@fastify/cookie";
import fastifySession from "@fastify/session";
import fastify from "fastify";
import { cookieIn, nodeRequest, nodeResponse } from "../messages.js";

const COOKIE = "sessionId";

export async function setUp({ part }) {
  const app = fastify();
  const hooks = { onRequest: [], onSend: [] };
  const addHook = app.addHook;
  app.addHook = function (name, hook) {
    hooks[name]?.push(hook);
    return addHook.call(this, name, hook);
  };
  app.register(fastifyCookie);
  app.register(fastifySession, { secret: "a secret of at least 32 characters", rolling: false, saveUninitialized: false, cookie: { secure: false } });
  const shape = {};
  app.get("/", (request, reply) => {
    const contextKey = Object.getOwnPropertySymbols(request).find((symbol) => request[symbol]?.handler);
    Object.assign(shape, { Request: request.constructor, Reply: reply.constructor, context: request[contextKey], log: request.log });
    Object.assign(request.session, { probe: true });
    return {};
  });
  const probe = await app.inject("/");
  if (probe.statusCode !== 200 || !probe.headers["set-cookie"]) throw new Error("Cannot catch Fastify's hooks: its own request failed");
  if (hooks.onRequest.length !== 2 || hooks.onSend.length !== 2) throw new Error("Cannot catch Fastify's hooks: others than those of cookie and session came");

  const toInput = (cookie) => {
    const req = nodeRequest(cookie);
    const request = new shape.Request("req-1", {}, req, {}, shape.log, shape.context);
    return { request, reply: new shape.Reply(nodeResponse(req), request, shape.log) };
  };
  const run = ({ request, reply }, done) => {
    let at = 0;
    const nextOnSend = (error) => {
      if (error) throw error;
      if (at === hooks.onSend.length) done();
      else hooks.onSend[at++].call(app, request, reply, "{}", nextOnSend);
    };
    const nextOnRequest = (error) => {
      if (error) throw error;
      if (at < hooks.onRequest.length) return void hooks.onRequest[at++].call(app, request, reply, nextOnRequest);
      if (part === "read") return done();
      at = 0;
      nextOnSend();
    };
    nextOnRequest();
  };
  return {
    cookieName: COOKIE,
    async signIn(data) {
      const input = toInput(undefined);
      await new Promise((resolve) => {
        hooks.onRequest[0].call(app, input.request, input.reply, () =>
          hooks.onRequest[1].call(app, input.request, input.reply, () => {
            Object.assign(input.request.session, data);
            hooks.onSend.reduceRight((next, hook) => () => hook.call(app, input.request, input.reply, "{}", next), resolve)();
          }),
        );
      });
      return cookieIn(input.reply.getHeader("set-cookie"));
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
    toData: ({ request }) => request.session,
  };
}
