// The application of adapterConformance in each framework whose adapter takes a line: listened to
// by test/adapters on node, Bun and Deno, and by test/runtimes on workerd.
import type { RequestListener } from "node:http";
import { initTRPC, TRPCError } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import express from "express";
import express4 from "express4";
import { H3 } from "h3";
import { Hono } from "hono";
import Koa from "koa";
import Koa2 from "koa2";
import { expressSession } from "../../src/adapters/express.ts";
import { withSession } from "../../src/adapters/fetch.ts";
import { h3Session } from "../../src/adapters/h3.ts";
import { harpiaSession } from "../../src/adapters/harpia.ts";
import { honoSession } from "../../src/adapters/hono.ts";
import { koaSession } from "../../src/adapters/koa.ts";
import { withSession as withNodeSession } from "../../src/adapters/node.ts";
import harpia, { type App } from "../../src/index.ts";
import { type RequestSession, type Session, StoreError } from "../../src/session.ts";
import type { Answer, Handle } from "../../src/testing.ts";

type ConformanceSession = Session<Record<string, unknown>>;
export type Fetch = (request: Request) => Response | Promise<Response>;

/** What a handler of the suite answers, as a Response. */
export async function toResponse(answer: ReturnType<Handle>): Promise<Response> {
  const { status, headers, body } = await answer;
  return new Response(body, { status, headers });
}

function koaListener(
  Class: typeof Koa,
  session: ConformanceSession,
  handle: Handle,
): RequestListener {
  const app = new Class();
  const sessions = koaSession(session);
  // Errors are expected: Koa would print them.
  app.silent = true;
  app.use(sessions);
  app.use(async (ctx) => {
    const { status, headers, body } = await handle(sessions.of(ctx), ctx.path);
    ctx.status = status;
    ctx.set(headers);
    ctx.body = body;
  });
  const listener = app.callback();
  return (req, res) => void listener(req, res);
}

/** What listens to node's requests. */
export const NODE_APPS: Record<
  string,
  (session: ConformanceSession, handle: Handle) => RequestListener
> = {
  "node http": (session, handle) =>
    withNodeSession(
      session,
      async (req, res, own) => {
        const { status, headers, body } = await handle(own, req.url ?? "/");
        res.writeHead(status, headers).end(body);
      },
      // Errors are expected: they would be process warnings.
      { onFailure: () => {} },
    ),
  "Express 5"(session, handle) {
    const app = express();
    // Errors are expected: Express would print them.
    app.set("env", "test");
    const sessions = expressSession(session);
    app.use(sessions);
    app.use(async (req, res) => {
      const { status, headers, body } = await handle(sessions.of(req), req.path);
      res.status(status).set(headers).send(body);
    });
    return app;
  },
  "Express 4"(session, handle) {
    const app = express4();
    app.set("env", "test");
    const sessions = expressSession(session);
    app.use(sessions);
    app.use(async (req, res, next) => {
      try {
        const { status, headers, body } = await handle(sessions.of(req), req.path);
        res.status(status).set(headers).send(body);
      } catch (error) {
        next(error);
      }
    });
    return app;
  },
  "Koa 3": (session, handle) => koaListener(Koa, session, handle),
  // As far as it is used, Koa 2 is the same.
  "Koa 2": (session, handle) => koaListener(Koa2 as unknown as typeof Koa, session, handle),
};

/** What takes a Request and gives a Response. */
export const FETCH_APPS: Record<string, (session: ConformanceSession, handle: Handle) => Fetch> = {
  "Hono 4"(session, handle) {
    const app = new Hono();
    const sessions = honoSession(session);
    app.use(sessions);
    app.all("*", (c) => toResponse(handle(sessions.of(c), c.req.path)));
    return app.fetch;
  },
  "h3 2"(session, handle) {
    // Errors are expected: h3 would print them.
    const app = new H3({ silent: true });
    const sessions = h3Session(session);
    app.use(sessions);
    app.all("/**", (event) => toResponse(handle(sessions.of(event), event.url.pathname)));
    return (request) => app.fetch(request);
  },
  "a fetch handler": (session, handle) =>
    withSession(session, (request, own) => toResponse(handle(own, new URL(request.url).pathname))),
  "tRPC 11 in a fetch handler": trpcApp,
};

/** Without tRPC's envelope: the suite asks for pages. */
function trpcApp(session: ConformanceSession, handle: Handle): Fetch {
  const t = initTRPC.context<{ session: RequestSession<Record<string, unknown>> }>().create();
  const answers = new WeakMap<object, Answer>();
  // tRPC makes any other error a 500.
  const procedure = t.procedure.use(async ({ next }) => {
    const result = await next();
    if (!result.ok && result.error.cause instanceof StoreError)
      throw new TRPCError({ code: "SERVICE_UNAVAILABLE", cause: result.error.cause });
    return result;
  });
  const page = procedure.input(String).query(async ({ ctx, input }) => {
    const answer = await handle(ctx.session, input);
    answers.set(ctx, answer);
    return answer.body;
  });
  const router = t.router({ page });
  return withSession(session, async (request, own) => {
    const { pathname, origin } = new URL(request.url);
    const response = await fetchRequestHandler({
      endpoint: "/trpc",
      req: new Request(
        `${origin}/trpc/page?input=${encodeURIComponent(JSON.stringify(pathname))}`,
        request,
      ),
      router,
      createContext: () => ({ session: own }),
      responseMeta({ ctx }) {
        const answer = ctx && answers.get(ctx);
        return answer ? { status: answer.status, headers: new Headers(answer.headers) } : {};
      },
    });
    // What tRPC wraps the answer of a procedure in.
    const { result } = (await response.json()) as { result?: { data: string } };
    return new Response(result?.data, response);
  });
}

/** harpia() brings its own server. */
export function harpiaApp(session: ConformanceSession, handle: Handle): App {
  const app = harpia();
  const sessions = harpiaSession(session);
  // Errors are expected: they would be printed.
  app.onError(() => {});
  app.use(sessions);
  app.all("*", async (req, res) => {
    const { status, headers, body } = await handle(sessions.of(req), new URL(req.url).pathname);
    for (const [name, value] of Object.entries(headers)) res.headers.append(name, value);
    res.status(status).send(body);
  });
  return app;
}
