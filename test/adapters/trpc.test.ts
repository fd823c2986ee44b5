// tRPC 11 over our adapters, by each of its own: fetch, standalone, Express and Fastify. It needs
// no adapter: its context takes the session. frameworks.test.ts holds it to adapterConformance.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";
import { initTRPC, TRPCError } from "@trpc/server";
import { createExpressMiddleware } from "@trpc/server/adapters/express";
import { fastifyTRPCPlugin } from "@trpc/server/adapters/fastify";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { createHTTPHandler } from "@trpc/server/adapters/standalone";
import express from "express";
import fastify from "fastify";
import { expressSession } from "../../src/adapters/express.ts";
import { fastifySession } from "../../src/adapters/fastify.ts";
import { withSession as withFetchSession } from "../../src/adapters/fetch.ts";
import { withSession } from "../../src/adapters/node.ts";
import { MemoryStore } from "../../src/memory-store.ts";
import { type RequestSession, Session } from "../../src/session.ts";
import { type Listening, listen, serveFetch } from "../support/listen.ts";

type Data = Record<string, unknown>;
interface Context {
  session: RequestSession<Data>;
}

const t = initTRPC.context<Context>().create();
let haveLeft = (): void => {};
const headersLeft = (): Promise<void> => new Promise((resolve) => (haveLeft = resolve));

const router = t.router({
  login: t.procedure.mutation(({ ctx }) => ctx.session.login({ userId: "1" })),
  visit: t.procedure.mutation(({ ctx }) => ctx.session.set("visited", true)),
  rename: t.procedure.mutation(({ ctx }) => ctx.session.set("name", "new")),
  me: t.procedure.query(async ({ ctx }) => (await ctx.session.get("userId")) ?? null),
  loginLate: t.procedure.mutation(async ({ ctx }) => {
    await headersLeft();
    await ctx.session.login({ userId: "1" });
  }),
  fail: t.procedure.mutation(({ ctx }) => {
    ctx.session.set("half", "done");
    throw new TRPCError({ code: "INTERNAL_SERVER_ERROR" });
  }),
  refuse: t.procedure.mutation(({ ctx }) => {
    ctx.session.set("attempts", 1);
    throw new TRPCError({ code: "UNAUTHORIZED" });
  }),
  logout: t.procedure.mutation(({ ctx }) => ctx.session.destroy()),
});

const SERVERS: Record<string, (session: Session<Data>) => Promise<Listening>> = {
  fetch: (session) =>
    serveFetch(
      withFetchSession(session, (req, own) =>
        fetchRequestHandler({
          endpoint: "/trpc",
          req,
          router,
          createContext: () => ({ session: own }),
        }),
      ),
    ),
  standalone: (session) => {
    const sessions = withSession(session, (req, res, own) =>
      createHTTPHandler({ router, basePath: "/trpc/", createContext: () => ({ session: own }) })(
        req,
        res,
      ),
    );
    return listen(createServer(sessions));
  },
  Express: (session) => {
    const sessions = expressSession(session);
    const app = express();
    app.use(sessions);
    app.use(
      "/trpc",
      createExpressMiddleware({
        router,
        createContext: ({ req }) => ({ session: sessions.of(req) }),
      }),
    );
    return listen(createServer(app));
  },
  async Fastify(session) {
    const sessions = fastifySession(session);
    const app = fastify({ forceCloseConnections: true });
    await app.register(sessions);
    await app.register(fastifyTRPCPlugin, {
      prefix: "/trpc",
      trpcOptions: {
        router,
        createContext: ({ req }: { req: object }) => ({ session: sessions.of(req) }),
      },
    });
    return { url: await app.listen({ port: 0, host: "127.0.0.1" }), close: () => app.close() };
  },
};

for (const [name, start] of Object.entries(SERVERS)) {
  describe(`tRPC 11, ${name}`, () => {
    const store = new MemoryStore<Data>();
    const session = new Session<Data>({ store, cookie: { secure: false } });
    let server: Listening;
    before(async () => void (server = await start(session)));
    after(() => server.close());

    async function call(
      path: string,
      method: "GET" | "POST",
      cookie = "",
    ): Promise<{ response: Response; cookie: string; text: string }> {
      const body =
        method === "POST"
          ? { body: "{}", headers: { cookie, "content-type": "application/json" } }
          : { headers: { cookie } };
      const response = await fetch(`${server.url}/trpc/${path}`, { method, ...body });
      return {
        response,
        cookie: response.headers.getSetCookie()[0]?.split(";")[0] ?? "",
        text: await response.text(),
      };
    }

    it("signs in, is known, and signs out", async () => {
      const { cookie } = await call("login", "POST");
      const me = await call("me", "GET", cookie);
      assert.deepEqual(
        [me.text, me.cookie, me.response.headers.get("vary")?.toLowerCase().includes("cookie")],
        ['{"result":{"data":"1"}}', "", true],
      );
      await call("logout", "POST", cookie);
      assert.equal((await call("me", "GET", cookie)).text, '{"result":{"data":null}}');
    });

    it("shares one session among the calls of a batch", async () => {
      const { cookie } = await call("login", "POST");
      const { text } = await call("visit,rename?batch=1", "POST", cookie);
      assert.equal(text, '[{"result":{}},{"result":{}}]');
      assert.deepEqual(await session.get(cookie.split("=")[1]), {
        userId: "1",
        visited: true,
        name: "new",
      });
    });

    it("writes nothing for a procedure that fails, and all for one that refuses", async () => {
      const { cookie } = await call("login", "POST");
      assert.equal((await call("fail", "POST", cookie)).response.status, 500);
      assert.equal((await call("refuse", "POST", cookie)).response.status, 401);
      assert.deepEqual(await session.get(cookie.split("=")[1]), { userId: "1", attempts: 1 });
    });

    it("refuses a login in a batch that streams, whose headers have left, and stores nothing", async () => {
      const before = await store.count();
      const response = await fetch(`${server.url}/trpc/loginLate?batch=1`, {
        method: "POST",
        headers: { "content-type": "application/json", "trpc-accept": "application/jsonl" },
        body: "{}",
      });
      haveLeft();
      assert.match(await response.text(), /headers of this response have been sent/);
      assert.deepEqual(
        [response.status, response.headers.getSetCookie(), await store.count()],
        [200, [], before],
      );
    });
  });
}
