// Options are checked to the depth, at every place that takes some: an unknown name, a value of the
// wrong kind, a number out of its bounds. Each mistake is an error at construction that names the
// option, and never shows a text, which may be a secret.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import expressSession from "express-session";
import { nextAction, nextSession } from "../../src/adapters/next.ts";
import { expressSession as ours } from "../../src/adapters/express.ts";
import { elysiaSession } from "../../src/adapters/elysia.ts";
import { fastifySession } from "../../src/adapters/fastify.ts";
import { withSession as withFetch } from "../../src/adapters/fetch.ts";
import { h3Session } from "../../src/adapters/h3.ts";
import { harpiaSession } from "../../src/adapters/harpia.ts";
import { honoSession } from "../../src/adapters/hono.ts";
import { koaSession } from "../../src/adapters/koa.ts";
import { withSession as withNode } from "../../src/adapters/node.ts";
import { fromWebSocket } from "../../src/adapters/websocket.ts";
import { createAdmin } from "../../src/admin.ts";
import { deviceOf } from "../../src/device.ts";
import { createExplainer } from "../../src/explain.ts";
import harpia from "../../src/index.ts";
import { MemoryStore, Session, toSessionStore } from "../../src/session.ts";
import { EncryptedStore } from "../../src/stores/encrypted.ts";
import { ExpressSessionStore, toExpressStore } from "../../src/stores/express-session.ts";
import { MysqlStore } from "../../src/stores/mysql.ts";
import { openStore } from "../../src/stores/open.ts";
import { PostgresStore } from "../../src/stores/postgres.ts";
import { RedisStore } from "../../src/stores/redis.ts";
import { SqliteStore } from "../../src/stores/sqlite.ts";
import { UnstorageStore } from "../../src/stores/unstorage.ts";

const session = new Session();
const plain = { get: async () => undefined, set: async () => {}, delete: async () => {} };
// Clients by structure: nothing is asked of them at construction.
const redis = { isOpen: true, get() {}, eval() {}, evalSha() {}, sendCommand() {}, duplicate() {} };
const pg = { query() {}, connect() {}, on() {}, idleCount: 0 };
const mysql = { getConnection() {}, execute() {}, query() {} };
const NOTHING = (): void => {};

type Given = Record<string, unknown>;
// What takes options, whatever else it wants, and one name of its own that it does not take.
const PLACES: Record<string, (options: Given) => unknown> = {
  Session: (given) => new Session(given),
  "Session cookie": (cookie) => new Session({ cookie }),
  "Session nearCache": (nearCache) => new Session({ nearCache }),
  "Session maxPerUser": (given) =>
    new Session({ maxPerUser: { limit: 1, onLimit: "deny", ...given } }),
  create: (given) => session.create({}, given),
  login: (given) => session.open({ headers: {} }).login({}, given),
  setCookie: (given) => session.setCookie(new Response() as never, "x".repeat(32), given),
  revokeAll: (given) => session.revokeAll("1", given),
  list: (given) => session.list("1", given),
  revoke: (given) => session.revoke("1", { userId: "1", ...given }),
  scan: (given) => session.all.scan("1", given),
  MemoryStore: (given) => new MemoryStore(given),
  toSessionStore: (given) => toSessionStore(plain, given),
  RedisStore: (given) => new RedisStore({ client: redis, ...given } as never),
  PostgresStore: (given) => new PostgresStore({ client: pg, ...given } as never),
  MysqlStore: (given) => new MysqlStore({ client: mysql, ...given } as never),
  SqliteStore: (given) =>
    new SqliteStore({ client: { exec() {}, prepare() {} } as never, ...given }),
  EncryptedStore: (given) =>
    new EncryptedStore(new MemoryStore(), { keys: ["k".repeat(16) + "q".repeat(16)], ...given }),
  ExpressSessionStore: (given) =>
    new ExpressSessionStore({ store: { get() {}, set() {}, destroy() {} }, ...given } as never),
  toExpressStore: (given) =>
    toExpressStore(new MemoryStore(), { Store: expressSession.Store, ...given }),
  UnstorageStore: (given) =>
    new UnstorageStore({
      storage: { getItem() {}, setItem() {}, removeItem() {} },
      ...given,
    } as never),
  openStore: (given) => openStore("memory:", given),
  express: (given) => ours(session, given),
  fastify: (given) => fastifySession(session, given),
  koa: (given) => koaSession(session, given),
  hono: (given) => honoSession(session, given),
  h3: (given) => h3Session(session, given),
  harpia: (given) => harpiaSession(session, given),
  elysia: (given) => elysiaSession(session, given),
  fetch: (given) => withFetch(session, () => new Response(), given),
  node: (given) => withNode(session, NOTHING, given),
  nextSession: (given) => nextSession(session, { get: NOTHING } as never, given),
  nextAction: (given) => nextAction(session, { get: NOTHING } as never, NOTHING, given),
  fromWebSocket: (given) => fromWebSocket(session, { headers: {} }, given),
  createAdmin: (given) => createAdmin({ session, authorize: () => true, ...given }),
  deviceOf: (given) => deviceOf({ headers: {} }, { parser: { parse: NOTHING } as never, ...given }),
  createExplainer: (given) => createExplainer(session, given),
  "harpia().listen": (given) => harpia().listen(given),
};

/** The error of a call, thrown or rejected. */
async function errorOf(act: () => unknown, about = ""): Promise<Error> {
  try {
    await act();
  } catch (error) {
    return error as Error;
  }
  return assert.fail(`it was taken ${about}`);
}

describe("options", () => {
  for (const [place, make] of Object.entries(PLACES)) {
    it(`of ${place}: an unknown name is refused, and named`, async () => {
      const error = await errorOf(() => make({ nameOfNoOption: "s3cret" }));
      assert.ok(error instanceof TypeError, String(error));
      assert.match(error.message, /^Invalid option (?:\w+\.)?nameOfNoOption: /);
      assert.ok(!error.message.includes("s3cret"));
    });
  }

  it("have the same bounds wherever they stand: no seconds that are milliseconds, NaN, texts, or negative", async () => {
    const seconds: [string, string][] = [
      ["Session", "idleTimeout"],
      ["Session", "absoluteTimeout"],
      ["Session", "longestTimeout"],
      ["Session", "renewEvery"],
      ["Session", "renewOverlap"],
      ["Session", "touchInterval"],
      ["Session", "storeTimeout"],
      ["Session nearCache", "maxAge"],
      ["create", "idleTimeout"],
      ["create", "absoluteTimeout"],
      ["login", "absoluteTimeout"],
      ["toSessionStore", "absoluteTimeout"],
      ["SqliteStore", "pruneInterval"],
      ["SqliteStore", "busyTimeout"],
      ["PostgresStore", "pruneInterval"],
      ["MysqlStore", "pruneInterval"],
      ["MysqlStore", "statementTimeout"],
      ["toExpressStore", "idleTimeout"],
      ["toExpressStore", "absoluteTimeout"],
      ["toExpressStore", "storeTimeout"],
      ["ExpressSessionStore", "absoluteTimeout"],
      ["UnstorageStore", "absoluteTimeout"],
      ["openStore", "connectTimeout"],
      ["openStore", "pruneInterval"],
    ];
    for (const [place, option] of seconds) {
      // Infinity is no statement limit, by the page of MysqlStore.
      const endless = option === "statementTimeout" ? [] : [Infinity];
      for (const wrong of [NaN, -1, ...endless, "60", 2_592_000_000, {}, null, true]) {
        const error = await errorOf(
          () => PLACES[place]?.({ [option]: wrong }),
          `${place} ${option} ${String(wrong)}`,
        );
        const kind = typeof wrong === "number" ? RangeError : TypeError;
        assert.ok(error instanceof kind, `${place} ${option} ${String(wrong)}: ${error}`);
        assert.match(error.message, new RegExp(`${option}: got .+, expected seconds`));
        if (wrong === 2_592_000_000) assert.match(error.message, /not milliseconds/);
      }
    }
  });

  it("of other libraries are answered with ours", async () => {
    const names: [string, string, RegExp][] = [
      ["Session", "secret", /did you mean secrets\?/],
      ["Session", "name", /did you mean cookieName\?/],
      ["Session", "ttl", /did you mean absoluteTimeout\?/],
      ["Session", "maxAge", /did you mean absoluteTimeout\?/],
      ["Session", "rolling", /did you mean idleTimeout\?/],
      ["Session", "password", /did you mean secrets\?/],
      ["Session", "resave", /a session is written when it has changed/],
      ["Session", "saveUninitialized", /begins with the first field/],
      ["Session", "genid", /the library makes the ids/],
      ["Session", "cookieOptions", /did you mean cookie\?/],
      ["Session cookie", "samesite", /did you mean cookie\.sameSite\?/],
      ["Session cookie", "SameSite", /did you mean cookie\.sameSite\?/],
      ["Session cookie", "maxage", /did you mean cookie\.maxAge\?/],
      ["Session cookie", "signed", /secrets of the Session/],
      ["RedisStore", "ttl", /idleTimeout and absoluteTimeout of the Session/],
      ["EncryptedStore", "key", /did you mean keys\?/],
      ["PostgresStore", "tabel", /did you mean table\?/],
    ];
    for (const [place, name, message] of names)
      assert.match((await errorOf(() => PLACES[place]?.({ [name]: 1 }), name)).message, message);
  });

  it("of a cookie make sense, or are refused", () => {
    const wrong: object[] = [
      { maxAge: 0 },
      { maxAge: -1 },
      { maxAge: 1.5 },
      { maxAge: 3_600_000_000 },
      { maxAge: "60" },
      { expires: new Date(Date.now() + 86_400_000) },
      { expires: new Date(0) },
      { secure: null },
      { httpOnly: null },
      { secure: "auto" },
      { sameSite: true },
      { sameSite: "nobody" },
      { sameSite: "none", secure: false },
      { partitioned: true, secure: false },
      { partitioned: 1 },
      { path: "" },
      { path: "app" },
      { path: "/a;b" },
      { domain: "" },
      { domain: "https://example.com" },
      { domain: "example.com:80" },
      { domain: "a b" },
      { priority: "highest" },
    ];
    for (const cookie of wrong)
      assert.throws(
        () => new Session({ cookie: cookie as never }),
        (error: Error) => error instanceof TypeError || error instanceof RangeError,
        JSON.stringify(cookie),
      );
    for (const domain of ["example.com", ".example.com", "localhost", "xn--bcher-kva.example"])
      assert.ok(new Session({ cookie: { domain } }));
  });

  it("fit together: an idle limit is not above the absolute one, and secrets are distinct and random", () => {
    const wrong: object[] = [
      { idleTimeout: 3_600_000 },
      { idleTimeout: 3600, absoluteTimeout: 1800 },
      { lifetimes: "nist-aal3", idleTimeout: 86_400 },
      { absoluteTimeout: 7200, longestTimeout: 3600 },
      { secrets: [" ".repeat(32)] },
      { secrets: ["ab".repeat(16)] },
      { secrets: [] },
      { renewEvery: 60, renewOverlap: 60 },
    ];
    const secret = "2b7e151628aed2a6abf7158809cf4f3c";
    for (const options of [...wrong, { secrets: [secret, secret] }])
      assert.throws(() => new Session(options), Error, JSON.stringify(options));
    assert.throws(
      () => new Session({ idleTimeout: 3_600_000 }),
      /^RangeError: Invalid option idleTimeout: got 3600000, expected seconds \(not milliseconds\) up to absoluteTimeout \(2592000\)$/,
    );
    assert.throws(
      () =>
        createAdmin({ session, authorize: () => true, trustedOrigins: ["https://*.example.com"] }),
      /Invalid option trustedOrigins\[0\]/,
    );
  });

  it("that are clients are refused in words that say what was given", () => {
    const stores: ((client: unknown) => unknown)[] = [
      (client) => new RedisStore({ client } as never),
      (client) => new PostgresStore({ client } as never),
      (client) => new MysqlStore({ client } as never),
      (client) => new SqliteStore({ client } as never),
    ];
    const clients: [unknown, RegExp][] = [
      [undefined, /^Cannot use this client: got undefined, expected a /],
      [null, /^Cannot use this client: got null, expected a /],
      [{}, /^Cannot use this client: got an object, expected a /],
      ["redis://localhost", /got a string, expected a .* \(openStore takes a URL\)$/],
      [Promise.resolve({}), /got a promise, which has to be awaited, expected a /],
    ];
    for (const make of stores)
      for (const [client, message] of clients)
        assert.throws(() => make(client), { name: "TypeError", message });
  });
});
