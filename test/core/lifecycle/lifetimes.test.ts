// Idle and absolute limits, enforced by the record. Time is moved by hand.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryStore, Session, type SessionOptions } from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";
import { countCalls } from "../../support/counting-store.ts";
import { pauseCalls } from "../../support/pausing-store.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = 1_700_000_000_000;

type Options = SessionOptions<{ userId?: string }>;

function begin(options: Options = {}, answersAtOnce = true) {
  const clock = new ManualClock(START);
  const { store, calls } = countCalls(
    new MemoryStore<{ userId?: string }>({ clock }),
    answersAtOnce,
  );
  const session = new Session({ clock, store, ...options });
  const visit = async (id: string): Promise<boolean> =>
    (await session.fromRequest({ headers: { cookie: `session_id=${id}` } })) !== undefined;
  return { clock, session, store, calls, visit };
}

describe("Session lifetimes", () => {
  it("are a day without activity and 30 days in all by default", async () => {
    const { session } = begin();
    const id = await session.create({});
    assert.deepEqual(await session.deadlines(id), {
      createdAt: START,
      lastSeenAt: START,
      expiresAt: START + DAY,
      endsAt: START + 30 * DAY,
    });
  });

  for (const answersAtOnce of [true, false]) {
    const where = answersAtOnce ? "with" : "without";

    it(`end a session at its idle limit and not a millisecond before, in a store ${where} readSync`, async () => {
      const { clock, session, visit } = begin({ idleTimeout: 1800 }, answersAtOnce);
      const id = await session.create({});
      const other = await session.create({});
      clock.advance(30 * MINUTE - 1);
      assert.equal(await visit(id), true);
      clock.advance(1);
      assert.equal(await visit(other), false);
      assert.equal(await session.get(other), undefined);
      assert.equal(await session.update(other, { userId: undefined }), false);
      assert.equal(await session.rotate(other), undefined);
      assert.equal(await session.delete(other), false);
      clock.advance(30 * MINUTE - 2);
      assert.equal(await visit(id), true);
      clock.advance(30 * MINUTE + 1);
      assert.equal(await visit(id), false);
    });

    it(`end at the absolute limit whatever the activity, in a store ${where} readSync`, async () => {
      const { clock, session, visit } = begin(
        { idleTimeout: 1800, absoluteTimeout: 12 * 3600 },
        answersAtOnce,
      );
      let id = await session.create({});
      let minutes = 0;
      for (; minutes <= 12 * 60 && (await visit(id));) {
        clock.advance(MINUTE);
        minutes++;
        // Neither a new id nor a change of data gives more time.
        if (minutes % 100 === 0) id = (await session.rotate(id)) ?? id;
        await session.update(id, { userId: undefined });
      }
      assert.equal(minutes, 12 * 60);
    });
  }

  it("are not moved by looking: get, deadlines and update are no activity", async () => {
    const { clock, session } = begin({ idleTimeout: 1800 });
    const id = await session.create({});
    const before = await session.deadlines(id);
    clock.advance(20 * MINUTE);
    await session.get(id);
    await session.update(id, { userId: undefined });
    await session.update(id, () => ({}));
    assert.deepEqual(await session.deadlines(id), before);
    clock.advance(10 * MINUTE);
    assert.equal(await session.get(id), undefined);
  });

  it("let activity move an idle limit of a session's own that is shorter than the usual throttle", async () => {
    const { clock, session, visit } = begin();
    const id = await session.create({}, { idleTimeout: 30 });
    for (let visits = 0; visits < 10; visits++) {
      clock.advance(28_500);
      assert.equal(await visit(id), true);
    }
    clock.advance(30_000);
    assert.equal(await visit(id), false);
  });

  it("are written at most once per throttle: the smaller of a minute and 5 % of the idle limit", async () => {
    for (const [idleTimeout, throttle] of [
      [86_400, MINUTE],
      [1800, MINUTE],
      [600, 30_000],
      [60, 3000],
    ] as const) {
      const { clock, session, calls, visit } = begin({ idleTimeout });
      const id = await session.create({});
      const writesAfter = async (milliseconds: number): Promise<number> => {
        clock.advance(milliseconds);
        calls.length = 0;
        assert.equal(await visit(id), true);
        return calls.filter((call) => call === "extend").length;
      };
      assert.equal(await writesAfter(0), 0);
      assert.equal(await writesAfter(throttle - 1), 0);
      assert.equal(await writesAfter(1), 1);
      assert.equal(await writesAfter(throttle - 1), 0);
      assert.equal(await writesAfter(1), 1);
    }
  });

  it("take the throttle they are given, none with 0", async () => {
    const { clock, session, calls, visit } = begin({ idleTimeout: 1800, touchInterval: 0 });
    const id = await session.create({});
    for (let visits = 1; visits <= 3; visits++) {
      clock.advance(1);
      await visit(id);
      assert.equal(calls.filter((call) => call === "extend").length, visits);
    }
  });

  it("never outlive the idle limit after the last request, and end earlier by at most the throttle", async () => {
    const idle = 10 * MINUTE;
    const throttle = MINUTE;
    for (const lastRequest of [0, 1, throttle - 1, throttle, throttle + 1, 5 * MINUTE + 7]) {
      const { clock, session, visit } = begin({
        idleTimeout: idle / 1000,
        touchInterval: throttle / 1000,
      });
      const id = await session.create({});
      clock.advance(lastRequest);
      await visit(id);
      const { expiresAt = 0 } = (await session.deadlines(id)) ?? {};
      const after = expiresAt - clock.now();
      assert.ok(after <= idle && after > idle - throttle, `${lastRequest}: ${after}`);
    }
  });

  it("count the activity of the request that gives its session another id, however late the store notes it", async () => {
    for (const change of ["rotate", "reauthenticate"] as const) {
      const clock = new ManualClock(START);
      const { store, pause } = pauseCalls(new MemoryStore<{ userId?: string }>({ clock }));
      const session = new Session({ clock, store, idleTimeout: 1800 });
      const id = await session.create({});
      clock.advance(29 * MINUTE);
      const noting = pause("extend", "before");
      assert.ok(await session.fromRequest({ headers: { cookie: `session_id=${id}` } }));
      await noting.reached;
      const changing = session[change](id);
      await new Promise((resolve) => setImmediate(resolve));
      noting.go();
      const { lastSeenAt, expiresAt } = (await session.deadlines(await changing)) ?? {};
      assert.deepEqual([lastSeenAt, expiresAt], [clock.now(), clock.now() + 30 * MINUTE], change);
    }
  });

  it("tell the last activity as exactly as the throttle to the very end", async () => {
    const { clock, session, visit } = begin({ idleTimeout: 3600, absoluteTimeout: 2 * 3600 });
    const id = await session.create({});
    for (let minutes = 1; minutes < 120; minutes++) {
      clock.advance(MINUTE);
      await visit(id);
      const deadlines = await session.deadlines(id);
      assert.equal(deadlines?.lastSeenAt, clock.now());
      assert.equal(deadlines?.expiresAt, Math.min(clock.now() + HOUR, START + 2 * HOUR));
    }
  });

  it("know no idle limit with false, and write no activity then", async () => {
    const { clock, session, calls, visit } = begin({ idleTimeout: false });
    const id = await session.create({});
    clock.advance(30 * DAY - 1);
    assert.equal(await visit(id), true);
    assert.ok(!calls.includes("extend"));
    clock.advance(1);
    assert.equal(await visit(id), false);
  });

  it("hold the idle limit inside the absolute one", async () => {
    const { session } = begin({ absoluteTimeout: 3600 });
    const id = await session.create({});
    const deadlines = await session.deadlines(id);
    assert.equal(deadlines?.expiresAt, deadlines?.endsAt);
    assert.throws(() => new Session({ idleTimeout: 7200, absoluteTimeout: 3600 }), {
      name: "RangeError",
      message:
        /^Invalid option idleTimeout: got 7200, expected seconds \(not milliseconds\) up to absoluteTimeout \(3600\)$/,
    });
  });

  it("are whole milliseconds, whatever part of a second was asked for", async () => {
    const { clock, session, visit } = begin({
      idleTimeout: 1.0005,
      absoluteTimeout: 4.0071,
      touchInterval: 0,
    });
    const id = await session.create({});
    clock.advance(7);
    await visit(id);
    const { createdAt, lastSeenAt, expiresAt, endsAt } =
      (await session.deadlines(id)) ?? assert.fail();
    for (const instant of [createdAt, lastSeenAt, expiresAt, endsAt])
      assert.ok(Number.isInteger(instant), String(instant));
  });

  it("end a session even where the store has no idea of time", async () => {
    const clock = new ManualClock(START);
    const kept = new Map<string, object>();
    const session = new Session<object>({
      clock,
      absoluteTimeout: 3600,
      store: {
        get: async (id) => kept.get(id),
        set: async (id, data) => void kept.set(id, data),
        delete: async (id) => void kept.delete(id),
      },
    });
    const id = await session.create({});
    clock.advance(HOUR - 1);
    assert.deepEqual(await session.get(id), {});
    clock.advance(1);
    assert.equal(await session.get(id), undefined);
    assert.equal(kept.size, 1);
  });

  it("refuse what makes no sense at construction, and say what is wanted", () => {
    const refused: [Options, string, RegExp][] = [
      [
        { idleTimeout: 0 },
        "RangeError",
        /^Invalid option idleTimeout: got 0, expected seconds from 1 to \d+, or false$/,
      ],
      [{ idleTimeout: -1 }, "RangeError", /idleTimeout: got -1/],
      [{ idleTimeout: Number.NaN }, "RangeError", /idleTimeout: got NaN/],
      [{ idleTimeout: Infinity }, "RangeError", /idleTimeout: got Infinity/],
      [
        { idleTimeout: "60" as unknown as number },
        "TypeError",
        /^Invalid option idleTimeout: got a string, expected seconds from /,
      ],
      [{ idleTimeout: true as unknown as false }, "TypeError", /idleTimeout: got true/],
      [{ absoluteTimeout: 0.5 }, "RangeError", /absoluteTimeout: got 0.5/],
      [{ absoluteTimeout: Infinity }, "RangeError", /absoluteTimeout: got Infinity/],
      [{ absoluteTimeout: false as unknown as number }, "TypeError", /absoluteTimeout: got false/],
      [{ absoluteTimeout: 4e9 }, "RangeError", /not milliseconds/],
      [{ touchInterval: -1 }, "RangeError", /touchInterval: got -1/],
      [
        { idleTimeout: 60, touchInterval: 60 },
        "RangeError",
        /^Invalid option touchInterval: got 60, expected seconds below idleTimeout \(60\)$/,
      ],
    ];
    for (const [options, name, message] of refused)
      assert.throws(() => new Session(options), { name, message }, JSON.stringify(options));
  });
});
