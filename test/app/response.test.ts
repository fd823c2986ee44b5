// Everything a handler can answer with, over real HTTP.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import harpia, { type Handler } from "../../src/index.ts";
import { Session } from "../../src/session.ts";
import { sendRaw, serveApp } from "../support/http.ts";
import { signal } from "../support/signal.ts";

type T = Parameters<typeof serveApp>[0];

async function answer(t: T, handler: Handler, method = "GET"): Promise<Response> {
  const { url } = await serveApp(t, harpia().all("/", handler));
  return fetch(url, { redirect: "manual", method });
}

describe("Response", () => {
  it("sends text, bytes, nothing and streams", async (t) => {
    const bytes = new TextEncoder().encode("bytes");
    const stream = new ReadableStream<Uint8Array>({
      async start(controller) {
        for (const chunk of ["one ", "two ", "three"]) {
          await new Promise((resolve) => setImmediate(resolve));
          controller.enqueue(new TextEncoder().encode(chunk));
        }
        controller.close();
      },
    });
    const bodies = [
      ["text", "text/plain; charset=utf-8", "text"],
      [bytes, null, "bytes"],
      [bytes.buffer, null, "bytes"],
      [undefined, null, ""],
      [null, null, ""],
      [stream, null, "one two three"],
    ] as const;
    for (const [body, type, text] of bodies) {
      const response = await answer(t, (_req, res) => res.send(body));
      assert.equal(response.status, 200);
      // What has no type may get one from the runtime.
      if (type !== null) assert.equal(response.headers.get("content-type"), type);
      assert.equal(await response.text(), text);
    }
  });

  it("sends JSON and pages, with a Content-Type that the application may choose", async (t) => {
    const json = await answer(t, (_req, res) => res.status(201).json({ a: [1, null] }));
    assert.equal(json.status, 201);
    assert.equal(json.headers.get("content-type"), "application/json");
    assert.deepEqual(await json.json(), { a: [1, null] });
    const page = await answer(t, (_req, res) => res.html("<p>é</p>"));
    assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
    assert.equal(await page.text(), "<p>é</p>");
    const problem = await answer(t, (_req, res) => {
      res.headers.set("content-type", "application/problem+json");
      res.json({ title: "no" });
    });
    assert.equal(problem.headers.get("content-type"), "application/problem+json");
  });

  it("redirects with 302, or the status that is given", async (t) => {
    for (const [status, expected] of [
      [undefined, 302],
      [303, 303],
      [308, 308],
    ] as const) {
      const response = await answer(t, (_req, res) => res.redirect("/there?a=1#b", status));
      assert.equal(response.status, expected);
      assert.equal(response.headers.get("location"), "/there?a=1#b");
    }
  });

  it("lets nobody write a header by way of a redirect", async (t) => {
    const app = harpia().get("/go", (req, res) => res.redirect(req.query["to"] ?? "/"));
    const { port } = await serveApp(t, app);
    const targets = [
      ["%0d%0aSet-Cookie:%20a=b", "%0D%0ASet-Cookie:%20a=b"],
      ["/x%0d%0a%0d%0a<script>", "/x%0D%0A%0D%0A<script>"],
      ["/%00%7f%C3%BC%F0%9F%90%A6", "/%00%7F%C3%BC%F0%9F%90%A6"],
      ["/%5Cevil.test", "/%5Cevil.test"],
      ["/ok%2541", "/ok%41"],
    ];
    for (const [to, location] of targets) {
      const response = await sendRaw(
        port,
        `GET /go?to=${to} HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n`,
      );
      assert.match(response, /^HTTP\/1\.1 302 /);
      assert.equal(/^location: (.*)\r$/im.exec(response)?.[1], location);
      assert.ok(!/^set-cookie/im.test(response), response);
    }
    const lone = await app.fetch(new Request("http://app.test/go"));
    assert.equal(lone.headers.get("location"), "/");
  });

  it("encodes a lone surrogate in a redirect instead of failing", async (t) => {
    const response = await answer(t, (_req, res) => res.redirect("/\ud83d"));
    assert.equal(response.headers.get("location"), "/%EF%BF%BD");
  });

  it("refuses what cannot be sent, before anything is", async (t) => {
    // What JavaScript could pass and TypeScript does not let through.
    const wrong = (value: unknown): never => value as never;
    const locked = new ReadableStream<Uint8Array>();
    locked.getReader();
    const response = await answer(t, (_req, res) => {
      assert.throws(() => res.status(99), RangeError);
      assert.throws(() => res.status(200.5), RangeError);
      assert.throws(() => res.status(wrong("200")), /Cannot use status 200/);
      assert.throws(
        () => res.redirect("/", wrong(200)),
        /Cannot redirect with status 200: one of 301, 302, 303, 307, 308 is wanted/,
      );
      assert.throws(() => res.send(wrong({ a: 1 })), /Cannot send this body: it is an object/);
      assert.throws(() => res.send(wrong(7)), /Cannot send this body: it is a number/);
      assert.throws(() => res.send(locked), /somebody else is reading it/);
      assert.throws(() => res.json(undefined), /Cannot answer with JSON: the data is undefined/);
      assert.throws(() => res.json(1n), TypeError);
      assert.throws(() => res.headers.set("x", "a\r\nb: c"), TypeError);
      assert.throws(() => res.headers.set("x y", "a"), TypeError);
      assert.throws(() => res.cookies.set("a", "b", { path: "/;x" }), TypeError);
      res.send("unharmed");
    });
    assert.equal(response.status, 200);
    assert.equal(await response.text(), "unharmed");
  });

  it("has no body where HTTP allows none, also without a server", async (t) => {
    for (const status of [204, 205, 304]) {
      const app = harpia().get("/", (_req, res) => res.status(status).send("dropped"));
      const { url } = await serveApp(t, app);
      for (const response of [await fetch(url), await app.fetch(new Request(url))]) {
        assert.equal(response.status, status);
        assert.equal(await response.text(), "");
      }
    }
    const app = harpia().get("/", (_req, res) => res.send("text"));
    assert.equal((await app.fetch(new Request("http://app.test/", { method: "HEAD" }))).body, null);
  });

  it("cancels a stream that HEAD does not want", async (t) => {
    let isCancelled = false;
    const stream = new ReadableStream<Uint8Array>({
      cancel() {
        isCancelled = true;
      },
    });
    const response = await answer(t, (_req, res) => res.send(stream), "HEAD");
    assert.equal(response.status, 200);
    assert.equal(isCancelled, true);
  });

  it("cancels a stream when the visitor has gone", async (t) => {
    const cancelled = signal();
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1000)),
      cancel: () => cancelled.give(),
    });
    const { url } = await serveApp(
      t,
      harpia().get("/", (_req, res) => res.send(stream)),
    );
    const leaving = new AbortController();
    const response = await fetch(url, { signal: leaving.signal });
    await response.body?.getReader().read();
    leaving.abort();
    await cancelled.given;
  });
});

describe("cookies of a Response", () => {
  it("are one for each name, the last one, and leave others alone", async (t) => {
    const response = await answer(t, (_req, res) => {
      res.headers.append("set-cookie", "other=1; Path=/");
      res.cookies.set("a", "1");
      res.cookies.set("ab", "2", { httpOnly: true });
      res.cookies.set("a", "3", { path: "/", sameSite: "lax" });
      res.cookies.delete("gone", { path: "/" });
      res.send();
    });
    assert.deepEqual(response.headers.getSetCookie(), [
      "other=1; Path=/",
      "ab=2; HttpOnly",
      "a=3; Path=/; SameSite=Lax",
      "gone=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    ]);
  });

  it("of sessions: a sign-out of the original API ends all that its request's cookies name", async (t) => {
    const session = new Session();
    const [one, other] = [await session.create({}), await session.create({})];
    const app = harpia().post("/", async (req, res) => {
      await session.delete(req.cookies.get("session_id"), res);
      res.json({});
    });
    const { url } = await serveApp(t, app);
    const cookie = `session_id=stale; session_id=${one}; session_id=${other}`;
    await fetch(url, { method: "POST", headers: { cookie } });
    assert.deepEqual([await session.get(one), await session.get(other)], [undefined, undefined]);
  });

  it("of the session are one, whatever was set before, and no cache keeps them", async (t) => {
    const session = new Session();
    const response = await answer(t, async (_req, res) => {
      res.cookies.set("theme", "dark");
      session.setCookie(res, await session.create({ userId: "1" }));
      const id = await session.create({ userId: "2" });
      session.setCookie(res, id);
      res.headers.set("cache-control", "public, max-age=3600");
      await session.delete(id, res);
      res.headers.set("cache-control", "public, max-age=3600");
      res.send();
    });
    assert.deepEqual(response.headers.getSetCookie(), [
      "theme=dark",
      "session_id=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax",
    ]);
    assert.equal(response.headers.get("cache-control"), "no-store");
  });

  it("leave Cache-Control to the application where no session is set", async (t) => {
    const response = await answer(t, (_req, res) => {
      res.cookies.set("theme", "dark");
      res.headers.set("cache-control", "private, max-age=60");
      res.send();
    });
    assert.equal(response.headers.get("cache-control"), "private, max-age=60");
  });

  it("of the session cannot be set when the response was handed over", async () => {
    const session = new Session();
    const id = await session.create({ userId: "1" });
    let late: Promise<unknown> | undefined;
    const app = harpia().get("/", (_req, res) => {
      late = new Promise((resolve) => {
        setImmediate(() => setImmediate(resolve));
      }).then(() => session.setCookie(res, id));
      res.send();
    });
    const response = await app.fetch(new Request("http://app.test/"));
    await assert.rejects(late ?? Promise.resolve(), {
      name: "HarpiaError",
      code: "ERR_HEADERS_SENT",
    });
    assert.deepEqual(response.headers.getSetCookie(), []);
  });
});
