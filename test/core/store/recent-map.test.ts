// A map that is bounded and forgets what has not been asked for.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RecentMap } from "../../../src/core/store/recent-map.ts";

describe("RecentMap", () => {
  it("never holds more than its limit, and at least half of it", () => {
    for (const limit of [1, 2, 3, 4, 7, 100]) {
      const map = new RecentMap<number>(limit);
      for (let key = 0; key < 1000; key++) {
        map.set(String(key), key);
        assert.equal(map.get(String(key)), key);
        assert.ok(map.size <= limit, `${map.size} of ${limit}`);
        assert.ok(map.size >= Math.min(key + 1, Math.ceil(limit / 2)), `${map.size} of ${limit}`);
      }
    }
  });

  it("keeps what is asked for", () => {
    const map = new RecentMap<string>(10);
    map.set("here", "still");
    for (let key = 0; key < 100; key++) {
      map.set(String(key), "passing");
      assert.equal(map.get("here"), "still");
    }
  });

  it("forgets one, and all, whichever generation they are in", () => {
    const map = new RecentMap<number>(4);
    for (let key = 0; key < 4; key++) map.set(String(key), key);
    map.delete("0");
    map.delete("3");
    assert.deepEqual(
      [0, 1, 2, 3].map((key) => map.get(String(key))),
      [undefined, 1, 2, undefined],
    );
    map.clear();
    assert.deepEqual(
      [1, 2].map((key) => map.get(String(key))),
      [undefined, undefined],
    );
  });

  it("gives the newer value, when both generations had one", () => {
    const map = new RecentMap<number>(4);
    for (const [key, value] of [
      ["a", 1],
      ["b", 1],
      ["c", 1],
      ["a", 2],
    ] as const)
      map.set(key, value);
    assert.equal(map.get("a"), 2);
    map.delete("a");
    assert.equal(map.get("a"), undefined);
  });
});
