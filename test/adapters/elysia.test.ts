// Elysia on a real listener: Bun's own where this runs on Bun, elsewhere as the fetch handler that
// it is. And what is peculiar to it.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Elysia } from "elysia";
import { elysiaSession } from "../../src/adapters/elysia.ts";
import { type RequestSession, Session, StoreError } from "../../src/session.ts";
import { adapterConformance } from "../../src/testing.ts";
import { type Listening, serveFetch } from "../support/listen.ts";

async function listen(app: Elysia): Promise<Listening> {
  if (!("Bun" in globalThis)) return serveFetch((request) => app.fetch(request));
  app.listen({ port: 0, hostname: "127.0.0.1" });
  return {
    url: `http://127.0.0.1:${app.server?.port}`,
    close: async () => void (await app.stop(true)),
  };
}

adapterConformance(
  { describe, it, before, after },
  {
    name: "Elysia",
    start(session, handle) {
      const app = new Elysia()
        .use(elysiaSession(session))
        .all("/*", async ({ session: own, request }) => {
          const { status, headers, body } = await handle(own, new URL(request.url).pathname);
          return new Response(body, { status, headers });
        });
      // Its routes are in its type.
      return listen(app as unknown as Elysia);
    },
  },
);

interface Data {
  userId?: string;
  attempts?: number;
}

const newSession = (): Session<Data> => new Session<Data>({ cookie: { secure: false } });
const oursOf = (response: Response): string[] =>
  response.headers.getSetCookie().filter((line) => line.startsWith("session_id="));
const ask = (
  app: { handle(request: Request): Promise<Response> },
  path: string,
): Promise<Response> => app.handle(new Request(`http://localhost${path}`));
const isDown = {
  get: () => Promise.reject(new Error("down")),
  set: () => Promise.reject(new Error("down")),
  delete: async () => {},
};

describe("elysiaSession", () => {
  it("gives handlers the session, typed, under the name that was asked for", async () => {
    const session = newSession();
    const admins = new Session<{ admin: string }>({ cookieName: "admin_id" });
    const app = new Elysia()
      .use(elysiaSession(session))
      .use(elysiaSession(admins, { property: "admin" }))
      .get("/", async (context) => {
        const user: RequestSession<Data> = context.session;
        const admin: RequestSession<{ admin: string }> = context.admin;
        // @ts-expect-error the data has no such field
        await user.get("admin");
        user.set("userId", "1");
        admin.set("admin", "2");
        return "done";
      });
    const names = (await ask(app, "/")).headers.getSetCookie().map((line) => line.split("=")[0]);
    assert.deepEqual(names.sort(), ["admin_id", "session_id"]);
  });

  it("adds to every kind of answer", async () => {
    const answers: Record<string, () => unknown> = {
      value: () => ({ done: true }),
      text: () => "done",
      nothing: () => undefined,
      immutable: () => Response.redirect("http://localhost/elsewhere", 302),
      stream: () =>
        new ReadableStream({
          start: (controller) => (controller.enqueue("done"), controller.close()),
        }),
    };
    const app = new Elysia()
      .use(elysiaSession(newSession()))
      .get("/:kind", ({ session, set, params }) => {
        session.set("attempts", 1);
        set.headers["cache-control"] = "public";
        set.headers.vary = "Accept";
        return answers[params.kind]?.();
      });
    for (const kind of Object.keys(answers)) {
      const response = await ask(app, `/${kind}`);
      assert.equal(oursOf(response).length, 1, kind);
      assert.equal(response.headers.get("cache-control"), "no-store", kind);
      assert.match(response.headers.get("vary") ?? "", /cookie/i, kind);
    }
  });

  it("writes the session for a status below 500, returned or thrown, and drops it for others", async () => {
    const session = newSession();
    const app = new Elysia()
      .use(elysiaSession(session))
      .get(
        "/returned/:code",
        ({ session: own, status, params }) => (
          own.set("attempts", 1),
          status(Number(params.code) as 401, "no")
        ),
      )
      .get("/thrown/:code", ({ session: own, status, params }) => {
        own.set("attempts", 1);
        // Elysia's own idiom.
        // oxlint-disable-next-line typescript/only-throw-error
        throw status(Number(params.code) as 401, "no");
      })
      .get(
        "/set/:code",
        ({ session: own, set, params }) => (
          own.set("attempts", 1),
          (set.status = Number(params.code)),
          "no"
        ),
      );
    for (const how of ["returned", "thrown", "set"]) {
      const refused = await ask(app, `/${how}/401`);
      assert.equal(refused.status, 401, how);
      assert.deepEqual(
        await session.get(oursOf(refused)[0]?.split(/[=;]/)[1]),
        { attempts: 1 },
        how,
      );
      const failed = await ask(app, `/${how}/500`);
      assert.deepEqual([failed.status, oursOf(failed)], [500, []], how);
    }
  });

  it("hands onError the failure of a store, and is there in it", async () => {
    const told: unknown[] = [];
    const sessions = elysiaSession(new Session<Data>({ store: isDown, cookie: { secure: false } }));
    const app = new Elysia()
      .onError(({ error, request, set }) => {
        told.push(error, sessions.of(request).isUsed);
        set.status = 503;
        return "later";
      })
      .use(sessions)
      .get("/", ({ session }) => (session.set("attempts", 1), "done"));
    const response = await ask(app, "/");
    assert.deepEqual(
      [response.status, await response.text(), oursOf(response)],
      [503, "later", []],
    );
    assert.ok(told[0] instanceof StoreError && told[1] === true);
  });

  it("answers 503 where the answer to an error cannot be written, and tells onFailure", async () => {
    const told: unknown[] = [];
    const sessions = elysiaSession(
      new Session<Data>({ store: isDown, cookie: { secure: false } }),
      { onFailure: (error) => told.push(error) },
    );
    const app = new Elysia().use(sessions).get("/", ({ session, status }) => {
      session.set("attempts", 1);
      // oxlint-disable-next-line typescript/only-throw-error
      throw status(401, "no");
    });
    const response = await ask(app, "/");
    assert.deepEqual([response.status, oursOf(response), told.length], [503, [], 1]);
  });

  it("refuses handlers that Elysia did not compile, and what is no Elysia", async () => {
    const app = new Elysia({ aot: false })
      .use(elysiaSession(newSession()))
      .get("/", ({ session }) => session.data);
    assert.equal((await ask(app, "/")).status, 500);
    assert.throws(() => elysiaSession(newSession())({}), TypeError);
  });
});
