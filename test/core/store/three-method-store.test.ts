// A three-method store, as the seed's page shows one, and what a session makes of it in one
// process.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Session, type Store, StoreError, toSessionStore } from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";
import { until } from "../../support/waits.ts";

type Fields = Record<string, unknown>;
type Call = [method: string, id: string, data?: Fields];

const WITH_COOKIE = (id: string): { headers: { cookie: string } } => ({
  headers: { cookie: `session_id=${id}` },
});

/** An object literal over a Map that writes down what it was asked. */
function literalStore(): { store: Store<Fields>; calls: Call[]; kept: Map<string, string> } {
  const calls: Call[] = [];
  const kept = new Map<string, string>();
  const store = {
    async get(id: string) {
      calls.push(["get", id]);
      const text = kept.get(id);
      return text === undefined ? undefined : (JSON.parse(text) as Fields);
    },
    async set(id: string, data: Fields) {
      calls.push(["set", id, structuredClone(data)]);
      kept.set(id, JSON.stringify(data));
    },
    async delete(id: string) {
      calls.push(["delete", id]);
      kept.delete(id);
    },
  };
  return { store, calls, kept };
}

/** The same, where each answer waits until it is let go. */
function slowStore() {
  const { store, calls, kept } = literalStore();
  const waiting: (() => void)[] = [];
  const turn = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
  const slow: Store<Fields> = {
    get: (id) => store.get(id).then(async (data) => (await turn(), data)),
    set: (id, data) => turn().then(() => store.set(id, data)),
    delete: (id) => turn().then(() => store.delete(id)),
  };
  const letGo = async <T>(work: Promise<T>): Promise<T> => {
    const state = { isDone: false };
    const done = work.finally(() => (state.isDone = true));
    await until("the work to be done", () => (waiting.shift()?.(), state.isDone));
    return done;
  };
  return { store: slow, calls, kept, waiting, letGo };
}

describe("Session over a three-method store", () => {
  it("hands it the id that create returned and the plain data, as its page says", async () => {
    const { store, calls } = literalStore();
    const session = new Session({ store });
    const id = await session.create({ userId: "123", nested: { a: [1] } });
    assert.deepEqual(calls, [
      ["get", id],
      ["set", id, { userId: "123", nested: { a: [1] } }],
    ]);
    calls.length = 0;
    await session.update(id, { role: "admin" });
    assert.deepEqual(calls, [
      ["get", id],
      ["set", id, { userId: "123", nested: { a: [1] }, role: "admin" }],
    ]);
    calls.length = 0;
    assert.deepEqual(await session.fromRequest(WITH_COOKIE(id)), {
      userId: "123",
      nested: { a: [1] },
      role: "admin",
    });
    assert.deepEqual(calls, [["get", id]]);
    calls.length = 0;
    assert.equal(await session.delete(id), true);
    assert.deepEqual(calls.at(-1), ["delete", id]);
    assert.equal(await session.get(id), undefined);
  });

  it("finds what was put there under an id by other means", async () => {
    const { store, kept } = literalStore();
    const session = new Session({ store });
    const id = await session.create({});
    kept.set(id, '{"by":"hand"}');
    assert.deepEqual(await session.get(id), { by: "hand" });
  });

  it("moves the data to the new id at rotation, and deletes the old one", async () => {
    const { store, kept } = literalStore();
    const session = new Session({ store });
    const id = await session.create({ a: 1 });
    const next = (await session.rotate(id)) ?? assert.fail();
    assert.deepEqual([...kept], [[next, '{"a":1}']]);
    assert.deepEqual([await session.get(id), await session.get(next)], [undefined, { a: 1 }]);
  });

  it("takes null, and whatever is no object, for nothing", async () => {
    for (const answer of [null, undefined, 0, "", "text", false]) {
      const { store } = literalStore();
      const session = new Session({
        store: { ...store, get: async () => answer as unknown as Fields },
      });
      const id = await session.create({ a: 1 });
      assert.equal(await session.get(id), undefined);
      assert.equal(await session.update(id, { a: 2 }), false);
      assert.equal(await session.delete(id), false);
    }
  });

  it("makes a StoreError of whatever it throws, at once or later", async () => {
    const cause = new Error("of the driver");
    const failures = [
      () => Promise.reject(cause),
      (): never => {
        throw cause;
      },
    ];
    for (const fail of failures) {
      for (const [method, operation, act] of [
        ["get", "read", (session: Session<Fields>, id: string) => session.get(id)],
        ["set", "patch", (session: Session<Fields>, id: string) => session.update(id, { a: 2 })],
        ["delete", "remove", (session: Session<Fields>, id: string) => session.delete(id)],
        ["delete", "move", (session: Session<Fields>, id: string) => session.rotate(id)],
        ["set", "create", (session: Session<Fields>) => session.create({})],
      ] as const) {
        const { store } = literalStore();
        const id = await new Session({ store }).create({ a: 1 });
        const broken = new Session({ store: { ...store, [method]: fail } });
        await assert.rejects(
          act(broken, id),
          (error) =>
            error instanceof StoreError &&
            error.code === "ERR_STORE_UNAVAILABLE" &&
            error.operation === operation &&
            error.store === "Store" &&
            error.cause === cause,
          `${method} ${operation}`,
        );
        assert.deepEqual(await new Session({ store }).get(id), { a: 1 });
      }
    }
  });

  it("names the store by its class, and by Store where it has none", async () => {
    class RedisStore {
      get = (): Promise<Fields | undefined> => Promise.reject(new Error("down"));
      set = async (): Promise<void> => {};
      delete = async (): Promise<void> => {};
    }
    const bare = Object.assign(Object.create(null) as Store<Fields>, { ...new RedisStore() });
    for (const [store, name] of [
      [new RedisStore(), "RedisStore"],
      [{ ...new RedisStore() }, "Store"],
      [bare, "Store"],
    ] as const) {
      await assert.rejects(new Session({ store }).create({}), { store: name });
    }
  });

  it("loses none of 100 parallel changes, and counts exactly", async () => {
    const { store } = literalStore();
    const session = new Session<Fields>({ store });
    const id = await session.create({ count: 0 });
    const changes = Array.from({ length: 100 }, (_, at) => [
      session.update(id, { [`field${at}`]: at }),
      session.update(id, ({ count }) => ({ count: (count as number) + 1 })),
    ]);
    assert.deepEqual(new Set(await Promise.all(changes.flat())), new Set([true]));
    const found = (await session.get(id)) ?? assert.fail();
    assert.equal(found.count, 100);
    assert.equal(Object.keys(found).length, 101);
  });

  it("ends a session that is deleted in the tick of an update, in either order", async () => {
    for (const deleteFirst of [true, false]) {
      const { store, kept, letGo } = slowStore();
      const session = new Session<Fields>({ store });
      const id = await letGo(session.create({ a: 1 }));
      const acts = [
        () => session.update(id, { a: 2 }),
        () => session.update(id, () => ({ b: 1 })),
        () => session.delete(id),
      ];
      if (deleteFirst) acts.reverse();
      const results = await letGo(Promise.all(acts.map((act) => act())));
      // An exact change reads first: the deletion, which does not, may come before it.
      if (deleteFirst) assert.deepEqual(results, [true, false, false]);
      else assert.deepEqual([results[0], results[2]], [true, true]);
      assert.equal(kept.size, 0);
      assert.equal(await letGo(session.get(id)), undefined);
    }
  });

  it("does not believe an answer that was on its way when the session ended", async () => {
    const { store, waiting, letGo } = slowStore();
    const session = new Session<Fields>({ store });
    const id = await letGo(session.create({ a: 1 }));
    const late = [session.get(id), session.fromRequest(WITH_COOKIE(id))];
    await until("both reads", () => waiting.length >= 2);
    const answers = waiting.splice(0);
    assert.equal(await letGo(session.delete(id)), true);
    for (const answer of answers) answer();
    assert.deepEqual(await Promise.all(late), [undefined, undefined]);
  });

  it("does not believe a store that still answers from a copy", async () => {
    const { store, kept } = literalStore();
    const stale = new Map<string, string>();
    const session = new Session<Fields>({
      store: { ...store, delete: async (id) => void stale.set(id, kept.get(id) ?? "") },
    });
    const id = await session.create({ a: 1 });
    assert.equal(await session.delete(id), true);
    assert.ok(stale.has(id) && kept.has(id));
    assert.equal(await session.get(id), undefined);
    assert.equal(await session.update(id, { a: 2 }), false);
    assert.equal(await session.rotate(id), undefined);
    assert.equal(kept.get(id), '{"a":1}');
  });

  it("is still live when its logout failed", async () => {
    const { store } = literalStore();
    const session = new Session<Fields>({
      store: { ...store, delete: () => Promise.reject(new Error("down")) },
    });
    const id = await session.create({ a: 1 });
    await assert.rejects(session.delete(id), { code: "ERR_STORE_UNAVAILABLE" });
    assert.deepEqual(await session.get(id), { a: 1 });
  });

  it("does not answer forever: a change that waits behind another is given up as well", async () => {
    const clock = new ManualClock();
    const { store } = literalStore();
    const session = new Session<Fields>({
      clock,
      store: { ...store, get: (id) => (isHung ? new Promise(() => {}) : store.get(id)) },
    });
    let isHung = false;
    const id = await session.create({});
    isHung = true;
    const changes = [
      session.update(id, { a: 1 }),
      session.update(id, { b: 1 }),
      session.delete(id),
    ];
    clock.advance(5000);
    for (const result of await Promise.allSettled(changes))
      assert.equal(
        result.status === "rejected" && (result.reason as StoreError).code,
        "ERR_STORE_TIMEOUT",
      );
  });

  it("says what it cannot do: no user's sessions, no lists", async () => {
    const { store } = literalStore();
    await assert.rejects(
      new Session({ store }).revokeAll("alice"),
      (error) =>
        error instanceof StoreError &&
        error.code === "ERR_STORE_UNSUPPORTED" &&
        error.operation === "removeByUser" &&
        error.message.endsWith("has only get, set and delete, a SessionStore is wanted"),
    );
    const whole = toSessionStore(store);
    for (const call of [
      whole.extend("a", { lastSeenAt: 0, expiresAt: 0 }),
      whole.listByUser("a"),
      whole.scan(),
      whole.prune(),
    ])
      await assert.rejects(call, { code: "ERR_STORE_UNSUPPORTED" });
  });
});

describe("toSessionStore", () => {
  it("makes of a store what a Session can be given, with the same ids in the store", async () => {
    const { store, kept } = literalStore();
    const session = new Session({ store: toSessionStore(store) });
    const id = await session.create({ a: 1 });
    assert.deepEqual([...kept.keys()], [id]);
    assert.deepEqual(await session.get(id), { a: 1 });
    assert.equal(await session.delete(id), true);
  });

  it("answers get, set and delete with the store's own", async () => {
    const { store, kept } = literalStore();
    const whole = toSessionStore(store);
    await whole.set("session123", { a: 1 });
    assert.deepEqual(await whole.get("session123"), { a: 1 });
    await whole.delete("session123");
    assert.equal(kept.size, 0);
  });

  it("keeps revisions apart, also of more sessions than it remembers", async () => {
    const { store } = literalStore();
    const whole = toSessionStore(store);
    const session = new Session<Fields>({ store: whole });
    const first = await session.create({});
    const revisionOf = async (id: string): Promise<number> =>
      (await whole.read([id]))[0]?.revision ?? assert.fail();
    const before = await revisionOf(first);
    assert.equal(await whole.patch(first, { set: { a: 1 }, ifRevision: before }), "done");
    assert.equal(await whole.patch(first, { set: { a: 2 }, ifRevision: before }), "conflict");
    const after = await revisionOf(first);
    for (let others = 0; others < 10_050; others++) {
      const id = await session.create({});
      await whole.patch(id, { set: { a: 1 } });
    }
    // Forgotten is not unchanged: the old revision must not match any more, or must still be the
    // right one.
    assert.equal(await whole.patch(first, { set: { a: 3 }, ifRevision: before }), "conflict");
    assert.notEqual(await revisionOf(first), before);
    assert.ok((await revisionOf(first)) >= after);
  });

  it("refuses what has no get, set and delete", () => {
    for (const store of [{}, null, undefined, 1])
      assert.throws(() => toSessionStore(store as unknown as Store), {
        name: "TypeError",
        message: /^Cannot use this store: it has no get\(\)/,
      });
  });
});
