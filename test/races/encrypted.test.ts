// The races suite on EncryptedStore, which takes several steps where others take one: it stops at
// every call of the store beneath.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { IdMaker, toStoreKey } from "../../src/core/ids/session-id.ts";
import { MemoryStore } from "../../src/session.ts";
import { EncryptedStore } from "../../src/stores/encrypted.ts";
import { ManualClock } from "../../src/testing.ts";
import type { Fields } from "../../src/testing/conformance-bench.ts";
import { pairsOfMost, race } from "./race-suite.ts";
import { Scheduler } from "./scheduler.ts";

const KEY = randomBytes(32);

describe("EncryptedStore under races", () => {
  for (const pair of pairsOfMost()) {
    it(`${pair.join(" against ")} keeps every invariant`, async () => {
      const clock = new ManualClock();
      const scheduler = new Scheduler();
      const store = new EncryptedStore<Fields>(
        scheduler.watch(new MemoryStore<Fields>({ clock })),
        { keys: [KEY], clock },
      );
      const { violated, schedules } = await race({ store, clock, scheduler }, pair);
      assert.deepEqual(violated, []);
      assert.ok(schedules > 1);
    });
  }

  it("of many rotations at once one succeeds, and the session keeps every change made meanwhile, round after round", async () => {
    const clock = new ManualClock();
    const store = new EncryptedStore<Fields>(dawdling(new MemoryStore<Fields>({ clock })), {
      keys: [KEY],
      clock,
    });
    const ids = new IdMaker();
    const newKey = (): string => toStoreKey(ids.make(1));
    const end = clock.now() + 1e9;
    let key = newKey();
    await store.create(key, {
      data: { n: 0 },
      createdAt: 0,
      lastSeenAt: 0,
      expiresAt: end,
      endsAt: end,
    });
    const expected: Fields = { n: 0 };
    for (let round = 0; round < 50; round++) {
      const next = Array.from({ length: 4 }, newKey);
      const patch = async (field: string): Promise<void> => {
        if ((await store.patch(key, { set: { [field]: round } })) === "done")
          expected[field] = round;
      };
      const [moved] = await Promise.all([
        Promise.all(next.map((one) => store.move(key, one))),
        ...["a", "b", "c"].map(patch),
      ]);
      assert.equal(moved.filter(Boolean).length, 1);
      assert.deepEqual((await store.read([key, ...next])).map(Boolean), [false, ...moved]);
      key = next[moved.indexOf(true)] as string;
      assert.deepEqual((await store.read([key]))[0]?.data, expected);
    }
    assert.equal(
      expected["a"] !== undefined || expected["b"] !== undefined || expected["c"] !== undefined,
      true,
    );
  });
});

/** Each call waits for some turns of the event loop before it acts, so that all orders come. */
function dawdling<S extends object>(store: S): S {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = name === "readSync" ? undefined : Reflect.get(target, name, target);
      if (typeof member !== "function" || name === "constructor") return member;
      return async (...args: unknown[]): Promise<unknown> => {
        for (let turns = Math.random() * 4; turns > 0; turns--)
          await new Promise((resolve) => setImmediate(resolve));
        return Reflect.apply(member, target, args) as unknown;
      };
    },
  });
}
