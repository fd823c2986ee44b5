// What mutants of the code once survived: a second of a life, and the gathering of touches.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryStore, Session } from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";

type Fields = Record<string, unknown>;

describe("The absolute limit", () => {
  it("counts from the millisecond of the birth, of which an id says the second", async () => {
    for (const fraction of [0, 1, 500, 900, 999]) {
      const clock = new ManualClock();
      clock.advance(1000 - (clock.now() % 1000) + fraction);
      const session = new Session<Fields>({ clock, absoluteTimeout: 10, idleTimeout: false });
      const id = await session.create({ n: 1 });
      clock.advance(9500);
      assert.deepEqual(await session.get(id), { n: 1 }, `${fraction} ms`);
      clock.advance(499);
      assert.deepEqual(await session.get(id), { n: 1 }, `${fraction} ms`);
      clock.advance(1);
      assert.equal(await session.get(id), undefined, `${fraction} ms`);
    }
  });
});

describe("Activity of one moment", () => {
  it("is written once, however many requests came", async () => {
    const clock = new ManualClock();
    let extended = 0;
    let go = (): void => {};
    const isOpen = new Promise<void>((resolve) => (go = resolve));
    const store = new Proxy(new MemoryStore<Fields>({ clock }), {
      get(target, name) {
        if (name === "readSync" || name === "extendAll") return undefined;
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        if (name !== "extend") return value.bind(target);
        return async (...args: unknown[]): Promise<unknown> => {
          extended++;
          await isOpen;
          return Reflect.apply(value, target, args);
        };
      },
    });
    const session = new Session<Fields>({ store, clock, storeTimeout: false });
    const id = await session.create({ userId: "1" });
    clock.advance(600_000);
    const req = { headers: { cookie: `session_id=${id}` } };
    const read = await Promise.all(Array.from({ length: 8 }, () => session.fromRequest(req)));
    assert.equal(read.filter(Boolean).length, 8);
    go();
    await session.close();
    assert.equal(extended, 1);
    assert.equal((await session.deadlines(id))?.lastSeenAt, clock.now());
  });
});

describe("Clocks that are wrong", () => {
  it("make no sign-in of the future fresh, beyond a small tolerance", async () => {
    const clock = new ManualClock();
    const store = new MemoryStore<Fields>({ clock });
    const session = new Session<Fields>({ store, clock });
    for (const [ahead, isFresh] of [
      [0, true],
      [30_000, true],
      [30_001, false],
      [3_600_000, false],
    ] as const) {
      const there = { now: () => clock.now() + ahead, schedule: () => () => {} };
      const elsewhere = new Session<Fields>({ store, clock: there });
      const created = await elsewhere.create({ userId: "1" });
      const proved = await elsewhere.reauthenticate(await elsewhere.create({ userId: "1" }));
      for (const id of [created, proved]) {
        const req = { headers: { cookie: `session_id=${id}` } };
        const asked = [
          () => session.requireFresh(id, 300),
          () => session.requireFresh(req, 300),
          () => session.open(req).requireFresh(300),
        ];
        for (const ask of asked)
          if (isFresh) await ask();
          else await assert.rejects(ask, { code: "ERR_NOT_FRESH" }, `${ahead} ms ahead`);
      }
    }
  });

  it("bring nothing back in a MemoryStore that was seen to have ended", async () => {
    let now = Date.now();
    const clock = { now: () => now, schedule: () => () => {} };
    for (const look of ["get", "readSync", "update", "list", "scan", "count"] as const) {
      const store = new MemoryStore<Fields>({ clock });
      const session = new Session<Fields>({ store, clock, idleTimeout: 60 });
      const id = await session.create({ userId: "1" });
      const before = now;
      now += 60_000;
      const looks = {
        get: () => session.get(id),
        readSync: () => session.fromRequest({ headers: { cookie: `session_id=${id}` } }),
        update: () => session.update(id, { n: 1 }),
        list: () => session.list("1"),
        scan: () => store.scan(),
        count: () => store.prune(),
      };
      await looks[look]();
      now = before;
      assert.equal(await session.get(id), undefined, look);
      assert.deepEqual(await session.list("1"), [], look);
      assert.equal(await session.update(id, { n: 1 }), false, look);
    }
  });
});
