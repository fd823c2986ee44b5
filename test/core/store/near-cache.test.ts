// The near cache: what it spares, and what it must never do.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Session } from "../../../src/session.ts";
import { type Data, request, setUp, turn } from "../../support/near-cache.ts";

describe("nearCache", () => {
  it("spares the store's reads until maxAge, also when requests come by open", async () => {
    const { clock, here, state } = setUp();
    const id = await here.create({ userId: "a", n: 1 });
    await turn();
    for (let times = 0; times < 5; times++)
      assert.deepEqual(await here.fromRequest(request(id)), { userId: "a", n: 1 });
    assert.deepEqual(await here.open(request(id)).data, { userId: "a", n: 1 });
    assert.deepEqual([await here.get(id), state.reads], [{ userId: "a", n: 1 }, 1]);
    clock.advance(4999);
    await here.get(id);
    assert.equal(state.reads, 1);
    clock.advance(1);
    await here.get(id);
    assert.equal(state.reads, 2);
  });

  it("gives everybody a copy of their own", async () => {
    const { here } = setUp();
    const id = await here.create({ list: [1] });
    const first = await here.get(id);
    first?.list?.push(2);
    const second = await here.get(id);
    assert.deepEqual(second, { list: [1] });
    second?.list?.push(3);
    assert.deepEqual(await here.get(id), { list: [1] });
  });

  it("never shows this process what it has changed or ended itself", async () => {
    const ends: Record<string, (session: Session<Data>, id: string) => Promise<unknown>> = {
      delete: (session, id) => session.delete(id),
      rotate: (session, id) => session.rotate(id),
      revokeAll: (session) => session.revokeAll("a"),
      revoke: async (session) =>
        session.revoke((await session.list("a"))[0]?.handle ?? "", { userId: "a" }),
      revokeEverything: (session) => session.revokeEverything(),
      "a login over the cap": (session) => session.create({ userId: "a" }),
    };
    for (const [name, end] of Object.entries(ends)) {
      const { here } = setUp({ maxPerUser: { limit: 1, onLimit: "evict-oldest" } });
      const id = await here.create({ userId: "a", n: 1 });
      await here.get(id);
      assert.equal(await here.update(id, { n: 2 }), true);
      assert.equal((await here.get(id))?.n, 2);
      await end(here, id);
      assert.equal(await here.get(id), undefined, name);
    }
  });

  it("finds no session after it was told that there is none, or another one", async () => {
    const finds: Record<string, (session: Session<Data>, id: string) => Promise<unknown>> = {
      "an update by a function": (session, id) => session.update(id, () => ({ n: 2 })),
      "an update of fields": (session, id) => session.update(id, { n: 2 }),
      rotate: (session, id) => session.rotate(id),
      delete: (session, id) => session.delete(id),
      reauthenticate: (session, id) => session.reauthenticate(id),
      "a revocation": async (session, id) =>
        session.revoke((await session.open(request(id)).handle) ?? "", { userId: "a" }),
    };
    for (const [name, find] of Object.entries(finds)) {
      const { here, elsewhere } = setUp();
      const id = await here.create({ userId: "a", n: 1 });
      await here.get(id);
      // Its message does not arrive.
      await elsewhere.delete(id);
      assert.ok(!(await find(here, id)), name);
      assert.equal(await here.get(id), undefined, name);
    }
    const { here, elsewhere } = setUp();
    const id = await here.create({ userId: "a", n: 1 });
    await here.get(id);
    await elsewhere.update(id, { n: 2 });
    let seen: unknown;
    await here.update(id, (data) => void (seen = data.n));
    assert.deepEqual([seen, (await here.get(id))?.n], [2, 2]);
  });

  it("drops what others change or end, when the message comes", async () => {
    const { here, elsewhere, tell, store } = setUp();
    const id = await here.create({ userId: "a", n: 1 });
    const [{ key }] = (await store.scan()).sessions as unknown as [{ key: string }];
    await here.get(id);
    await elsewhere.update(id, { n: 2 });
    assert.equal((await here.get(id))?.n, 1);
    tell({ type: "changed", key });
    assert.equal((await here.get(id))?.n, 2);
    await elsewhere.delete(id);
    tell({ type: "removed", key });
    assert.equal(await here.get(id), undefined);
    const other = await here.create({});
    await here.get(other);
    await elsewhere.revokeEverything();
    tell({ type: "cleared" });
    assert.equal(await here.get(other), undefined);
  });

  it("does not keep what was read before a change that it has heard of meanwhile", async () => {
    for (const change of ["told", "own"]) {
      const { here, tell, store, state } = setUp();
      const id = await here.create({ n: 1 });
      const [{ key }] = (await store.scan()).sessions as unknown as [{ key: string }];
      let open = (): void => {};
      state.gate = new Promise((resolve) => (open = resolve));
      const reading = here.get(id);
      await turn();
      // It asks which ids hold before it ends anything, behind the same gate.
      const deleting = change === "own" && here.delete(id);
      if (change === "told") {
        await store.remove(key);
        tell({ type: "removed", key });
      }
      open();
      await Promise.all([reading, deleting]);
      assert.equal(await here.get(id), undefined, change);
    }
  });

  it("keeps nothing longer since the machine's clock was set back", async () => {
    const { clock, open, state } = setUp();
    let behind = 0;
    const here = open({
      clock: {
        now: () => clock.now() - behind,
        schedule: (delay, task) => clock.schedule(delay, task),
      },
    });
    const id = await here.create({ n: 1 });
    await turn();
    await here.get(id);
    behind = 3_600_000;
    clock.advance(5000);
    state.reads = 0;
    await here.get(id);
    assert.equal(state.reads, 1);
  });

  it("asks the store where a record seems to have expired: another process may have extended it", async () => {
    const { clock, here, elsewhere } = setUp({
      idleTimeout: 100,
      touchInterval: 1,
      nearCache: { maxAge: 3600 },
    });
    const id = await here.create({ n: 1 });
    await here.get(id);
    clock.advance(60_000);
    await elsewhere.fromRequest(request(id));
    clock.advance(60_000);
    assert.deepEqual(await here.get(id), { n: 1 });
    clock.advance(100_000);
    assert.equal(await here.get(id), undefined);
  });

  it("takes no renewed id for a stolen one", async () => {
    const { clock, here, elsewhere } = setUp({ renewEvery: 900, nearCache: { maxAge: 3600 } });
    const id = await here.create({ userId: "a" });
    await here.get(id);
    clock.advance(900_000);
    const next = await elsewhere.renew(id);
    assert.ok(next && next !== id);
    assert.deepEqual(await here.get(next), { userId: "a" });
  });

  it("leaves exact updates and freshness to the store", async () => {
    const { here, elsewhere } = setUp();
    const id = await here.create({ userId: "a", n: 1 });
    await here.get(id);
    await elsewhere.update(id, { n: 5 });
    assert.equal(await here.update(id, (data) => ({ n: (data.n ?? 0) + 1 })), true);
    assert.equal((await here.get(id))?.n, 6);
    await elsewhere.delete(id);
    await assert.rejects(here.requireFresh(id, 60), { code: "ERR_NOT_FRESH" });
  });

  it("is bounded", async () => {
    const { here, state } = setUp({ nearCache: { maxSessions: 2 } });
    const ids = [
      await here.create({ n: 1 }),
      await here.create({ n: 2 }),
      await here.create({ n: 3 }),
    ] as [string, string, string];
    for (const id of ids) await here.get(id);
    state.reads = 0;
    await here.get(ids[2]);
    await here.get(ids[1]);
    assert.equal(state.reads, 0);
    await here.get(ids[0]);
    assert.equal(state.reads, 1);
  });

  it("keeps nothing on Workers, where a subscription would end with the request that began it", async () => {
    const { clock, store, listeners, state } = setUp();
    const agent = Object.getOwnPropertyDescriptor(globalThis, "navigator");
    Object.defineProperty(globalThis, "navigator", {
      value: { userAgent: "Cloudflare-Workers" },
      configurable: true,
    });
    try {
      const before = listeners.size;
      const there = new Session<Data>({ store, clock, nearCache: {} });
      const id = await there.create({ n: 1 });
      for (let times = 0; times < 3; times++) await there.get(id);
      assert.deepEqual([state.reads, listeners.size], [3, before]);
    } finally {
      if (agent) Object.defineProperty(globalThis, "navigator", agent);
      else Reflect.deleteProperty(globalThis, "navigator");
    }
  });

  it("says at construction where it makes no sense", () => {
    assert.throws(() => new Session({ nearCache: {} }), {
      name: "TypeError",
      message: /MemoryStore answers from this process already/,
    });
    const { open, store } = setUp();
    const deaf = new Proxy(store, {
      get: (target, name) =>
        name === "hearsOthers" ? undefined : (Reflect.get(target, name) as unknown),
    });
    assert.throws(() => open({ store: deaf }), {
      name: "TypeError",
      message: /cannot tell what other processes change/,
    });
    assert.throws(() => open({ nearCache: { maxAge: 0 } }), RangeError);
    assert.throws(() => open({ nearCache: { maxSessions: 0 } }), RangeError);
    // @ts-expect-error: an object is wanted.
    assert.throws(() => open({ nearCache: true }), TypeError);
  });
});
