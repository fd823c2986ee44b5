// toExpressStore: our stores under a real application of Express that knows only express-session.
import assert from "node:assert/strict";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, describe, it } from "node:test";
import express, { type Express } from "express";
import expressSession from "express-session";
import { MemoryStore, type SessionStore, type StoreError } from "../../../src/session.ts";
import { toExpressStore } from "../../../src/stores/express-session.ts";
import { ManualClock } from "../../../src/testing.ts";
import { listening } from "../../support/waits.ts";

declare module "express-session" {
  interface SessionData {
    views: number;
    fields: Record<string, unknown>;
    [field: `field${number}`]: number;
    userId: string;
  }
}

/** A browser of one cookie, at an application that listens. */
class Browser {
  readonly #server: Server;
  cookie: string | undefined;

  constructor(server: Server) {
    this.#server = server;
  }

  async get(path: string): Promise<{ status: number; body: string; setCookie: string[] }> {
    const { port } = this.#server.address() as AddressInfo;
    const response = await fetch(
      `http://127.0.0.1:${port}${path}`,
      this.cookie === undefined ? {} : { headers: { cookie: this.cookie } },
    );
    const setCookie = response.headers.getSetCookie();
    if (setCookie[0]) this.cookie = setCookie[0].split(";")[0];
    return { status: response.status, body: await response.text(), setCookie };
  }

  /** Another tab: the same cookie, a jar of its own. */
  get twin(): Browser {
    const twin = new Browser(this.#server);
    twin.cookie = this.cookie;
    return twin;
  }
}

/** An application as its users wrote it: nothing in it knows of this package. */
function application(options: expressSession.SessionOptions): {
  app: Express;
  gate: { open(): void; reached: Promise<void> };
} {
  const app = express();
  let open = (): void => {};
  let reach = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  const reached = new Promise<void>((resolve) => (reach = resolve));
  app.use(expressSession(options));
  app.get("/views", (req, res) => {
    req.session.views = (req.session.views ?? 0) + 1;
    res.send(String(req.session.views));
  });
  app.get(
    "/look",
    (req, res) => void res.send(JSON.stringify({ ...req.session, cookie: undefined })),
  );
  app.get("/set/:n/:value", (req, res) => {
    req.session[`field${Number(req.params.n)}`] = Number(req.params.value);
    setTimeout(() => res.send("ok"), 20);
  });
  app.get("/slow", async (req, res) => {
    reach();
    await opened;
    req.session.views = 1000;
    res.send("slow");
  });
  app.get("/login/:user", (req, res, next) =>
    req.session.regenerate((error) => {
      if (error) return next(error);
      req.session.userId = req.params.user;
      req.session.save((failure) => (failure ? next(failure) : void res.send("in")));
    }),
  );
  app.get("/logout", (req, res, next) =>
    req.session.destroy((error) => (error ? next(error) : void res.send("out"))),
  );
  app.get("/reload", (req, res, next) =>
    req.session.reload((error) => (error ? next(error) : void res.send(String(req.session.views)))),
  );
  app.get("/load", (req, res) =>
    req.sessionStore.load(req.sessionID, (_error, loaded) => void res.send(String(loaded?.views))),
  );
  app.get("/short", (req, res) => {
    req.session.cookie.maxAge = 1000;
    res.send("short");
  });
  app.get("/twice", (req, res) => {
    req.session.views = 1;
    req.session.save();
    req.session.userId = "ann";
    res.send("twice");
  });
  app.use(
    (error: Error, _req: express.Request, res: express.Response, _next: express.NextFunction) =>
      void res.status(500).send((error as StoreError).code),
  );
  return { app, gate: { open, reached } };
}

describe("toExpressStore", () => {
  const servers: Server[] = [];
  after(() => {
    for (const server of servers) server.close();
  });
  const start = async (
    options: Partial<expressSession.SessionOptions> = {},
    store: SessionStore = new MemoryStore(),
    more: { absoluteTimeout?: number; clock?: ManualClock } = {},
  ) => {
    const expressStore = toExpressStore(store, {
      Store: expressSession.Store,
      user: (session) => session["userId"] as string | undefined,
      ...more,
    });
    const { app, gate } = application({
      secret: "s",
      resave: false,
      saveUninitialized: false,
      store: expressStore,
      ...options,
    });
    const server = app.listen(0, "127.0.0.1");
    servers.push(server);
    await listening(server);
    return { browser: new Browser(server), store, expressStore, gate };
  };
  const keysOf = async (store: SessionStore): Promise<string[]> =>
    (await store.scan()).sessions.map(({ key }) => key);

  it("an application keeps its sessions, with each of express-session's ways of saving", async () => {
    for (const resave of [false, true]) {
      for (const saveUninitialized of [false, true]) {
        for (const rolling of [false, true]) {
          const { browser, store } = await start({ resave, saveUninitialized, rolling });
          const { setCookie } = await browser.get("/look");
          assert.equal(setCookie.length, saveUninitialized ? 1 : 0);
          assert.equal((await browser.get("/views")).body, "1");
          assert.equal((await browser.get("/views")).body, "2");
          assert.equal((await browser.get("/look")).body, '{"views":2}');
          assert.equal((await browser.get("/reload")).body, "2");
          assert.equal((await browser.get("/load")).body, "2");
          assert.equal((await keysOf(store)).length, 1);
        }
      }
    }
  });

  it("parallel requests that change different fields lose nothing", async () => {
    const { browser } = await start();
    const numbers = Array.from({ length: 10 }, (_, n) => n);
    for (const n of numbers) await browser.get(`/set/${n}/0`);
    await Promise.all(numbers.map((n) => browser.twin.get(`/set/${n}/1`)));
    assert.deepEqual(
      JSON.parse((await browser.get("/look")).body),
      Object.fromEntries(numbers.map((n) => [`field${n}`, 1])),
    );
  });

  it("a request that runs while its session is destroyed does not bring it back, resave or not", async () => {
    for (const resave of [false, true]) {
      const { browser, store, gate } = await start({ resave });
      await browser.get("/views");
      const { cookie } = browser;
      const slow = browser.twin.get("/slow");
      await gate.reached;
      assert.equal((await browser.get("/logout")).body, "out");
      gate.open();
      assert.equal((await slow).body, "slow");
      assert.deepEqual(await keysOf(store), []);
      browser.cookie = cookie;
      assert.equal((await browser.get("/look")).body, "{}");
    }
  });

  it("a login makes a new session and ends the old one, for the user whom the option names", async () => {
    const { browser, store } = await start();
    await browser.get("/views");
    const [old] = await keysOf(store);
    await browser.get("/login/ann");
    assert.equal((await browser.get("/look")).body, '{"userId":"ann"}');
    const [listed] = await store.listByUser("ann");
    assert.ok(listed && listed.key !== old);
    assert.deepEqual(await keysOf(store), [listed.key]);
    assert.equal(await store.removeByUser("ann"), 1);
    assert.equal((await browser.get("/look")).body, "{}");
  });

  it("saves of one request that nobody waits for are all there", async () => {
    // Connections of a pool overtake one another.
    let late: Promise<unknown> | undefined;
    const store = withCalls(new MemoryStore(), async (name, call) => {
      if (name === "create" && !late)
        await (late = new Promise((resolve) => setTimeout(resolve, 20)));
      return call();
    });
    const { browser } = await start({}, store);
    await browser.get("/twice");
    await late;
    // What would follow the late one has happened by then.
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await browser.get("/look")).body, '{"views":1,"userId":"ann"}');
  });

  it("the store holds no id; genid gives ids of ours", async () => {
    const mine = new MemoryStore<Record<string, unknown>>();
    const genid = toExpressStore(mine, { Store: expressSession.Store }).genid;
    const { browser, store } = await start({ genid });
    await browser.get("/views");
    const sid =
      decodeURIComponent(browser.cookie?.split("=")[1] ?? "")
        .slice(2)
        .split(".")[0] ?? "";
    assert.match(sid, /^[\w-]{32}$/);
    const [key = ""] = await keysOf(store);
    assert.match(key, /^6|^7/);
    assert.equal(JSON.stringify(await store.scan()).includes(sid), false);
    browser.cookie = `connect.sid=${key}`;
    assert.equal((await browser.get("/look")).body, "{}");
  });

  it("requests move the idle deadline, a shorter maxAge shortens it, and the absolute limit holds", async () => {
    const clock = new ManualClock();
    let writes = 0;
    const store = withCalls(new MemoryStore({ clock }), (name, call) => {
      if (name === "extend") writes++;
      return call();
    });
    const { browser } = await start({ cookie: { maxAge: 100_000 } }, store, {
      clock,
      absoluteTimeout: 500,
    });
    await browser.get("/views");
    for (let seconds = 0; seconds < 400; seconds += 2) {
      clock.advance(2000);
      assert.equal((await browser.get("/look")).body, '{"views":1}', `after ${seconds} s`);
    }
    // 5 % of 100 s: every third request of these.
    assert.ok(writes > 60 && writes < 75, `${writes} writes`);
    await browser.get("/short");
    clock.advance(999);
    assert.equal((await browser.get("/look")).body, '{"views":1}');
    clock.advance(1000);
    assert.equal((await browser.get("/look")).body, "{}");
    await browser.get("/views");
    for (let seconds = 0; seconds < 500; seconds += 50)
      clock.advance(await browser.get("/look").then(() => 50_000));
    assert.equal((await browser.get("/look")).body, "{}");
  });

  it("a store that fails makes the request fail, and logs nobody out", async () => {
    let isDown = false;
    const store = withCalls(new MemoryStore(), (_name, call) =>
      isDown ? Promise.reject(new Error("down")) : call(),
    );
    const { browser } = await start({}, store);
    await browser.get("/views");
    isDown = true;
    const { status, body, setCookie } = await browser.get("/views");
    assert.deepEqual([status, body, setCookie], [500, "ERR_STORE_UNAVAILABLE", []]);
    isDown = false;
    assert.equal((await browser.get("/views")).body, "2");
  });

  it("what calls the store itself finds what it put there", async () => {
    const { expressStore } = await start();
    const call = (
      work: (done: (error?: unknown, result?: unknown) => void) => void,
    ): Promise<unknown> =>
      new Promise((resolve, reject) =>
        work((error, result) => (error ? reject(error as Error) : resolve(result))),
      );
    const cookie = new expressSession.Cookie();
    await call((done) =>
      expressStore.set("any text", { cookie, views: 1 } as expressSession.SessionData, done),
    );
    await call((done) =>
      expressStore.set("any text", { cookie, userId: "ann" } as expressSession.SessionData, done),
    );
    const found = (await call((done) =>
      expressStore.get("any text", done),
    )) as expressSession.SessionData;
    assert.deepEqual({ ...found, cookie: found.cookie.path }, { userId: "ann", cookie: "/" });
    await call((done) => expressStore.touch?.("any text", found, done));
    await call((done) => expressStore.destroy("any text", done));
    assert.equal(await call((done) => expressStore.get("any text", done)), undefined);
  });

  it("refuses what is no SessionStore and no class of express-session", () => {
    const store = new MemoryStore();
    const plain = { get: async () => undefined, set: async () => {}, delete: async () => {} };
    assert.throws(
      () => toExpressStore(plain as never, { Store: expressSession.Store }),
      /a SessionStore is wanted/,
    );
    for (const Store of [undefined, expressSession, Date])
      assert.throws(
        () => toExpressStore(store, { Store: Store as never }),
        /session.Store is wanted/,
      );
    assert.throws(
      () => toExpressStore(store, { Store: expressSession.Store, ttl: 5 } as never),
      /Invalid option ttl: /,
    );
    for (const wrong of [{ idleTimeout: 0 }, { absoluteTimeout: NaN }, { storeTimeout: -1 }])
      assert.throws(
        () => toExpressStore(store, { Store: expressSession.Store, ...wrong }),
        RangeError,
      );
  });
});

/** A store whose every call goes through a function. */
function withCalls(
  store: SessionStore,
  through: (name: string, call: () => Promise<unknown>) => Promise<unknown>,
): SessionStore {
  return new Proxy<SessionStore>(store, {
    get(target, name) {
      if (name === "readSync") return undefined;
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function" || name === "constructor") return member;
      return (...args: unknown[]) =>
        through(String(name), async () => Reflect.apply(member, target, args) as unknown);
    },
  });
}
