// Which handler a request meets, over real HTTP.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import harpia, { Router, type Request, type Response } from "../../src/index.ts";
import { serveApp } from "../support/http.ts";

const METHODS = ["get", "post", "put", "patch", "delete", "options"] as const;

describe("harpia()", () => {
  it("answers each method with its own handler", async (t) => {
    const app = harpia();
    for (const method of METHODS)
      app[method]("/thing", (req, res) => res.json({ handler: method, method: req.method }));
    const { url } = await serveApp(t, app);
    for (const method of METHODS) {
      const response = await fetch(`${url}/thing`, { method: method.toUpperCase() });
      assert.deepEqual(await response.json(), { handler: method, method: method.toUpperCase() });
    }
  });

  it("answers every method with all()", async (t) => {
    const app = harpia().all("/any", (req, res) => res.send(req.method));
    const { url } = await serveApp(t, app);
    for (const method of ["GET", "DELETE", "PROPFIND"])
      assert.equal(await (await fetch(`${url}/any`, { method })).text(), method);
  });

  it("answers what no route fits with a 404", async (t) => {
    const app = harpia().get("/known", (_req, res) => res.send("here"));
    const { url } = await serveApp(t, app);
    for (const [method, path] of [
      ["GET", "/unknown"],
      ["POST", "/known"],
      ["GET", "/known/"],
      ["GET", "/Known"],
    ] as const) {
      const response = await fetch(url + path, { method });
      assert.equal(response.status, 404, `${method} ${path}`);
      assert.equal(await response.text(), "Not Found");
    }
  });

  it("answers HEAD as GET without the body, with the length that it would have", async (t) => {
    const app = harpia().get("/page", (_req, res) => res.html("<p>grün</p>"));
    const { url } = await serveApp(t, app);
    const response = await fetch(`${url}/page`, { method: "HEAD" });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-length"), "12");
    assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
    assert.equal(await response.text(), "");
  });

  it("prefers a HEAD route of its own, whatever the order, and leaves GET alone", async (t) => {
    const app = harpia()
      .get("/file", (_req, res) => res.send("content"))
      .head("/file", (_req, res) => {
        res.headers.set("x-size", "7");
        res.send();
      });
    const { url } = await serveApp(t, app);
    const head = await fetch(`${url}/file`, { method: "HEAD" });
    assert.equal(head.headers.get("x-size"), "7");
    const get = await fetch(`${url}/file`);
    assert.equal(await get.text(), "content");
    assert.equal(get.headers.get("x-size"), null);
  });

  it("runs the middleware before a HEAD route as well", async (t) => {
    const app = harpia()
      .use((_req, res, next) => {
        res.headers.set("x-seen", "yes");
        return next();
      })
      .head("/file", (_req, res) => res.send());
    const { url } = await serveApp(t, app);
    assert.equal((await fetch(`${url}/file`, { method: "HEAD" })).headers.get("x-seen"), "yes");
  });

  it("is a fetch handler without a server", async () => {
    const { fetch: answer } = harpia().get("/", (_req, res) => res.send("no server"));
    const response = await answer(new globalThis.Request("http://worker.test/"));
    assert.equal(response.constructor, globalThis.Response);
    assert.equal(await response.text(), "no server");
  });

  it("types a path's parameters, and takes handlers that name none", async (t) => {
    const app = harpia();
    app.get("/user/:id/post/:post{[0-9]+}", (req, res) => {
      const { id, post }: { id: string; post: string } = req.params;
      res.json({ id, post });
    });
    app.get("/plain/:id", async (req: Request, res: Response) => {
      const id: string | undefined = req.params["id"];
      res.json({ id });
    });
    const { url } = await serveApp(t, app);
    assert.deepEqual(await (await fetch(`${url}/user/a%20b/post/12`)).json(), {
      id: "a b",
      post: "12",
    });
    assert.equal((await fetch(`${url}/user/1/post/x`)).status, 404);
    assert.deepEqual(await (await fetch(`${url}/plain/%F0%9F%90%A6`)).json(), { id: "🐦" });
  });

  it("matches optional parameters and wildcards", async (t) => {
    const app = harpia()
      .get("/list/:page?", (req, res) => res.send(req.params["page"] ?? "first"))
      .get("/files/*", (req, res) => res.send(new URL(req.url).pathname));
    const { url } = await serveApp(t, app);
    const texts = await Promise.all(
      ["/list", "/list/2", "/files/a/b"].map(async (path) => (await fetch(url + path)).text()),
    );
    assert.deepEqual(texts, ["first", "2", "/files/a/b"]);
  });

  it("refuses routes that cannot work", () => {
    const app = harpia();
    // What JavaScript could pass and TypeScript does not let through.
    const notAHandler = "handler" as unknown as () => void;
    assert.throws(
      () => app.get("/x", notAHandler),
      /Cannot add route \/x: a handler is a string, a function is wanted/,
    );
    assert.throws(
      () => app.use("/x", ...([] as unknown as [() => void])),
      /Cannot add route \/x\/\*: it has no handler/,
    );
    assert.throws(
      () => app.routes({} as Router),
      /Cannot add routes: it is an object, a Router is wanted/,
    );
    assert.throws(() => app.routes(app), /would contain itself/);
  });

  it("refuses a route that comes after the first request", async () => {
    const app = harpia();
    await app.fetch(new globalThis.Request("http://x.test/"));
    assert.throws(
      () => app.get("/late", (_req, res) => res.send()),
      /Cannot add a route: the app has answered requests already/,
    );
  });
});

describe("Router", () => {
  it("is made with new and without, with a prefix and without", async (t) => {
    const users = new Router("/users");
    users.get("/", (_req, res) => res.send("list"));
    users.get("/:id", (req, res) => res.send(req.params.id));
    const about = Router();
    about.get("/about", (_req, res) => res.send("about"));
    assert.ok(users instanceof Router);
    assert.ok(about instanceof Router);
    const { url } = await serveApp(t, harpia().routes(users).routes(about));
    const texts = await Promise.all(
      ["/users", "/users/7", "/about"].map(async (path) => (await fetch(url + path)).text()),
    );
    assert.deepEqual(texts, ["list", "7", "about"]);
  });

  it("nests, and gives the prefix's parameters to its handlers", async (t) => {
    const posts = Router("/posts").get("/:post", (req, res) => res.json(req.params));
    const users = Router("/users/:user").routes(posts);
    const { url } = await serveApp(t, harpia().routes(users));
    assert.deepEqual(await (await fetch(`${url}/users/ada/posts/3`)).json(), {
      user: "ada",
      post: "3",
    });
  });

  it("takes routes after it was added to the app", async (t) => {
    const router = Router("/api");
    const app = harpia().routes(router);
    router.get("/late", (_req, res) => res.send("late"));
    const { url } = await serveApp(t, app);
    assert.equal(await (await fetch(`${url}/api/late`)).text(), "late");
  });

  it("runs its middleware for its own paths alone", async (t) => {
    const admin = Router("/admin")
      .use((_req, res) => res.status(403).send("no"))
      .get("/users", (_req, res) => res.send("secret"));
    const app = harpia()
      .routes(admin)
      .get("/administrator", (_req, res) => res.send("open"));
    const { url } = await serveApp(t, app);
    assert.equal((await fetch(`${url}/admin/users`)).status, 403);
    assert.equal((await fetch(`${url}/admin`)).status, 403);
    assert.equal(await (await fetch(`${url}/administrator`)).text(), "open");
  });
});
