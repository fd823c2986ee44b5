// Everybody's sessions, as operators see them.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  MemoryStore,
  Session,
  type SessionEvents,
  StoreError,
  toSessionStore,
} from "../../../src/session.ts";

describe("Session.all", () => {
  it("pages through everybody's sessions, each with its user and data", async () => {
    const session = new Session<{ userId?: string; cart?: number }>();
    for (const userId of ["a", "b", "c"]) await session.create({ userId });
    await session.create({ cart: 1 });
    const seen = [];
    let cursor: string | undefined;
    do {
      const page = await session.all.scan(cursor, { limit: 2 });
      seen.push(...page.sessions);
      cursor = page.cursor;
    } while (cursor !== undefined);
    assert.deepEqual(seen.map(({ userId, data }) => [userId ?? "", data.cart]).sort(), [
      ["", 1],
      ["a", undefined],
      ["b", undefined],
      ["c", undefined],
    ]);
    assert.equal(await session.all.count(), 4);
    const [first = assert.fail()] = seen;
    assert.deepEqual(await session.all.find(first.handle), first);
  });

  it("ends one by its handle, whoever's it is, and everybody hears of it", async () => {
    const inner = new MemoryStore();
    // A store that tells nothing: who watches hears of it all the same.
    const store = new Proxy(inner, {
      get: (target, name) =>
        name === "subscribe"
          ? undefined
          : (Reflect.get(target, name, target) as (() => void) | undefined)?.bind(target),
    });
    const session = new Session({ store });
    const ended: SessionEvents["ended"][] = [];
    session.on("ended", (event) => ended.push(event));
    const id = await session.create({ userId: "1" });
    const [{ handle } = assert.fail()] = await session.all.ofUser("1");
    const signal = session.watch(id);
    for (const none of [id, "", `${handle}x`, undefined as unknown as string]) {
      assert.equal(await session.all.revoke(none), false);
      assert.equal(await session.all.find(none), undefined);
    }
    assert.equal(await session.all.revoke(handle), true);
    assert.equal(await session.all.revoke(handle), false);
    assert.deepEqual(
      [signal.aborted, await session.get(id), await session.all.find(handle), ended],
      [true, undefined, undefined, [{ handle, reason: "revoked" }]],
    );
  });

  it("does not take a three-method store's ids for handles", async () => {
    const store = new MemoryStore();
    const session = new Session({
      store: toSessionStore({
        get: (id) => store.get(id),
        set: (id, data) => store.set(id, data),
        delete: (id) => store.delete(id),
      }),
    });
    const handle = `00000000.${"x".repeat(43)}`;
    const isUnsupported = (error: unknown): boolean =>
      error instanceof StoreError && error.code === "ERR_STORE_UNSUPPORTED";
    const attempts = [
      () => session.all.find(handle),
      () => session.all.revoke(handle),
      () => session.all.scan(),
      () => session.all.ofUser("1"),
    ];
    for (const attempt of attempts) await assert.rejects(attempt, isUnsupported);
    assert.equal(await session.all.count(), undefined);
  });
});
