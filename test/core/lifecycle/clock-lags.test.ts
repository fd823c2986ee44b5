import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ClockLags } from "../../../src/core/lifecycle/clock-lags.ts";
import { ManualClock } from "../../../src/testing.ts";

describe("ClockLags", () => {
  it("knows the least that was seen between an instant of another clock and its own time", () => {
    const lags = new ClockLags(new ManualClock());
    assert.equal(lags.lagOf("a", 1000, 6000), 5000);
    assert.equal(lags.lagOf("a", 6500, 7000), 500);
    assert.equal(lags.lagOf("a", 1000, 9000), 500);
    assert.equal(lags.lagOf("b", 1000, 9000), 8000);
    // It is behind.
    assert.equal(lags.lagOf("b", 10_000, 9000), -1000);
  });

  it("names a clock once, and is no more ahead of its own", () => {
    const clock = new ManualClock();
    const [one, other] = [new ClockLags(clock), new ClockLags(clock)];
    assert.equal(one.ownName, other.ownName);
    assert.equal(one.lagOf(other.ownName, 0, 9000), 0);
    assert.notEqual(new ClockLags(new ManualClock()).ownName, one.ownName);
  });
});
