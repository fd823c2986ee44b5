// What is peculiar to Koa: it answers what is thrown with the headers of the error, and with no
// others.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import Koa from "koa";
import Koa2 from "koa2";
import { koaSession } from "../../src/adapters/koa.ts";
import { MemoryStore, Session } from "../../src/session.ts";
import { listen } from "../support/listen.ts";

type Data = Record<string, unknown>;

// As far as it is used, Koa 2 is the same.
for (const [name, Class] of [
  ["Koa 3", Koa],
  ["Koa 2", Koa2 as unknown as typeof Koa],
] as const) {
  describe(`koaSession, ${name}`, () => {
    // What AbortSignal.timeout() makes fetch reject with: it answers nobody who only inherits from
    // it.
    const late = new DOMException("too late", "TimeoutError");
    const shared = Object.assign(new Error("no"), {
      status: 401,
      headers: { vary: "Accept", "x-why": "no" },
    });

    async function answerOf(
      path: string,
      session: Session<Data>,
      outer?: (app: Koa) => void,
    ): Promise<Response> {
      const sessions = koaSession(session);
      const app = new Class();
      app.silent = true;
      outer?.(app);
      app.use(sessions);
      app.use(async (ctx) => {
        await sessions.of(ctx).data;
        if (ctx.path === "/read") ctx.throw(404);
        sessions.of(ctx).set("attempts", 1);
        if (ctx.path === "/past") {
          ctx.respond = false;
          return void ctx.res.end("past Koa");
        }
        if (ctx.path === "/shared") throw shared;
        if (ctx.path === "/broken") throw new Error("broken");
        if (ctx.path === "/late") throw late;
        ctx.throw(401);
      });
      const listener = app.callback();
      const { url, close } = await listen(createServer((req, res) => void listener(req, res)));
      return fetch(url + path).finally(close);
    }
    const oursOf = (response: Response): string[] =>
      response.headers.getSetCookie().filter((line) => line.startsWith("session_id="));

    it("writes the session where a status below 500 is thrown, and sends its cookie", async () => {
      const session = new Session<Data>({ cookie: { secure: false } });
      const refused = await answerOf("/throw", session);
      assert.equal(refused.status, 401);
      assert.deepEqual(
        [refused.headers.get("vary"), refused.headers.get("cache-control")],
        ["Cookie", "no-store"],
      );
      assert.deepEqual(await session.get(oursOf(refused)[0]?.split(/[=;]/)[1]), { attempts: 1 });
    });

    it("says that an error page varies where the session was looked at", async () => {
      const missing = await answerOf("/read", new Session<Data>({ cookie: { secure: false } }));
      assert.deepEqual(
        [missing.status, missing.headers.get("vary"), oursOf(missing)],
        [404, "Cookie", []],
      );
    });

    it("keeps an error's own headers, and leaves nothing on one that others throw too", async () => {
      const refused = await answerOf("/shared", new Session<Data>({ cookie: { secure: false } }));
      assert.deepEqual(
        [refused.status, refused.headers.get("x-why"), refused.headers.get("vary")?.toLowerCase()],
        [401, "no", "accept, cookie"],
      );
      assert.equal(oursOf(refused).length, 1);
      assert.deepEqual(shared.headers, { vary: "Accept", "x-why": "no" });
    });

    it("reaches an answer that a middleware before it makes of the error", async () => {
      const refused = await answerOf(
        "/throw",
        new Session<Data>({ cookie: { secure: false } }),
        (app) =>
          app.use(async (ctx, next) => {
            await next().catch(() => {
              ctx.status = 422;
              ctx.body = "sorry";
            });
          }),
      );
      assert.deepEqual([refused.status, oursOf(refused).length], [422, 1]);
    });

    it("hands errors on as they are, whatever they are, and answers", async () => {
      const told: unknown[] = [];
      const failed = await answerOf(
        "/late",
        new Session<Data>({ cookie: { secure: false } }),
        (app) => app.on("error", (error) => told.push(error)),
      );
      assert.deepEqual(
        [failed.status, failed.headers.get("vary"), oursOf(failed)],
        [500, "Cookie", []],
      );
      assert.equal(told[0], late);
    });

    it("stores nothing that would need a cookie where the handler has answered past Koa, and says so", async () => {
      const store = new MemoryStore<Data>();
      const told: unknown[] = [];
      const sent = await answerOf(
        "/past",
        new Session<Data>({ store, cookie: { secure: false } }),
        (app) => app.on("error", (error) => told.push((error as { code: string }).code)),
      );
      assert.deepEqual(
        [await sent.text(), oursOf(sent), await store.count(), told],
        ["past Koa", [], 0, ["ERR_HEADERS_SENT"]],
      );
    });

    it("drops the changes of what has no status", async () => {
      const broken = await answerOf("/broken", new Session<Data>({ cookie: { secure: false } }));
      assert.deepEqual([broken.status, oursOf(broken)], [500, []]);
    });
  });
}
