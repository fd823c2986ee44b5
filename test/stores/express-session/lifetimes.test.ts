// toExpressStore as a store: what other packages and applications put there themselves, how long it
// lives, what is counted and listed, and moving from another store without signing anybody out.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import express from "express";
import expressSession from "express-session";
import { MemoryStore, type SessionStore } from "../../../src/session.ts";
import { type ExpressStoreOptions, toExpressStore } from "../../../src/stores/express-session.ts";
import { PostgresStore } from "../../../src/stores/postgres.ts";
import { SqliteStore } from "../../../src/stores/sqlite.ts";
import { ManualClock } from "../../../src/testing.ts";
import { listen } from "../../support/listen.ts";
import { sqliteClient } from "../../support/sqlite-clients.ts";
import { until } from "../../support/waits.ts";

type Fields = Record<string, unknown>;
const SECOND = 1000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function begin(
  options: Partial<ExpressStoreOptions<expressSession.Store>> = {},
  make: (clock: ManualClock) => SessionStore = (clock) => new MemoryStore({ clock }),
) {
  const clock = new ManualClock();
  const beneath = make(clock);
  const store = toExpressStore(beneath, { Store: expressSession.Store, clock, ...options });
  return { clock, beneath, store };
}

// Every way in which a plain object says how long it lives: from `now` on, for a minute.
const MINUTE = 60 * SECOND;
const FORMS: Record<string, (now: number) => Fields> = {
  "expires as a Date": (now) => ({ originalMaxAge: null, expires: new Date(now + MINUTE) }),
  "expires as a text": (now) => ({
    expires: new Date(now + MINUTE).toISOString(),
    maxAge: 5 * DAY,
  }),
  "expires as a number": (now) => ({ expires: now + MINUTE, maxAge: 5 * DAY }),
  maxAge: () => ({ maxAge: MINUTE, originalMaxAge: 5 * DAY }),
  originalMaxAge: () => ({ originalMaxAge: MINUTE }),
  "an expires that is none": () => ({ expires: "soon", maxAge: MINUTE }),
};

describe("toExpressStore and plain objects", () => {
  for (const [form, cookieOf] of Object.entries(FORMS)) {
    it(`live by ${form}, from each set on`, async () => {
      const { clock, store } = begin();
      for (let n = 0; n < 5; n++) {
        await store.set("s", { n, cookie: cookieOf(clock.now()) });
        clock.advance(MINUTE - 1);
        assert.equal((await store.get("s"))?.["n"], n);
      }
      clock.advance(1);
      assert.equal(await store.get("s"), undefined);
      assert.equal(await store.length(), 0);
    });
  }

  it("live for the default where they say nothing, from each set on, also under a known id", async () => {
    const { clock, store } = begin();
    for (let hour = 1; hour < 40; hour++) {
      await store.set("s", { hour, cookie: { originalMaxAge: null } });
      clock.advance(HOUR);
      assert.equal((await store.get("s"))?.["hour"], hour);
    }
    clock.advance(DAY);
    assert.equal(await store.get("s"), undefined);
  });

  it("end by an expires that has passed, whether they were there or not", async () => {
    const { clock, beneath, store } = begin();
    await store.set("s", { cookie: { maxAge: MINUTE } });
    for (const cookie of [{ expires: clock.now() - 1 }, { expires: new Date(0) }, { maxAge: 0 }]) {
      await store.set("s", { cookie });
      assert.equal(await store.get("s"), undefined);
      assert.deepEqual((await beneath.scan()).sessions, []);
    }
  });

  it("end sooner by a nearer expires than the one before", async () => {
    const { clock, store } = begin();
    await store.set("s", { cookie: { expires: clock.now() + DAY } });
    await store.set("s", { cookie: { expires: clock.now() + MINUTE } });
    clock.advance(MINUTE);
    assert.equal(await store.get("s"), undefined);
  });

  it("come back as they were handed in", async () => {
    const { clock, store } = begin();
    // As express-openid-connect stores it.
    const session = {
      header: { uat: 1, iat: 1, exp: 2 },
      data: { id_token: "x" },
      cookie: { expires: clock.now() + 7 * DAY, maxAge: 7 * DAY },
    };
    await store.set("s", session);
    assert.deepEqual(await store.get("s"), session);
  });

  it("roll on over days: a visit each hour keeps a session with a rolling week", async () => {
    const { clock, store } = begin();
    for (let hour = 0; hour < 20 * 24; hour++) {
      const found = await store.get("s");
      assert.ok(found || hour === 0, `lost after ${hour} hours`);
      await store.set("s", { hour, cookie: { expires: clock.now() + 7 * DAY, maxAge: 7 * DAY } });
      clock.advance(HOUR);
    }
    clock.advance(7 * DAY);
    assert.equal(await store.get("s"), undefined);
  });

  it("have an absolute limit, unless it is switched off", async () => {
    const outcomes = [];
    for (const absoluteTimeout of [undefined, 10 * 86_400, false] as const) {
      const { clock, store } = begin({ absoluteTimeout });
      let days = 0;
      for (; days < 400; days++) {
        if (days > 0 && !(await store.get("s"))) break;
        await store.set("s", { cookie: { maxAge: 2 * DAY } });
        clock.advance(DAY);
      }
      outcomes.push(days);
    }
    assert.deepEqual(outcomes, [30, 10, 400]);
  });
});

describe("toExpressStore as a store", () => {
  it("counts, lists by handle and clears what express-session could load", async () => {
    const { clock, beneath, store } = begin();
    await beneath.set("of nobody here", { n: 1 });
    for (const n of [1, 2, 3]) await store.set(`s${n}`, { n, cookie: { maxAge: n * MINUTE } });
    const all = await store.all();
    assert.deepEqual(
      Object.values(all).map(({ n }) => n),
      [1, 2, 3],
    );
    for (const handle of Object.keys(all)) {
      assert.match(handle, /^[\w-]{8}\.[\w-]{43}$/);
      assert.equal(await store.get(handle), undefined);
    }
    assert.equal(await promisify(store.length.bind(store))(), 3);
    assert.deepEqual(await promisify(store.all.bind(store))(), all);
    clock.advance(MINUTE);
    assert.equal(await store.length(), 2);
    await promisify(store.clear.bind(store))();
    assert.equal(await store.length(), 0);
    assert.deepEqual(await store.all(), {});
  });

  it("pages through more sessions than one page holds", async () => {
    const { store } = begin();
    for (let n = 0; n < 1200; n++) await store.set(`s${n}`, { n, cookie: {} });
    assert.equal(await store.length(), 1200);
    assert.equal(Object.keys(await store.all()).length, 1200);
  });

  it("answers by promise, by callback, and by both; and an error that nobody waits for ends nothing", async () => {
    const { store } = begin({}, () => {
      const failing = new MemoryStore();
      const fail = (): Promise<never> => Promise.reject(new Error("down"));
      return Object.assign(failing, { read: fail, remove: fail, readSync: undefined });
    });
    const codes: unknown[] = [];
    const note = (error: unknown): void => void codes.push((error as { code?: string }).code);
    await assert.rejects(store.get("s"), { code: "ERR_STORE_UNAVAILABLE" });
    store.destroy("s", note);
    void store.destroy("s");
    await until("the callback", () => codes.length > 0);
    for (let turn = 0; turn < 3; turn++) await nextTurn();
    assert.deepEqual(codes, ["ERR_STORE_UNAVAILABLE"]);
  });

  it("has no error for what is not there", async () => {
    const { store } = begin();
    const session = { cookie: { maxAge: MINUTE } };
    assert.equal(await store.get("nothing"), undefined);
    await store.touch("nothing", session);
    await store.destroy("nothing");
    assert.equal(await store.get("nothing"), undefined);
    for (const odd of ["", "a/../b", "é\u0000", "x".repeat(5000), "__proto__"]) {
      await store.set(odd, { odd, ...session });
      assert.equal((await store.get(odd))?.["odd"], odd);
      await store.destroy(odd);
      assert.equal(await store.get(odd), undefined);
    }
  });

  it("closes the store beneath where that can be closed", async () => {
    const opened = (await sqliteClient()).open(":memory:");
    const closed: string[] = [];
    const { store } = begin({ migrate: true }, (clock) => {
      const sqlite = new SqliteStore({ client: opened, clock });
      return Object.assign(sqlite, { close: () => closed.push("sqlite") });
    });
    await store.set("s", { cookie: {} });
    assert.equal(await store.length(), 1);
    await store.close();
    assert.deepEqual(closed, ["sqlite"]);
    await begin().store.close();
  });

  it("makes the table first with `migrate`, tries again where that failed, and fails without", async () => {
    let tries = 0;
    const open = async (migrate: boolean) => {
      const client = (await sqliteClient()).open(":memory:");
      return begin({ migrate }, (clock) => {
        const sqlite = new SqliteStore({ client, clock, pruneInterval: false });
        const once = sqlite.migrate.bind(sqlite);
        const failing = (): ReturnType<typeof once> =>
          ++tries === 1 ? Promise.reject(new Error("not yet")) : once();
        return Object.assign(sqlite, { migrate: failing });
      }).store;
    };
    const with_ = await open(true);
    await assert.rejects(with_.set("s", { cookie: {} }), /not yet/);
    await Promise.all([1, 2, 3].map((n) => with_.set(`s${n}`, { cookie: {} })));
    assert.equal(tries, 2);
    const without = await open(false);
    await assert.rejects(without.set("s", { cookie: {} }), { code: "ERR_STORE_UNAVAILABLE" });
    assert.ok(PostgresStore.prototype.migrate, "as the other stores with tables name it");
  });

  it("writes activity as often as touchInterval says", async () => {
    const counts = [];
    for (const touchInterval of [undefined, 0, 600]) {
      let extended = 0;
      const { clock, store } = begin({ touchInterval }, (ownClock) => {
        const memory = new MemoryStore({ clock: ownClock });
        const extend = memory.extend.bind(memory);
        return Object.assign(memory, {
          extend: (...args: Parameters<typeof extend>) => (extended++, extend(...args)),
        });
      });
      const session = { cookie: new expressSession.Cookie() };
      session.cookie.maxAge = HOUR;
      await store.set("s", session);
      for (let n = 0; n < 60; n++) {
        clock.advance(20 * SECOND);
        await store.touch("s", session);
      }
      counts.push(extended);
    }
    assert.deepEqual(counts, [20, 60, 2]);
  });

  it("keeps originalMaxAge where it is, however often it is read and touched", async () => {
    const { beneath, store } = begin();
    const app = express();
    const options = { secret: "s", resave: false, saveUninitialized: true, store };
    app.use(expressSession({ ...options, cookie: { maxAge: HOUR } }));
    app.get("/", (req, res) => {
      // A millisecond more, each time: as it happens by chance under load.
      const { cookie } = req.session;
      cookie.originalMaxAge = (cookie.originalMaxAge ?? 0) - 1;
      res.send("ok");
    });
    const { url, close } = await listen(createServer(app));
    const first = await fetch(url);
    const cookie = first.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    const ageOf = async (): Promise<unknown> => (await beneath.scan()).sessions[0]?.session.data;
    const [before, { revision }] = [await ageOf(), await revisionOf(beneath)];
    for (let n = 0; n < 50; n++) await (await fetch(url, { headers: { cookie } })).text();
    assert.deepEqual(await ageOf(), before);
    assert.equal((await revisionOf(beneath)).revision, revision);
    await close();
  });

  it("refuses options that make no sense", () => {
    const wrong = [
      { touchInterval: -1 },
      { touchInterval: "60" },
      { absoluteTimeout: true },
      { idleTimeout: false },
      { former: {} },
    ];
    for (const options of wrong)
      assert.throws(
        () => begin(options as never),
        /^(?:Type|Range)Error: (?:Cannot use|Invalid option|Invalid options)/,
      );
  });
});

async function revisionOf(store: SessionStore): Promise<{ revision: number }> {
  const [found] = (await store.scan()).sessions;
  return { revision: found?.session.revision ?? 0 };
}

describe("toExpressStore with a former store", () => {
  let former: expressSession.MemoryStore;
  before(() => void (former = new expressSession.MemoryStore()));
  after(() => void (former = new expressSession.MemoryStore()));
  const put = (sid: string, session: object): Promise<void> =>
    promisify(former.set.bind(former))(sid, session as expressSession.SessionData) as Promise<void>;
  const isThere = async (sid: string): Promise<boolean> =>
    Boolean(await promisify(former.get.bind(former))(sid));
  const inADay = (): object => ({
    originalMaxAge: DAY,
    expires: new Date(Date.now() + HOUR).toISOString(),
    path: "/",
  });
  // express-session's own MemoryStore goes by the machine's clock.
  const over = (more: object = {}) => {
    const beneath = new MemoryStore();
    const store = toExpressStore(beneath, { Store: expressSession.Store, former, ...more });
    let moved = 0;
    (store as unknown as NodeJS.EventEmitter).on("moved", () => moved++);
    return { beneath, store, moved: () => moved };
  };

  it("takes a session over once, with the rest of its lifetime, and ends it there", async () => {
    const { beneath, store, moved } = over({ user: ({ userId }: Fields) => String(userId) });
    await put("s", { userId: "ada", cookie: inADay() });
    assert.equal((await store.get("s"))?.["userId"], "ada");
    assert.equal((await store.get("s"))?.["userId"], "ada");
    assert.deepEqual([moved(), await isThere("s")], [1, false]);
    const [found] = await beneath.listByUser("ada");
    const left = (found?.session.expiresAt ?? 0) - Date.now();
    assert.ok(left > HOUR - 60_000 && left <= HOUR, String(left));
    assert.equal(await store.get("unknown"), undefined);
  });

  it("of 50 requests at once each finds it, and one session is made", async () => {
    for (let round = 0; round < 20; round++) {
      const { beneath, store, moved } = over();
      await put(`s${round}`, { n: round, cookie: inADay() });
      const found = await Promise.all(Array.from({ length: 50 }, () => store.get(`s${round}`)));
      assert.deepEqual(new Set(found.map((session) => session?.["n"])), new Set([round]));
      assert.equal((await beneath.scan()).sessions.length, 1);
      assert.equal(moved(), 1);
    }
  });

  it("a logout ends both, at whatever moment of the taking over it comes", async () => {
    for (let turns = 0; turns < 30; turns++) {
      const { beneath, store } = over();
      await put("out", { n: 1, cookie: inADay() });
      const reading = Promise.all([store.get("out"), store.get("out")]);
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      if (turns % 3 === 0) await nextTurn();
      await store.destroy("out");
      await reading;
      assert.equal(await store.get("out"), undefined, `after ${turns} turns`);
      assert.deepEqual((await beneath.scan()).sessions, []);
      assert.equal(await isThere("out"), false);
    }
  });

  it("takes nothing over that is past its expiry, and an error there is an error here", async () => {
    const expired = {
      get: (_: string, done: (error: unknown, found: object) => void) =>
        done(null, { cookie: { expires: new Date(Date.now() - 1).toISOString() } }),
    };
    const rest = { set() {}, destroy() {} };
    assert.equal(await over({ former: { ...expired, ...rest } }).store.get("s"), undefined);
    const failing = { get: (_: string, done: (error: unknown) => void) => done(new Error("down")) };
    await assert.rejects(over({ former: { ...failing, ...rest } }).store.get("s"), /down/);
  });
});
