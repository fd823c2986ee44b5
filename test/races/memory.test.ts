// The races suite on MemoryStore: pairs as on every store, and three at once, which only memory is
// fast enough for.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { MemoryStore } from "../../src/session.ts";
import { ManualClock } from "../../src/testing.ts";
import type { OperationName } from "./operations.ts";
import { allPairs, race, raceSuite } from "./race-suite.ts";

raceSuite(
  { describe, it, before, after },
  { name: "MemoryStore", open: async (clock) => ({ store: new MemoryStore({ clock }) }) },
);

// Those that do something to a session that the others do not do as well: three of all would take
// minutes.
const NAMES: OperationName[] = ["update a", "touch", "rotate", "login", "expire"];
const THIRDS = {
  rotate: ["increment", ...NAMES],
  logout: ["increment", ...NAMES],
  "revoke all": NAMES,
  "revoke everything": ["update a", "rotate", "login"],
} as const;

describe("MemoryStore under races of three", () => {
  for (const [third, names] of Object.entries(THIRDS) as [keyof typeof THIRDS, OperationName[]][]) {
    it(`pairs against ${third} keep every invariant`, async () => {
      const clock = new ManualClock();
      const store = new MemoryStore<Record<string, unknown>>({ clock });
      for (const pair of allPairs(names))
        assert.deepEqual(
          (await race({ store, clock }, [...pair, third])).violated,
          [],
          pair.join(" against "),
        );
    });
  }
});
