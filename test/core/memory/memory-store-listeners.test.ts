// Listeners of MemoryStore that call it back, and what hears of an end by it: each call finds all
// that was done before it was told.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryStore, Session, type StoreChange } from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";

describe("MemoryStore tells", () => {
  it("when a move is done: a listener that ends the session as it hears of the expired one ends it under its new key", async () => {
    const clock = new ManualClock();
    const store = new MemoryStore<{ n: number }>({ clock });
    const now = clock.now();
    const add = (key: string, lifetime: number) =>
      store.create(key, {
        data: { n: lifetime },
        createdAt: now,
        lastSeenAt: now,
        expiresAt: now + lifetime,
        endsAt: now + lifetime,
        userId: "a",
      });
    await add("live", 60_000);
    await add("old", 500);
    clock.advance(600);
    const told: StoreChange["type"][] = [];
    void store.subscribe((change) => {
      told.push(change.type);
      if (change.type === "expired") for (const key of ["live", "old"]) void store.remove(key);
    });
    assert.equal(await store.move("live", "old"), true);
    assert.deepEqual([await store.listByUser("a"), store.size], [[], 0]);
    assert.deepEqual(told, ["expired", "moved", "removed"]);
    await add("another", 1000);
    assert.deepEqual(
      (await store.listByUser("a")).map(({ session }) => session.data),
      [{ n: 1000 }],
    );
  });

  it("when a sign-in is done: whoever signs in as a session of the user makes way stays within the cap", async () => {
    const session = new Session({ maxPerUser: { limit: 1, onLimit: "evict-oldest" } });
    const signal = session.watch(await session.create({ userId: "a" }));
    let again: Promise<string> | undefined;
    signal.addEventListener("abort", () => (again = session.create({ userId: "a" })));
    const id = await session.create({ userId: "a" });
    assert.deepEqual(
      [await session.get(id), await session.get(await again)],
      [undefined, { userId: "a" }],
    );
    assert.equal((await session.list("a")).length, 1);
  });
});
