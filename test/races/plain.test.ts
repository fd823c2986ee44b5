// The races suite on a three-method store, within one process: it stops at every get, set and
// delete beneath the queue.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Store, toSessionStore } from "../../src/session.ts";
import { ManualClock } from "../../src/testing.ts";
import type { Fields } from "../../src/testing/conformance-bench.ts";
import type { OperationName } from "./operations.ts";
import { allPairs, race } from "./race-suite.ts";
import { Scheduler } from "./scheduler.ts";

// What a three-method store can be asked for.
const NAMES: OperationName[] = ["update a", "update b", "increment", "rotate", "logout"];

function mapStore(): Store<Fields> {
  const sessions = new Map<string, Fields>();
  return {
    get: async (id) => structuredClone(sessions.get(id)),
    set: async (id, data) => void sessions.set(id, structuredClone(data)),
    delete: async (id) => void sessions.delete(id),
  };
}

describe("a three-method store under races in one process", () => {
  for (const pair of allPairs(NAMES)) {
    it(`${pair.join(" against ")} keeps every invariant`, async () => {
      const clock = new ManualClock();
      const scheduler = new Scheduler({ mayWait: true });
      const store = toSessionStore(scheduler.watch(mapStore()), { clock });
      const { violated, schedules } = await race(
        { store, clock, scheduler, options: { storeTimeout: false }, isPlain: true },
        pair,
      );
      assert.deepEqual(violated, []);
      assert.ok(schedules > 1);
    });
  }
});
