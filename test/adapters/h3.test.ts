// What is peculiar to h3: what it adds to answers, and what its handlers throw. frameworks.test.ts
// holds it to adapterConformance.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { H3, html, HTTPError, redirect } from "h3";
import { h3Session } from "../../src/adapters/h3.ts";
import { type RequestSession, Session } from "../../src/session.ts";

type Data = Record<string, unknown>;

function start(options: ConstructorParameters<typeof H3>[0] = {}): {
  app: H3;
  session: Session<Data>;
  of: (event: { context: object }) => RequestSession<Data>;
} {
  const session = new Session<Data>({ cookie: { secure: false } });
  const sessions = h3Session(session);
  const app = new H3({ silent: true, ...options });
  app.use(sessions);
  return { app, session, of: sessions.of };
}

const oursOf = (response: Response): string[] =>
  response.headers.getSetCookie().filter((line) => line.startsWith("session_id="));
const varyOf = (response: Response): string[] =>
  (response.headers.get("vary") ?? "").toLowerCase().split(/, */).sort();

describe("h3Session", () => {
  it("puts the session into the context, and gives it typed", async () => {
    const { app, of } = start();
    app.get("/", (event) => String(Reflect.get(event.context, "session") === of(event)));
    assert.equal(await (await app.request("/")).text(), "true");
    assert.throws(() => of({ context: {} }), TypeError);
  });

  it("adds to every kind of answer, and keeps what the answer and the application say themselves", async () => {
    const { app, of } = start();
    const page = html`<p>shared by all requests</p>`;
    page.headers.set("vary", "Accept");
    const answers: Record<string, () => unknown> = {
      value: () => ({ done: true }),
      text: () => "done",
      nothing: () => null,
      html: () => page,
      redirect: () => redirect("/elsewhere"),
      response: () =>
        new Response("done", {
          headers: { vary: "Accept", "cache-control": "public", "set-cookie": "theme=dark" },
        }),
      immutable: () => Response.redirect("http://localhost/elsewhere", 302),
    };
    app.get("/**", (event) => {
      of(event).set("n", 1);
      event.res.headers.append("set-cookie", "lang=en");
      event.res.headers.set("cache-control", "public");
      return answers[event.url.pathname.slice(1)]?.();
    });
    for (const kind of Object.keys(answers)) {
      const response = await app.request(`/${kind}`);
      assert.equal(oursOf(response).length, 1, kind);
      assert.ok(response.headers.getSetCookie().includes("lang=en"), kind);
      assert.equal(response.headers.get("cache-control"), "no-store", kind);
      assert.ok(varyOf(response).includes("cookie"), kind);
      if (kind === "html" || kind === "response")
        assert.deepEqual(varyOf(response), ["accept", "cookie"], kind);
      if (kind === "response") assert.ok(response.headers.getSetCookie().includes("theme=dark"));
    }
    // It is the application's, and the next visitor's as well.
    assert.equal(page.headers.get("set-cookie"), null);
  });

  it("writes the session where a handler throws or gives a status below 500, and sends its cookie", async () => {
    const { app, session, of } = start();
    const refusals: Record<string, () => unknown> = {
      thrown: () => {
        throw new HTTPError({ status: 401, headers: { vary: "Accept" } });
      },
      returned: () => new HTTPError({ status: 401 }),
      response: () => new Response("no", { status: 401 }),
    };
    app.get("/**", (event) => {
      of(event).set("attempts", 1);
      return refusals[event.url.pathname.slice(1)]?.();
    });
    for (const kind of Object.keys(refusals)) {
      const response = await app.request(`/${kind}`);
      assert.equal(response.status, 401, kind);
      assert.ok(varyOf(response).includes("cookie"), kind);
      const id = oursOf(response)[0]?.split(/[=;]/)[1];
      assert.deepEqual(await session.get(id), { attempts: 1 }, kind);
    }
  });

  it("says that a page which is not there varies too, where something looked at the session before", async () => {
    const { app, of } = start();
    app.use(async (event) => void (await of(event).data));
    const response = await app.request("/nowhere");
    assert.equal(response.status, 404);
    assert.deepEqual(varyOf(response), ["cookie"]);
  });

  it("drops the changes of what throws without a status, and of what returns an error", async () => {
    const { app, of } = start();
    app.get("/thrown", (event) => {
      of(event).set("n", 1);
      throw new Error("broken");
    });
    app.get("/returned", (event) => {
      of(event).set("n", 1);
      return new Error("broken");
    });
    for (const path of ["/thrown", "/returned"]) {
      const response = await app.request(path);
      assert.equal(response.status, 500, path);
      assert.deepEqual(oursOf(response), [], path);
    }
  });

  it("writes nothing for a redirect or a Response that is thrown, of which h3 makes a 500", async () => {
    const { app, of } = start();
    const answers = { redirect: redirect("/", 303), response: new Response("page") };
    for (const [name, answer] of Object.entries(answers)) {
      app.post(`/${name}`, async (event) => {
        await of(event).login({ userId: "ada" });
        of(event).set("n", 1);
        throw answer as unknown as Error;
      });
      const response = await app.request(`/${name}`, { method: "POST" });
      assert.equal(response.status, 500, name);
      assert.deepEqual(oursOf(response), [], name);
    }
  });

  it("adds to what the application's onError gives", async () => {
    const { app, of } = start({ onError: (error) => ({ sorry: error.status }) });
    app.get("/", async (event) => {
      await of(event).login({ userId: "1" });
      throw new HTTPError({ status: 409 });
    });
    const response = await app.request("/");
    assert.deepEqual(await response.json(), { sorry: 409 });
    assert.equal(oursOf(response).length, 1);
    assert.equal(response.headers.get("cache-control"), "no-store");
  });

  it("hands onError what the application needs for a Response of its own", async () => {
    const { app, of } = start({
      onError: (error, event) =>
        new Response("sorry", { status: error.status, headers: event.res.errHeaders }),
    });
    app.get("/", async (event) => {
      await of(event).login({ userId: "1" });
      throw new HTTPError({ status: 409 });
    });
    assert.equal(oursOf(await app.request("/")).length, 1);
  });
});
