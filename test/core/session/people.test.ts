// Users and their devices, fresh sign-ins, limits of single sessions, and watching a session.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toStoreKey } from "../../../src/core/ids/session-id.ts";
import {
  HarpiaError,
  MemoryStore,
  Session,
  type SessionEvents,
  type StoreChange,
  toSessionStore,
} from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";
import { aborted } from "../../support/waits.ts";

const requestOf = (id: string) => ({ headers: { cookie: `session_id=${id}` } });

describe("Session.list and revoke", () => {
  it("list a user's sessions with handles, deadlines and which one asks", async () => {
    const clock = new ManualClock();
    const session = new Session({ clock });
    const [a, b] = [
      await session.create({ userId: "1" }),
      (clock.advance(1000), await session.create({ userId: "1" })),
    ];
    await session.create({ userId: "2" });
    const list = await session.list("1", { current: b });
    assert.deepEqual(
      list.map(({ isCurrent }) => isCurrent),
      [false, true],
    );
    const { handle, isCurrent, ...deadlines } = list[0] ?? assert.fail();
    assert.deepEqual([deadlines, isCurrent], [await session.deadlines(a), false]);
    assert.ok(!JSON.stringify(list).includes(a) && !JSON.stringify(list).includes(b));
    assert.equal(await session.get(handle), undefined);
    assert.equal(await session.fromRequest(requestOf(handle)), undefined);
  });

  it("end one by its handle, and another user's handle is not found", async () => {
    const session = new Session();
    const ended: SessionEvents["ended"][] = [];
    session.on("ended", (event) => ended.push(event));
    const [a, b] = [await session.create({ userId: "1" }), await session.create({ userId: "2" })];
    const [own] = await session.list("1");
    const [other] = await session.list("2");
    assert.equal(await session.revoke(other?.handle ?? "", { userId: "1" }), false);
    for (const none of ["", "x", a, `${own?.handle}x`, undefined as unknown as string])
      assert.equal(await session.revoke(none, { userId: "1" }), false);
    assert.equal(await session.revoke(own?.handle ?? "", { userId: "1" }), true);
    assert.equal(await session.revoke(own?.handle ?? "", { userId: "1" }), false);
    assert.deepEqual([await session.get(a), await session.get(b)], [undefined, { userId: "2" }]);
    assert.deepEqual(ended, [{ handle: own?.handle, reason: "revoked" }]);
  });

  it("end one without walking through the user's other sessions", async () => {
    const store = new MemoryStore();
    const asked: string[] = [];
    for (const name of ["listByUser", "read", "readSync", "remove"] as const) {
      const method = store[name].bind(store) as (...args: unknown[]) => unknown;
      Object.defineProperty(store, name, {
        value: (...args: unknown[]) => (asked.push(name), method(...args)),
      });
    }
    const session = new Session({ store });
    for (let n = 0; n < 3; n++) await session.create({ userId: "1" });
    const [own] = await session.list("1");
    asked.length = 0;
    assert.equal(await session.revoke(own?.handle ?? "", { userId: "1" }), true);
    assert.deepEqual(asked, ["readSync", "remove"]);
  });

  it("reject on a three-method store, which knows no handle", async () => {
    const session = new Session({
      store: { get: async () => undefined, set: async () => {}, delete: async () => {} },
    });
    const isUnsupported = { code: "ERR_STORE_UNSUPPORTED" };
    const handle = toStoreKey(await session.create({ userId: "1" }));
    await assert.rejects(session.revoke(handle, { userId: "1" }), isUnsupported);
    await assert.rejects(session.list("1"), isUnsupported);
  });
});

describe("Session.requireFresh", () => {
  const isStale = (error: unknown): boolean =>
    error instanceof HarpiaError && error.code === "ERR_NOT_FRESH";

  it("goes by the sign-in, whatever happened since", async () => {
    const clock = new ManualClock();
    const session = new Session({ clock });
    const id = await session.create({ userId: "1" });
    clock.advance(300_000);
    await session.fromRequest(requestOf(id));
    await session.update(id, { a: 1 });
    const next = await session.rotate(id);
    await session.requireFresh(next, 300);
    clock.advance(1);
    await assert.rejects(session.requireFresh(next, 300), isStale);
  });

  it("holds up whoever is nobody", async () => {
    const session = new Session();
    for (const id of [undefined, "x", await session.create({ cart: [] })])
      for (const maxAge of [300, Infinity])
        await assert.rejects(session.requireFresh(id, maxAge), isStale);
    for (const maxAge of [NaN, -1, 300_000_000])
      await assert.rejects(
        session.requireFresh(await session.create({ userId: "1" }), maxAge),
        RangeError,
      );
  });
});

describe("Session lifetimes", () => {
  const HOUR = 3_600_000;

  it("are the standard's by name", async () => {
    const rows = [
      ["nist-aal1", 24 * HOUR, 720 * HOUR],
      ["nist-aal2", HOUR, 24 * HOUR],
      ["nist-aal3", HOUR / 4, 12 * HOUR],
    ] as const;
    for (const [lifetimes, idle, absolute] of rows) {
      const clock = new ManualClock();
      const session = new Session({ clock, lifetimes });
      const { expiresAt, endsAt } =
        (await session.deadlines(await session.create({}))) ?? assert.fail();
      assert.deepEqual([expiresAt - clock.now(), endsAt - clock.now()], [idle, absolute]);
    }
    assert.throws(() => new Session({ lifetimes: "nist-aal4" as "nist-aal3" }), TypeError);
  });

  it("can be a single session's own, and last as long as that session says", async () => {
    const clock = new ManualClock();
    const session = new Session({
      clock,
      idleTimeout: 3600,
      absoluteTimeout: 86_400,
      longestTimeout: 90 * 86_400,
    });
    const usual = await session.create({ userId: "1" });
    const remembered = await session.create({ userId: "1" }, { absoluteTimeout: 60 * 86_400 });
    const idle = await session.create(
      { userId: "1" },
      { absoluteTimeout: 60 * 86_400, idleTimeout: 7 * 86_400 },
    );
    clock.advance(6 * 24 * HOUR);
    assert.equal(await session.fromRequest(requestOf(usual)), undefined);
    assert.ok(await session.fromRequest(requestOf(remembered)));
    assert.ok(await session.fromRequest(requestOf(idle)));
    clock.advance(7 * 24 * HOUR);
    assert.equal(await session.fromRequest(requestOf(idle)), undefined);
    clock.advance(46 * 24 * HOUR);
    assert.ok(await session.fromRequest(requestOf(remembered)));
    clock.advance(24 * HOUR);
    assert.equal(await session.fromRequest(requestOf(remembered)), undefined);
  });

  it("of a single session never exceed the longest", async () => {
    const session = new Session();
    await assert.rejects(session.create({}, { absoluteTimeout: 31 * 86_400 }), RangeError);
    await assert.rejects(session.create({}, { idleTimeout: 0 }), RangeError);
    const plain = new Session({
      store: toSessionStore<object>({
        get: async () => undefined,
        set: async () => {},
        delete: async () => {},
      }),
    });
    await assert.rejects(plain.create({}, { idleTimeout: 60 }), TypeError);
  });
});

describe("Session.watch", () => {
  const untilIdle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };

  it("fires when the session ends, for whatever reason", async () => {
    const ends: Record<
      string,
      (session: Session, id: string, clock: ManualClock) => Promise<unknown>
    > = {
      logout: (session, id) => session.delete(id),
      "revoke all": (session) => session.revokeAll("1"),
      revoke: async (session) =>
        session.revoke((await session.list("1"))[0]?.handle ?? "", { userId: "1" }),
      idle: async (_, __, clock) => clock.advance(86_400_000 + 2000),
      eviction: (session) => session.create({ userId: "1" }),
      "rotation, then logout": async (session, id) => session.delete(await session.rotate(id)),
    };
    for (const end of Object.values(ends)) {
      const clock = new ManualClock();
      const session = new Session({ clock, maxPerUser: { limit: 1, onLimit: "evict-oldest" } });
      const id = await session.create({ userId: "1" });
      const signal = session.watch(id);
      await untilIdle();
      assert.equal(signal.aborted, false);
      await end(session, id, clock);
      await aborted(signal);
    }
  });

  it("hears of another Session over the same store", async () => {
    const store = new MemoryStore();
    const [here, there] = [new Session({ store }), new Session({ store })];
    const id = await here.create({ userId: "1" });
    const signal = here.watch(id);
    await untilIdle();
    await there.delete(id);
    await aborted(signal);
  });

  it("misses no end that comes while it begins to listen", async () => {
    const store = new MemoryStore();
    let listen = (): void => {};
    const isReady = new Promise<void>((resolve) => (listen = resolve));
    const late = new Proxy(store, {
      get: (target, name) => {
        if (name === "subscribe")
          return (listener: () => void) => isReady.then(() => target.subscribe(listener));
        return Reflect.get(target, name, target)?.bind?.(target);
      },
    });
    const [here, there] = [new Session({ store: late }), new Session({ store })];
    const id = await here.create({ userId: "1" });
    const signal = here.watch(id);
    await untilIdle();
    await there.delete(id);
    await untilIdle();
    assert.equal(signal.aborted, false);
    listen();
    await aborted(signal);
  });

  it("asks again soon where the store did not answer, and listens then", async () => {
    const clock = new ManualClock();
    const store = new MemoryStore({ clock });
    let isDown = false;
    const failing = new Proxy(store, {
      get: (target, name) => {
        if (name === "readSync") return undefined;
        if (isDown && (name === "subscribe" || name === "read"))
          return () => Promise.reject(new Error("down"));
        return Reflect.get(target, name, target)?.bind?.(target);
      },
    });
    const [here, there] = [new Session({ store: failing, clock }), new Session({ store, clock })];
    const [first, second] = [
      await here.create({ userId: "1" }),
      await here.create({ userId: "1" }),
    ];
    isDown = true;
    const signals = [here.watch(first), here.watch(second)];
    await untilIdle();
    await there.delete(first);
    isDown = false;
    clock.advance(1000);
    await untilIdle();
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, false],
    );
    await there.delete(second);
    await untilIdle();
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, true],
    );
  });

  it("keeps those who watch a rotated session before and after the news of it", async () => {
    const store = new MemoryStore();
    const heard: ((change: StoreChange) => void)[] = [];
    const slow = new Proxy(store, {
      get: (target, name) => {
        // The news comes when the test says so.
        if (name === "subscribe")
          return async (listener: (change: StoreChange) => void) => void heard.push(listener);
        return Reflect.get(target, name, target)?.bind?.(target);
      },
    });
    const [here, there] = [new Session({ store: slow }), new Session({ store })];
    const id = await there.create({ userId: "1" });
    const before = here.watch(id);
    await untilIdle();
    const next = (await there.rotate(id)) as string;
    const after = here.watch(next);
    await untilIdle();
    for (const tell of heard)
      tell({ type: "moved", key: toStoreKey(id), nextKey: toStoreKey(next) });
    await here.delete(next);
    await Promise.all([aborted(before), aborted(after)]);
  });

  it("looks for itself where the store tells nothing", async () => {
    const clock = new ManualClock();
    const store = new Proxy(new MemoryStore({ clock }), {
      get: (target, name) =>
        name === "subscribe" ? undefined : Reflect.get(target, name, target)?.bind?.(target),
    });
    const [here, there] = [new Session({ store, clock }), new Session({ store, clock })];
    const id = await here.create({ userId: "1" });
    const signal = here.watch(id);
    await untilIdle();
    await there.delete(id);
    await untilIdle();
    assert.equal(signal.aborted, false);
    clock.advance(30_000);
    await aborted(signal);
  });

  it("is aborted at once for what is no session, and forgotten when nobody watches any more", async () => {
    const clock = new ManualClock();
    const session = new Session({ clock, store: new MemoryStore() });
    assert.equal(session.watch(undefined).aborted, true);
    assert.equal(session.watch("x").aborted, true);
    const ended = await session.create({ userId: "1" });
    await session.delete(ended);
    await aborted(session.watch(ended));
    const closing = new AbortController();
    const signal = session.watch(await session.create({ userId: "1" }), closing.signal);
    await untilIdle();
    assert.equal(clock.scheduled, 1);
    closing.abort();
    assert.deepEqual([clock.scheduled, signal.aborted], [0, false]);
  });
});
