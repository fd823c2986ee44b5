// What a renewal decides, as a table: no store, no clock, no session.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  judge,
  type Renewal,
  type RenewalLimits,
} from "../../../src/core/lifecycle/renewal-judge.ts";

const FIRST = "A".repeat(32);
const OWN = "own";
const OTHER = "another machine's";
const LIMITS: RenewalLimits = {
  every: 900,
  overlap: 60,
  idle: 3600,
  createdAt: 0,
  lag: 0,
  tolerance: 30,
};

let salts = 0;
const renewer = { makeSalt: () => Buffer.alloc(18, ++salts).toString("base64url"), clock: OWN };

interface Named {
  id: string;
  renewal: Renewal;
}

/** What a renewal makes of an id that is current and due. */
function renewed(
  id: string,
  now: number,
  renewal?: Renewal,
  more: Partial<RenewalLimits> = {},
): Named {
  const { verdict, next } = judge(renewal, id, now, { ...LIMITS, ...more }, renewer);
  assert.equal(verdict, "current");
  assert.ok(next?.renewal && next.id !== id);
  return { id: next.id, renewal: next.renewal };
}

/** The record once the current id was used. */
function seen({ id, renewal }: Named, now: number): Renewal {
  const { next } = judge(renewal, id, now, LIMITS, renewer);
  assert.ok(next?.renewal && next.id === id && next.renewal.salt === undefined);
  return next.renewal;
}

const second = renewed(FIRST, 900);
const used = seen(second, 1000);
const third = renewed(second.id, 1900, used);
const forged = FIRST + "x".repeat(27);
const by = (renewal: Renewal, clock: string): Renewal => ({ ...renewal, clock });

type Row = [string, Renewal | undefined, string, number, Partial<RenewalLimits>, string];
const ROWS: Row[] = [
  ["its only id", undefined, FIRST, 1e9, {}, "current"],
  ["a verifier that nobody gave it", undefined, forged, 1, {}, "superseded"],
  ["the id before a successor that nobody used", second.renewal, FIRST, 1e9, {}, "former"],
  ["that successor", second.renewal, second.id, 1e9, {}, "current"],
  ["a forged one beside it", second.renewal, forged, 901, {}, "superseded"],
  ["the id before, at the successor's first use", used, FIRST, 1000, {}, "former"],
  ["to the end of the overlap", used, FIRST, 1059, {}, "former"],
  ["and then no more", used, FIRST, 1060, {}, "superseded"],
  ["the one before that", third.renewal, FIRST, 1900, {}, "superseded"],
  // A request that began before the renewal is judged as of then.
  [
    "one that may have been good when its request began",
    third.renewal,
    FIRST,
    1899,
    {},
    "doubtful",
  ],
  // Our clock is ahead of the one that wrote the record, by this much at most.
  ["by a clock that is not known", by(used, OTHER), FIRST, 5000, { lag: 4000 }, "doubtful"],
  ["within the tolerance", by(used, OTHER), FIRST, 1089, { lag: 89 }, "former"],
  ["beyond it", by(used, OTHER), FIRST, 1090, { lag: 90 }, "doubtful"],
  [
    "once its clock is known well enough",
    by(used, OTHER),
    FIRST,
    5000,
    { lag: 3940 },
    "superseded",
  ],
  // And behind it.
  ["by a clock that is behind", by(used, OTHER), FIRST, 1000 - 3600 + 59, { lag: -3600 }, "former"],
  ["after the overlap", by(used, OTHER), FIRST, 1000 - 3600 + 60, { lag: -3600 }, "superseded"],
  [
    "the current one whatever clocks say",
    by(used, OTHER),
    second.id,
    -1e9,
    { lag: 1e9 },
    "current",
  ],
];

describe("judge", () => {
  for (const [what, renewal, id, now, more, verdict] of ROWS) {
    it(`${what}: ${verdict}`, () => {
      assert.equal(judge(renewal, id, now, { ...LIMITS, ...more }).verdict, verdict);
    });
  }

  it("gives the id before a successor that nobody used the same successor, and writes nothing", () => {
    const { next } = judge(second.renewal, FIRST, 4499, LIMITS, renewer);
    assert.deepEqual(next, { id: second.id });
  });

  it("takes a successor that was not used within the idle limit for lost, and makes another one", () => {
    const lost = judge(second.renewal, FIRST, 900 + 3600, LIMITS, renewer).next;
    assert.ok(lost?.renewal && lost.id !== second.id);
    assert.equal(lost.renewal.former, second.renewal.former);
    assert.equal(judge(lost.renewal, second.id, 4500, LIMITS).verdict, "superseded");
    assert.equal(judge(lost.renewal, FIRST, 4500, LIMITS).verdict, "former");
    // None where there is no idle limit, where none is made any more, or by a clock that is ahead.
    for (const more of [{ idle: Infinity }, { every: Infinity }, { lag: 3600 }])
      assert.deepEqual(
        judge(second.renewal, FIRST, 4500, { ...LIMITS, ...more }, renewer).next,
        { id: second.id },
        JSON.stringify(more),
      );
  });

  it("renews when the current id is as old as wanted, from its first use", () => {
    assert.equal(judge(undefined, FIRST, 899, LIMITS, renewer).next, undefined);
    assert.equal(judge(used, second.id, 1899, LIMITS, renewer).next, undefined);
    assert.equal(judge(used, FIRST, 1900, { ...LIMITS, overlap: 1e9 }, renewer).next, undefined);
    assert.equal(
      judge(used, second.id, 1e9, { ...LIMITS, every: Infinity }, renewer).next,
      undefined,
    );
  });

  it("ends nothing for the id before the last, where a clock that is ahead renewed too early", () => {
    const early = renewed(second.id, 1900, by(used, OTHER), { lag: 900 });
    assert.equal(judge(early.renewal, FIRST, 1901, LIMITS).verdict, "doubtful");
    assert.equal(third.renewal.earlier, undefined);
    // The next renewal forgets it.
    const next = renewed(early.id, 3000, seen(early, 2000));
    assert.equal(judge(next.renewal, FIRST, 3000, LIMITS).verdict, "superseded");
  });

  it("reads the records of former versions: they say no clock, and only when a successor was made", () => {
    const { clock: _, seenAt: __, ...old } = used;
    assert.equal(judge(old, FIRST, 959, LIMITS).verdict, "former");
    assert.equal(judge(old, FIRST, 960, LIMITS).verdict, "superseded");
  });
});
