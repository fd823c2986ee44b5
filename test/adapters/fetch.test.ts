// What is peculiar to the fetch adapter: frameworks that stand inside the handler and answer errors
// themselves. The rest is adapterConformance, in frameworks.test.ts and test/apps.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withSession } from "../../src/adapters/fetch.ts";
import {
  MemoryStore,
  type RequestSession,
  Session,
  type SessionStore,
  StoreError,
} from "../../src/session.ts";

interface Data {
  userId: string;
  count?: number;
}

/** A store that fails when it is asked for what is named. */
function failingAt(
  inner: SessionStore<Data>,
  failing: () => readonly string[],
): SessionStore<Data> {
  return new Proxy(inner, {
    get(target, name) {
      if (name === "readSync") return undefined;
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]): unknown =>
        failing().includes(String(name))
          ? Promise.reject(new Error("the server is down"))
          : Reflect.apply(member, target, args);
    },
  });
}

/** What SvelteKit, React Router and others make of a route's handler. */
function framework(route: (session: RequestSession<Data>) => Promise<unknown>) {
  return async (_request: Request, session: RequestSession<Data>): Promise<Response> => {
    try {
      return Response.json((await route(session)) ?? null);
    } catch {
      return new Response("<h1>Something went wrong</h1>", {
        status: 500,
        headers: { "content-type": "text/html" },
      });
    }
  };
}

describe("withSession", () => {
  const routes: Record<
    string,
    [method: string, route: (session: RequestSession<Data>) => Promise<unknown>]
  > = {
    data: ["read", (session) => session.data],
    login: ["create", (session) => session.login({ userId: "2" })],
    rotate: ["move", (session) => session.rotate()],
    destroy: ["remove", (session) => session.destroy()],
    "update with a function": [
      "patch",
      (session) => session.update(({ count = 0 }) => ({ count: count + 1 })),
    ],
    takeFlash: ["patch", (session) => session.takeFlash("notice")],
    commit: ["patch", async (session) => (session.set("count", 1), session.commit())],
  };

  for (const [name, [method, route]] of Object.entries(routes)) {
    it(`answers 503, and no page and no cookie, where a framework has made a page of the store's failure: ${name}`, async () => {
      let failing: readonly string[] = [];
      const sessions = new Session<Data>({
        store: failingAt(new MemoryStore<Data>(), () => failing),
      });
      const failures: StoreError[] = [];
      const handler = withSession(sessions, framework(route), {
        onFailure: (error) => failures.push(error),
      });
      const begin = withSession(sessions, async (_request, session) => {
        await session.login({ userId: "1" });
        session.flash("notice", "hello");
        return new Response();
      });
      const cookie =
        (await begin(new Request("https://example.com"))).headers
          .getSetCookie()[0]
          ?.split(";")[0] ?? "";
      const ask = (): Promise<Response> =>
        handler(new Request("https://example.com", { headers: { cookie } }));
      failing = [method];
      const answer = await ask();
      assert.deepEqual(
        [answer.status, await answer.text(), answer.headers.getSetCookie()],
        [503, "Service Unavailable", []],
      );
      assert.ok(failures[0] instanceof StoreError);
      failing = [];
      assert.equal((await ask()).status, 200);
    });
  }

  it("leaves a framework's page of any other failure as it is", async () => {
    const sessions = new Session<Data>();
    const failures: StoreError[] = [];
    const handler = withSession(
      sessions,
      framework(() => Promise.reject(new Error("out of paper"))),
      { onFailure: (error) => failures.push(error) },
    );
    const answer = await handler(new Request("https://example.com"));
    assert.deepEqual([answer.status, await answer.text()], [500, "<h1>Something went wrong</h1>"]);
    assert.deepEqual(failures, []);
  });

  it("leaves the answer of a handler that could do without the session", async () => {
    const sessions = new Session<Data>({
      store: failingAt(new MemoryStore<Data>(), () => ["read"]),
    });
    const handler = withSession(sessions, async (_request, session) => {
      const data = await session.data.catch(() => undefined);
      return Response.json(data ?? "Nobody knows");
    });
    const cookie = `session_id=${await sessions.create({ userId: "1" })}`;
    const answer = await handler(new Request("https://example.com", { headers: { cookie } }));
    assert.deepEqual(
      [answer.status, await answer.json(), answer.headers.get("vary")],
      [200, "Nobody knows", "Cookie"],
    );
  });

  it("writes where Bun's server.upgrade has answered, and refuses a session that would need a cookie", async () => {
    const store = new MemoryStore<Data>();
    const sessions = new Session<Data>({ store });
    const id = await sessions.create({ userId: "1" });
    const handler = withSession(sessions, async (_request, session) => {
      await session.data;
      session.set("count", 1);
      return undefined;
    });
    assert.equal(
      await handler(
        new Request("https://example.com", { headers: { cookie: `session_id=${id}` } }),
      ),
      undefined,
    );
    assert.deepEqual(await sessions.get(id), { userId: "1", count: 1 });
    await assert.rejects(handler(new Request("https://example.com")), { code: "ERR_HEADERS_SENT" });
    assert.equal(await store.count(), 1);
  });
});
