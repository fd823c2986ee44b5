import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "../../src/testing.ts";

describe("ManualClock", () => {
  it("stands at whole milliseconds, also at a task whose delay was none", () => {
    const clock = new ManualClock(1000);
    const seen: number[] = [];
    clock.schedule(0.5, () => seen.push(clock.now()));
    clock.schedule(1.25, () => seen.push(clock.now()));
    clock.advance(5.75);
    assert.deepEqual([...seen, clock.now()], [1001, 1002, 1005]);
  });
});
