// What becomes of errors: the visitor learns nothing, whoever operates the server learns
// everything.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import harpia, { type App, type ErrorHandler } from "../../src/index.ts";
import { Session } from "../../src/session.ts";
import { sendRaw, serveApp } from "../support/http.ts";

const get = (app: App, path = "/"): Promise<Response> =>
  app.fetch(new Request(`http://app.test${path}`));

async function warningsOf(task: () => Promise<unknown>): Promise<Error[]> {
  const warnings: Error[] = [];
  const listener = (warning: Error): void => void warnings.push(warning);
  process.on("warning", listener);
  try {
    await task();
    // Warnings are told in a turn of their own.
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off("warning", listener);
  }
  return warnings;
}

describe("an error in a handler", () => {
  it("is a 500 that says nothing, and a process warning", async (t) => {
    const error = new Error("database password is hunter2");
    const app = harpia()
      .get("/throws", () => {
        throw error;
      })
      .get("/rejects", async () => {
        throw error;
      })
      .get("/next", (_req, _res, next) => next(error));
    const { url } = await serveApp(t, app);
    for (const path of ["/throws", "/rejects", "/next"]) {
      let response: Response | undefined;
      const warnings = await warningsOf(async () => {
        response = await fetch(url + path);
      });
      assert.equal(response?.status, 500);
      assert.equal(await response.text(), "Internal Server Error");
      assert.equal(response.headers.get("cache-control"), "no-store");
      assert.deepEqual(warnings, [error], path);
    }
  });

  it("is a 503 when the session store has failed", async () => {
    const store = {
      get: () => Promise.reject(new Error("ECONNREFUSED")),
      set: async () => {},
      delete: async () => {},
    };
    const session = new Session({ store });
    const errors: Error[] = [];
    const app = harpia()
      .get("/", async (req, res) => res.json((await session.get(req.query["id"])) ?? null))
      .onError((error) => void errors.push(error));
    const id = await new Session().create({ userId: "ada" });
    const response = await get(app, `/?id=${id}`);
    assert.equal(response.status, 503);
    assert.equal(await response.text(), "Service Unavailable");
    assert.deepEqual(
      errors.map(({ name }) => name),
      ["StoreError"],
    );
  });

  it("replaces an answer that was made before it, and keeps cookies and other headers", async () => {
    const app = harpia().get("/", async (_req, res) => {
      res.headers.set("content-security-policy", "default-src 'none'");
      res.headers.set("cache-control", "public, max-age=60");
      res.headers.set("etag", '"1"');
      res.cookies.set("kept", "yes");
      res.status(201).json({ secret: true });
      throw new Error("afterwards");
    });
    app.onError(() => {});
    const response = await get(app);
    assert.equal(response.status, 500);
    assert.equal(await response.text(), "Internal Server Error");
    assert.deepEqual(Object.fromEntries(response.headers), {
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'",
      "content-type": "text/plain; charset=utf-8",
      "set-cookie": "kept=yes",
    });
  });

  it("lets middleware around it go on", async () => {
    const app = harpia()
      .use(async (_req, res, next) => {
        await next();
        res.headers.set("x-status", String(res.statusCode));
      })
      .get("/", () => {
        throw new Error("inside");
      });
    app.onError(() => {});
    assert.equal((await get(app)).headers.get("x-status"), "500");
  });

  it("ends without an answer: a 500, and HarpiaError ERR_NO_RESPONSE that names the route", async () => {
    const errors: Error[] = [];
    const app = harpia()
      .get("/user/:id", async () => "forgot to answer")
      .onError((error) => void errors.push(error));
    assert.equal((await get(app, "/user/7")).status, 500);
    assert.deepEqual(
      errors.map((error) => [error.name, "code" in error && error.code]),
      [["HarpiaError", "ERR_NO_RESPONSE"]],
    );
    assert.match(
      errors[0]?.message ?? "",
      /^Cannot answer GET \/user\/:id: its handler ended without an answer/,
    );
  });

  it("answers twice: a 500, and HarpiaError ERR_HEADERS_SENT", async () => {
    const codes: unknown[] = [];
    const app = harpia()
      .get("/", async (_req, res) => {
        res.json(1);
        res.json(2);
      })
      .get("/both", async (_req, res, next) => {
        res.json(1);
        await next();
      })
      .get("/both", (_req, res) => res.json(2))
      .onError((error) => void codes.push("code" in error && error.code));
    assert.equal((await get(app)).status, 500);
    assert.equal((await get(app, "/both")).status, 500);
    assert.deepEqual(codes, ["ERR_HEADERS_SENT", "ERR_HEADERS_SENT"]);
  });
});

describe("onError()", () => {
  const failing = (handler: ErrorHandler): App =>
    harpia()
      .get("/", () => {
        throw new Error("broken");
      })
      .get("/text", () => {
        // What JavaScript lets anybody do.
        // oxlint-disable-next-line typescript/only-throw-error, no-throw-literal
        throw "only a text";
      })
      .onError(handler);

  it("is told of the error and may answer, also later", async () => {
    const app = failing(async (error, req, res) => {
      await new Promise((resolve) => setImmediate(resolve));
      res.status(503).json({ failed: req.method, why: error.message });
    });
    const warnings = await warningsOf(async () => {
      const response = await get(app);
      assert.equal(response.status, 503);
      assert.deepEqual(await response.json(), { failed: "GET", why: "broken" });
    });
    assert.deepEqual(warnings, []);
  });

  it("that only sets a status sends it without a body", async () => {
    const response = await get(failing((_error, _req, res) => res.status(502)));
    assert.equal(response.status, 502);
    assert.equal(await response.text(), "");
  });

  it("gets an Error whatever was thrown", async () => {
    const causes: unknown[] = [];
    await get(
      failing((error) => void causes.push(error.cause)),
      "/text",
    );
    assert.deepEqual(causes, ["only a text"]);
  });

  it("that fails itself gives the plain 500, and both errors are warnings", async () => {
    const app = failing((_error, _req, res) => {
      res.json({ half: "an answer" });
      throw new Error("onError is broken");
    });
    const warnings = await warningsOf(async () => {
      const response = await get(app);
      assert.equal(response.status, 500);
      assert.equal(await response.text(), "Internal Server Error");
    });
    assert.deepEqual(
      warnings.map(({ message }) => message),
      ["broken", "onError is broken"],
    );
  });

  it("is told of a stream that fails while it is sent, and cannot answer any more", async (t) => {
    const errors: string[] = [];
    const app = harpia()
      .get("/", (_req, res) => {
        let chunks = 0;
        const stream = new ReadableStream<Uint8Array>({
          pull(controller) {
            if (chunks++ < 2) controller.enqueue(new Uint8Array(70_000));
            else controller.error(new Error("the disk is gone"));
          },
        });
        res.send(stream);
      })
      .onError((error, _req, res) => {
        errors.push(error.message);
        res.status(500).send("too late");
      });
    const server = await serveApp(t, app);
    const warnings = await warningsOf(async () => {
      await assert.rejects(async () => (await fetch(server.url)).arrayBuffer());
    });
    assert.deepEqual(errors, ["the disk is gone"]);
    assert.deepEqual(warnings, []);
  });
});

describe("what a visitor sends", () => {
  const app = harpia()
    .get("/look/:id", (req, res) =>
      res.json({ id: req.params.id, query: req.query, cookies: req.cookies.getAll() }),
    )
    .post("/json", async (req, res) => res.json(await req.json()))
    .post("/form", async (req, res) => res.json([...(await req.formData())]))
    .post("/caught", async (req, res) => {
      const body = await req
        .json()
        .catch((error: unknown) => (error instanceof SyntaxError ? "not JSON" : "another error"));
      res.json(body);
    });

  it("is never a 500, however malformed, and the server goes on", async (t) => {
    const told: Error[] = [];
    const { port, url } = await serveApp(
      t,
      harpia()
        .routes(app)
        .onError((error) => void told.push(error)),
    );
    const tail = "Host: app.test\r\nConnection: close\r\n\r\n";
    const body = (text: string, type = "application/json"): string =>
      `Content-Type: ${type}\r\nContent-Length: ${text.length}\r\n${tail}${text}`;
    const requests: [request: string, status: number | undefined][] = [
      [`GET /look/%E0%A4%A?a=%&b=%zz&__proto__=1 HTTP/1.1\r\n${tail}`, 200],
      [`GET /look/1 HTTP/1.1\r\nCookie: a=%zz; =; b; \xe9=\xff; __proto__=1\r\n${tail}`, 200],
      [`GET /look/1 HTTP/1.1\r\nHost: a b<>\r\nConnection: close\r\n\r\n`, 200],
      [`GET /look/1 HTTP/1.1\r\nX-Huge: ${"x".repeat(20_000)}\r\n${tail}`, 431],
      [`GET //[::bad HTTP/1.1\r\n${tail}`, 404],
      [`GET http://[::bad HTTP/1.1\r\n${tail}`, 400],
      [`GET * HTTP/1.1\r\n${tail}`, 404],
      [`OPTIONS * HTTP/1.1\r\n${tail}`, 404],
      [`GET /look/\xff HTTP/1.1\r\n${tail}`, 400],
      [`JUMP /look/1 HTTP/1.1\r\n${tail}`, 400],
      [`TRACE /json HTTP/1.1\r\n${tail}`, 404],
      [`CONNECT app.test:443 HTTP/1.1\r\n${tail}`, undefined],
      [`POST /json HTTP/1.1\r\n${body("{bad}")}`, 400],
      [`POST /json HTTP/1.1\r\n${body("")}`, 400],
      [`POST /form HTTP/1.1\r\n${body("{}")}`, 400],
      [`POST /form HTTP/1.1\r\n${body("a=%zz&b", "application/x-www-form-urlencoded")}`, 200],
      [`POST /form HTTP/1.1\r\n${body("--x\r\nab", "multipart/form-data; boundary=x")}`, 400],
      [`POST /json HTTP/1.1\r\n${body(JSON.stringify("x".repeat(1_048_576)))}`, 413],
      [
        `POST /form HTTP/1.1\r\n${body(`a=${"x".repeat(1_048_576)}`, "application/x-www-form-urlencoded")}`,
        413,
      ],
    ];
    for (const [request, status] of requests) {
      const answer = await sendRaw(port, request);
      const given = /^HTTP\/1.1 (\d{3})/.exec(answer)?.[1];
      // Each runtime has a parser of its own, and its own mind about what is malformed.
      if (process.versions["bun"] || process.versions["deno"])
        assert.ok(!given?.startsWith("5"), request.slice(0, 60));
      else assert.equal(given, status?.toString(), request.slice(0, 60));
    }
    assert.deepEqual(told, []);
    assert.equal((await fetch(`${url}/look/1`)).status, 200);
  });

  it("is for the handler to answer, where it wants to", async () => {
    const response = await app.fetch(
      new Request("http://app.test/caught", { method: "POST", body: "{" }),
    );
    assert.equal(await response.json(), "not JSON");
  });

  it("is not quoted in the error", async () => {
    const errors: unknown[] = [];
    const catching = harpia().post("/", async (req, res) => {
      await req.json().catch((error: unknown) => errors.push(error));
      res.send();
    });
    await catching.fetch(
      new Request("http://app.test/", { method: "POST", body: "password=hunter2" }),
    );
    assert.match(String(errors[0]), /^SyntaxError: Cannot read the body as JSON: it is malformed$/);
    assert.equal((errors[0] as Error).cause, undefined);
  });
});
