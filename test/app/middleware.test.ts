// The chain of handlers: order, next(), and when a response is handed over.
import assert from "node:assert/strict";
import { access } from "node:fs";
import { describe, it } from "node:test";
import harpia, { type App, type Middleware, type Response } from "../../src/index.ts";
import { serveApp } from "../support/http.ts";

const get = (app: App, path = "/"): Promise<globalThis.Response> =>
  app.fetch(new globalThis.Request(`http://app.test${path}`));

describe("use()", () => {
  it("runs middleware in the order it was added, each around the rest", async () => {
    const seen: string[] = [];
    const around =
      (name: string): Middleware =>
      async (_req, _res, next) => {
        seen.push(`${name} in`);
        await next();
        seen.push(`${name} out`);
      };
    const app = harpia()
      .use(around("a"), around("b"))
      .get("/", around("c"), (_req, res) => {
        seen.push("handler");
        res.send();
      });
    await get(app);
    assert.deepEqual(seen, ["a in", "b in", "c in", "handler", "c out", "b out", "a out"]);
  });

  it("sees only requests that routes before it did not answer", async () => {
    const app = harpia()
      .get("/before", (_req, res) => res.send())
      .use((_req, res, next) => {
        res.headers.set("x-seen", "yes");
        return next();
      })
      .get("/after", (_req, res) => res.send());
    assert.equal((await get(app, "/before")).headers.get("x-seen"), null);
    assert.equal((await get(app, "/after")).headers.get("x-seen"), "yes");
    assert.equal((await get(app, "/nowhere")).headers.get("x-seen"), "yes");
  });

  it("guards a path and everything below it, however the path is written", async (t) => {
    const app = harpia()
      .use("/admin", (_req, res) => res.status(401).send())
      .get("/admin", (_req, res) => res.send("secret"))
      .get("/admin/users", (_req, res) => res.send("secret"));
    const { url } = await serveApp(t, app);
    for (const path of [
      "/admin",
      "/admin/users",
      "/%61dmin/users",
      "/x/../admin/users",
      "/admin/users?a=/b",
      "/admin/",
    ]) {
      assert.equal((await fetch(url + path)).status, 401, path);
    }
    // What the router takes for another path is another path for the guard and for the route alike.
    for (const path of [
      "//admin/users",
      "/admin%2Fusers",
      "/ADMIN/users",
      "/admin;/users",
      "/./admin//users",
      "/%2561dmin/users",
    ]) {
      assert.notEqual((await fetch(url + path)).status, 200, path);
    }
  });

  it("gives each handler the parameters of its own path, also after next()", async () => {
    const seen: unknown[] = [];
    const app = harpia()
      .use("/:section", async (req, _res, next) => {
        seen.push(req.params);
        await next();
        seen.push(req.params);
      })
      .get("/:area/:id", (req, res) => {
        seen.push(req.params);
        res.send();
      });
    await get(app, "/users/7");
    assert.deepEqual(seen, [
      { section: "users" },
      { area: "users", id: "7" },
      { section: "users" },
    ]);
  });
});

describe("Next", () => {
  it("resolves when the rest has run, and headers may still be changed then", async (t) => {
    const app = harpia()
      .use(async (_req, res, next) => {
        await next();
        res.headers.set("x-status", String(res.statusCode));
        res.cookies.set("late", "yes");
      })
      .get("/made", (_req, res) => res.status(201).send("made"));
    const { url } = await serveApp(t, app);
    for (const [path, status] of [
      ["/made", "201"],
      ["/unknown", "404"],
    ] as const) {
      const response = await fetch(url + path);
      assert.equal(response.headers.get("x-status"), status);
      assert.deepEqual(response.headers.getSetCookie(), ["late=yes"]);
    }
  });

  it("is waited for when the middleware neither returns nor awaits it", async () => {
    const app = harpia()
      .use((_req, _res, next) => {
        void next();
      })
      .use(async (_req, _res, next) => {
        void next();
      })
      .get("/", async (_req, res) => {
        await new Promise((resolve) => setImmediate(resolve));
        res.send("waited");
      });
    assert.equal(await (await get(app)).text(), "waited");
  });

  it("may be the callback itself, which node calls with null where there is no error", async () => {
    const app = harpia()
      .use((_req, _res, next) => access(import.meta.filename, next))
      .get("/", (_req, res) => res.send("there"));
    assert.equal(await (await get(app)).text(), "there");
  });

  it("may be called from a callback", async () => {
    const app = harpia()
      .use((_req, _res, next) => {
        setImmediate(() => void next());
      })
      .get("/", (_req, res) => res.send("later"));
    assert.equal(await (await get(app)).text(), "later");
  });

  it("may be called from a callback by several, one after the other", async () => {
    const later: Middleware = (_req, _res, next) => {
      setImmediate(() => void next());
    };
    const app = harpia()
      .use(later, later)
      .get("/", (_req, res) => {
        setImmediate(() => res.send("all later"));
      });
    assert.equal(await (await get(app)).text(), "all later");
  });

  it("leaves an answer alone that was there before it, when no route follows", async () => {
    const app = harpia().use(async (_req, res, next) => {
      res.status(201).send("answered");
      await next();
    });
    const response = await get(app);
    assert.deepEqual([response.status, await response.text()], [201, "answered"]);
  });

  it("runs the rest once, called twice", async () => {
    let runs = 0;
    const app = harpia()
      .use(async (_req, _res, next) => {
        await next();
        await next();
      })
      .get("/", (_req, res) => {
        runs++;
        res.send();
      });
    assert.equal((await get(app)).status, 200);
    assert.equal(runs, 1);
  });

  it("does nothing once the response was handed over", async () => {
    let late: (() => Promise<void>) | undefined;
    let runs = 0;
    const app = harpia()
      .use((_req, res, next) => {
        late = next;
        res.send("first");
      })
      .get("/", () => runs++);
    assert.equal(await (await get(app)).text(), "first");
    await late?.();
    assert.equal(runs, 0);
  });
});

describe("a handler", () => {
  it("may answer from a callback", async () => {
    const app = harpia().get("/", (_req, res) => {
      setImmediate(() => res.json({ answered: "later" }));
    });
    assert.deepEqual(await (await get(app)).json(), { answered: "later" });
  });

  it("sends nothing before it has ended", async () => {
    const events: string[] = [];
    const app = harpia().get("/", async (_req, res) => {
      res.send("early");
      await new Promise((resolve) => setImmediate(resolve));
      res.headers.set("x-late", "yes");
      events.push("ended");
    });
    const response = await get(app);
    events.push("sent");
    assert.deepEqual(events, ["ended", "sent"]);
    assert.equal(response.headers.get("x-late"), "yes");
  });

  it("that sets a status and ends sends no body", async () => {
    const app = harpia().delete("/", async (_req, res) => {
      res.status(204);
    });
    const response = await app.fetch(
      new globalThis.Request("http://app.test/", { method: "DELETE" }),
    );
    assert.equal(response.status, 204);
    assert.equal(response.body, null);
  });

  it("cannot change a response that was handed over", async () => {
    let kept: Response | undefined;
    const app = harpia().get("/", (_req, res) => {
      kept = res;
      res.send();
    });
    await get(app);
    const res = kept as Response;
    const changes = [
      () => res.headers.set("x", "1"),
      () => res.headers.append("x", "1"),
      () => res.headers.delete("x"),
      () => res.cookies.set("a", "b"),
      () => res.status(201),
      () => res.send("again"),
      () => res.redirect("/"),
    ];
    for (const change of changes)
      assert.throws(change, { name: "HarpiaError", code: "ERR_HEADERS_SENT" });
  });
});
