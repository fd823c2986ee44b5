// What a handler can learn of a request, and what looking at cookies does to the response.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import harpia, { type Handler } from "../../src/index.ts";
import { Session } from "../../src/session.ts";
import { serveApp } from "../support/http.ts";

async function ask(handler: Handler, init: RequestInit & { url?: string } = {}): Promise<Response> {
  return harpia()
    .all("*", handler)
    .fetch(new Request(init.url ?? "http://app.test/", init));
}

describe("Request", () => {
  it("has the method, the whole URL and the query, of several values the first", async (t) => {
    const app = harpia().get("/path", (req, res) =>
      res.json({ method: req.method, url: req.url, query: req.query }),
    );
    const { url } = await serveApp(t, app);
    const response = await fetch(`${url}/path?a=1&a=2&b=%C3%BC+x&c`);
    assert.deepEqual(await response.json(), {
      method: "GET",
      url: `${url}/path?a=1&a=2&b=%C3%BC+x&c`,
      query: { a: "1", b: "ü x", c: "" },
    });
  });

  it("takes every name in a query for an ordinary name", async () => {
    const response = await ask(
      (req, res) =>
        res.json([
          Object.getPrototypeOf(req.query),
          req.query["__proto__"],
          req.query["constructor"],
        ]),
      {
        url: "http://app.test/?__proto__=a",
      },
    );
    assert.deepEqual(await response.json(), [null, "a", null]);
  });

  it("has headers, whatever their case", async () => {
    const headers = { "X-One": "1", Accept: "text/html" };
    const handler: Handler = (req, res) =>
      res.json([
        req.headers.get("x-ONE"),
        req.headers.has("accept"),
        req.headers.get("none"),
        Object.fromEntries(req.headers),
      ]);
    const response = await ask(handler, { headers });
    assert.deepEqual(await response.json(), [
      "1",
      true,
      null,
      { accept: "text/html", "x-one": "1" },
    ]);
  });

  it("has cookies", async () => {
    const handler: Handler = (req, res) =>
      res.json([req.cookies.get("a"), req.cookies.get("none") ?? "absent", req.cookies.getAll()]);
    const response = await ask(handler, { headers: { cookie: "a=1; b=x%20y" } });
    assert.deepEqual(await response.json(), ["1", "absent", { a: "1", b: "x y" }]);
  });

  it("reads a body as JSON and as text, again and again", async () => {
    const handler: Handler = async (req, res) =>
      res.json([await req.text(), await req.json(), await req.json()]);
    const response = await ask(handler, { method: "POST", body: '{"a":1}' });
    assert.deepEqual(await response.json(), ['{"a":1}', { a: 1 }, { a: 1 }]);
  });

  it("reads both kinds of forms", async (t) => {
    const app = harpia().post("/", async (req, res) => res.json([...(await req.formData())]));
    const { url } = await serveApp(t, app);
    const multipart = new FormData();
    multipart.set("name", "Ada");
    for (const body of [new URLSearchParams({ name: "Ada" }), multipart]) {
      assert.deepEqual(await (await fetch(url, { method: "POST", body })).json(), [
        ["name", "Ada"],
      ]);
    }
  });

  it("refuses a body beyond maxBodySize with a 413, and takes one below", async (t) => {
    const app = harpia().post("/", async (req, res) => res.send(String((await req.text()).length)));
    const { url } = await serveApp(t, app, { maxBodySize: 1000 });
    const statuses = await Promise.all(
      [1000, 1001].map(
        async (length) => (await fetch(url, { method: "POST", body: "x".repeat(length) })).status,
      ),
    );
    assert.deepEqual(statuses, [200, 413]);
  });
});

describe("Vary", () => {
  const session = new Session();
  const looks: Record<string, Handler> = {
    "cookies.get": (req) => req.cookies.get("a"),
    "cookies.getAll": (req) => req.cookies.getAll(),
    'headers.get("Cookie")': (req) => req.headers.get("Cookie"),
    'headers.has("cookie")': (req) => req.headers.has("cookie"),
    "a loop over the headers": (req) => [...req.headers],
    "session.fromRequest": (req) => session.fromRequest(req),
  };

  for (const [name, look] of Object.entries(looks)) {
    it(`names Cookie after ${name}, whether one came or not`, async () => {
      for (const headers of [{}, { cookie: "a=1" }]) {
        const response = await ask(
          async (req, res) => {
            await look(req, res);
            res.send();
          },
          { headers },
        );
        assert.equal(response.headers.get("vary"), "Cookie");
      }
    });
  }

  it("is absent when nobody looked at the cookies", async () => {
    const handler: Handler = (req, res) =>
      res.json([req.headers.get("accept"), req.url, req.query]);
    assert.equal((await ask(handler, { headers: { cookie: "a=1" } })).headers.get("vary"), null);
  });

  it("keeps what the application said, and says Cookie once", async () => {
    for (const [said, expected] of [
      ["Accept", "Accept, Cookie"],
      ["cookie, Accept", "cookie, Accept"],
      ["*", "*"],
    ] as const) {
      const response = await ask((req, res) => {
        req.cookies.get("a");
        res.headers.set("vary", said);
        res.send();
      });
      assert.equal(response.headers.get("vary"), expected);
    }
  });

  it("names Cookie on an error and a 404 too", async () => {
    const app = harpia()
      .use(async (req, _res, next) => {
        await session.fromRequest(req);
        await next();
      })
      .get("/broken", () => {
        throw new Error("broken");
      })
      .onError(() => {});
    for (const path of ["/broken", "/unknown"])
      assert.equal(
        (await app.fetch(new Request(`http://app.test${path}`))).headers.get("vary"),
        "Cookie",
      );
  });
});
