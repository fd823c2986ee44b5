// The near cache: what it spares, and what it must never do. The store stands for one behind a network; messages come when the test says so.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryStore, Session, type SessionOptions, type SessionStore, type StoreChange } from "../../src/session.ts";
import { ManualClock } from "../../src/testing.ts";

type Data = { userId?: string; n?: number; list?: number[] };

/** A store that two processes share: reads are counted and may be held up, messages are delivered by hand. */
function setUp(options: SessionOptions<Data> = {}) {
  const clock = new ManualClock();
  const memory = new MemoryStore<Data>({ clock });
  const listeners = new Set<(change: StoreChange) => void>();
  const state = { reads: 0, gate: Promise.resolve() };
  // Everything but readSync, since it is not in this process.
  const store = new Proxy(memory, {
    has: (target, name) => name !== "readSync" && name in target,
    get(target, name) {
      if (name === "readSync") return undefined;
      if (name === "hearsOthers") return true;
      if (name === "read") {
        return async (keys: string[]) => {
          state.reads++;
          const found = await target.read(keys);
          await state.gate;
          return found;
        };
      }
      if (name === "subscribe") return async (listener: (change: StoreChange) => void) => (listeners.add(listener), async () => void listeners.delete(listener));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  }) as SessionStore<Data>;
  const open = (more: SessionOptions<Data> = {}): Session<Data> => new Session<Data>({ store, clock, nearCache: {}, ...options, ...more });
  const tell = (change: StoreChange): void => listeners.forEach((listener) => listener(change));
  return { clock, store, state, tell, here: open(), elsewhere: open({ nearCache: undefined }), open, listeners };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const request = (id: string) => ({ headers: { cookie: `session_id=${id}` } });

describe("nearCache", () => {
  it("spares the store's reads until maxAge, also when requests come by open", async () => {
    const { clock, here, state } = setUp();
    const id = await here.create({ userId: "a", n: 1 });
    await turn();
    for (let times = 0; times < 5; times++) assert.deepEqual(await here.fromRequest(request(id)), { userId: "a", n: 1 });
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
      revoke: async (session) => session.revoke((await session.list("a"))[0]?.handle ?? "", { userId: "a" }),
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
      const { here, elsewhere, tell, store, state } = setUp();
      const id = await here.create({ n: 1 });
      const [{ key }] = (await store.scan()).sessions as unknown as [{ key: string }];
      let open = (): void => {};
      state.gate = new Promise((resolve) => (open = resolve));
      const reading = here.get(id);
      await turn();
      if (change === "told") {
        await elsewhere.delete(id);
        tell({ type: "removed", key });
      } else await here.delete(id);
      open();
      await reading;
      assert.equal(await here.get(id), undefined, change);
    }
  });

  const arrivals: StoreChange[] = [{ type: "listening" }, { type: "changed", key: "another" }];
  for (const arrival of arrivals) {
    it(`keeps nothing while messages may be missing, until it hears ${arrival.type}`, async () => {
      const { here, tell, state } = setUp();
      const id = await here.create({ n: 1 });
      await here.get(id);
      tell({ type: "lost" });
      for (let times = 0; times < 3; times++) await here.get(id);
      assert.equal(state.reads, 4);
      // The connection is there again.
      tell({ type: "lost" });
      await here.get(id);
      assert.equal(state.reads, 5);
      // This process has found that by itself: nothing has arrived.
      tell({ type: "unreadable", key: "foreign" });
      for (let times = 0; times < 2; times++) await here.get(id);
      assert.equal(state.reads, 7);
      tell(arrival);
      for (let times = 0; times < 3; times++) await here.get(id);
      assert.equal(state.reads, 8);
    });
  }

  it("does not keep what was being read while messages may have been missed", async () => {
    const { here, tell, state } = setUp();
    const id = await here.create({ n: 1 });
    for (const told of ["before", "meanwhile"]) {
      let open = (): void => {};
      state.gate = new Promise((resolve) => (open = resolve));
      if (told === "before") tell({ type: "lost" });
      const reading = here.get(id);
      await turn();
      if (told === "meanwhile") tell({ type: "lost" });
      tell({ type: "listening" });
      open();
      await reading;
      state.reads = 0;
      await here.get(id);
      assert.equal(state.reads, 1, told);
      // Again as at first: nothing is kept, and messages arrive.
      tell({ type: "cleared" });
    }
  });

  it("keeps nothing before it hears messages, and nothing after close", async () => {
    const { here, state, listeners } = setUp();
    const id = await here.create({ n: 1 });
    await here.get(id);
    await here.close();
    assert.equal(listeners.size, 0);
    await here.get(id);
    await here.get(id);
    assert.equal(state.reads, 3);
  });

  it("asks the store where a record seems to have expired: another process may have extended it", async () => {
    const { clock, here, elsewhere } = setUp({ idleTimeout: 100, touchInterval: 1, nearCache: { maxAge: 3600 } });
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
    const ids = [await here.create({ n: 1 }), await here.create({ n: 2 }), await here.create({ n: 3 })] as [string, string, string];
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
    Object.defineProperty(globalThis, "navigator", { value: { userAgent: "Cloudflare-Workers" }, configurable: true });
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
    assert.throws(() => new Session({ nearCache: {} }), { name: "TypeError", message: /MemoryStore answers from this process already/ });
    const { open, store } = setUp();
    const deaf = new Proxy(store, { get: (target, name) => (name === "hearsOthers" ? undefined : (Reflect.get(target, name) as unknown)) });
    assert.throws(() => open({ store: deaf }), { name: "TypeError", message: /cannot tell what other processes change/ });
    assert.throws(() => open({ nearCache: { maxAge: 0 } }), RangeError);
    assert.throws(() => open({ nearCache: { maxSessions: 0 } }), RangeError);
    // @ts-expect-error: an object is wanted.
    assert.throws(() => open({ nearCache: true }), TypeError);
  });
});
