// What a page costs: the same few questions to the store, however many sessions there are; and
// counters that do not grow.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAdmin } from "../../src/admin.ts";
import { HourlyEvents } from "../../src/admin/counts/hourly-events.ts";
import { StoreLook } from "../../src/admin/counts/store-sample.ts";
import { Durations, StoreTimes } from "../../src/admin/counts/store-times.ts";
import { MemoryStore, Session } from "../../src/session.ts";
import { ManualClock } from "../../src/testing.ts";
import { countCalls } from "../support/counting-store.ts";

async function filled(
  count: number,
): Promise<{ session: Session; calls: string[]; answer: (path: string) => Promise<string> }> {
  const { store, calls } = countCalls(new MemoryStore(), false);
  const session = new Session({ store });
  for (let at = 0; at < count; at++) await session.create({ userId: `user-${at % 400}` });
  const admin = createAdmin({ session, authorize: () => true });
  calls.length = 0;
  return {
    session,
    calls,
    answer: async (path) => (await admin(new Request(`http://x.test/admin${path}`))).text(),
  };
}

describe("the admin pages, with many sessions", () => {
  it("ask the store as often for 20,000 sessions as for 3,000", async () => {
    const asked: number[][] = [];
    for (const count of [3000, 20_000]) {
      const { session, calls, answer } = await filled(count);
      const [{ handle } = assert.fail()] = await session.list("user-1");
      const costs: number[] = [];
      for (const path of [
        "/",
        "/sessions",
        "/sessions?by=device&q=none",
        "/user?id=user-1",
        `/session?handle=${handle}`,
        "/charts/users.svg",
      ]) {
        calls.length = 0;
        await answer(path);
        costs.push(calls.length);
      }
      asked.push(costs);
    }
    assert.deepEqual(asked[0], asked[1]);
    // The overview looks at the count, one page of sessions and 50 users; the next one within
    // seconds at nothing.
    assert.deepEqual(asked[0], [52, 1, 4, 1, 1, 0]);
  });

  it("say where they stopped looking", async () => {
    const { answer } = await filled(3000);
    assert.match(
      await answer("/sessions?by=device&q=none"),
      /None of the 2000 sessions looked at, and there are more/,
    );
    assert.match(await answer("/"), /<span class="soft">about<\/span> 3,000/);
    assert.match(await answer("/"), /Estimated from 50 users/);
  });

  it("say at least, where the store does not count", async () => {
    const store = new MemoryStore();
    const session = new Session({
      store: new Proxy(store, {
        get: (target, name) =>
          name === "count"
            ? undefined
            : (Reflect.get(target, name, target) as (() => void) | undefined)?.bind(target),
      }),
    });
    for (let at = 0; at < 600; at++) await session.create({ userId: "Ada" });
    const { live } = await new StoreLook(session.all, Date).sample();
    assert.deepEqual(live, { kind: "at least", count: 500 });
  });

  it("estimate what share of the users has how many sessions", async () => {
    // The same order at every run, and so the same sample.
    let seed = 1;
    const next = (): number => (seed = (seed * 16_807) % 2_147_483_647);
    const clock = new ManualClock(1_800_000_000_000);
    const session = new Session({ clock, store: new MemoryStore({ clock }) });
    // 300 users with one session and 100 with four, who came in no order: a store is free to show
    // the oldest first.
    const comings = Array.from({ length: 400 }, (_, at) =>
      Array.from({ length: at % 4 === 0 ? 4 : 1 }, () => ({ userId: `user-${at}`, turn: next() })),
    ).flat();
    for (const { userId } of comings.sort((a, b) => a.turn - b.turn))
      await session.create({ userId });
    const { shares, users } = await new StoreLook(session.all, Date).sample();
    assert.equal(users, 50);
    // Three quarters have one. Met by their sessions less than half of the sample has: each of
    // those with four counts for less.
    assert.ok((shares[0] ?? 0) > 0.6 && (shares[0] ?? 1) < 0.9, JSON.stringify(shares));
    assert.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-9);
  });

  it("draw shares of users up to 100 %, and no further", async () => {
    const session = new Session();
    const admin = createAdmin({ session, authorize: () => true });
    await session.create({ userId: "ada" });
    const svg = await (await admin(new Request("http://app.test/admin/charts/users.svg"))).text();
    admin.close();
    assert.deepEqual(svg.match(/\d+ %/g), ["0 %", "25 %", "50 %", "75 %", "100 %"]);
  });
});

describe("HourlyEvents", () => {
  it("keeps 24 hours, and gives those without an event too", () => {
    const clock = new ManualClock();
    const events = new HourlyEvents(clock);
    for (let hour = 0; hour < 50; hour++) {
      events.add("created", hour);
      clock.advance(3_600_000);
    }
    clock.advance(2 * 3_600_000);
    events.add("created", 1000);
    const counts = events.hours().map(({ counts }) => counts.get("created"));
    assert.equal(counts.length, 24);
    assert.deepEqual(
      counts.slice(-4),
      [undefined, undefined, undefined, 1000].map((count, at) => (at === 0 ? 49 : count)),
    );
    assert.equal(counts[0], 29);
  });

  it("does not grow with names that it was never meant for", () => {
    const events = new HourlyEvents(new ManualClock());
    for (let at = 0; at < 1000; at++) events.add(`ended ${at}`);
    assert.equal(events.hours().at(-1)?.counts.size, 24);
  });
});

describe("Durations", () => {
  it("gives quantiles to within a fifth, from microseconds to minutes", () => {
    const durations = new Durations();
    assert.equal(durations.quantile(0.5), undefined);
    for (let at = 1; at <= 1000; at++) durations.add(at);
    for (const [part, exact] of [
      [0.5, 500],
      [0.95, 950],
      [1, 1000],
    ] as const) {
      const estimate = durations.quantile(part) ?? 0;
      assert.ok(estimate >= exact && estimate <= exact * 1.2, `${part}: ${estimate}`);
    }
    for (const odd of [0, -1, NaN, Infinity, 1e12]) durations.add(odd);
    assert.equal(durations.count, 1005);
  });
});

describe("StoreTimes", () => {
  it("counts the operations of stores, failures too, until it is told to stop", async () => {
    class FailingStore extends MemoryStore {
      override async listByUser(): Promise<never> {
        throw new Error("no");
      }
    }
    const times = new StoreTimes(Date);
    const stop = times.listen();
    const session = new Session({ store: new FailingStore() });
    const id = await session.create({ userId: "Ada" });
    await session.get(id);
    await assert.rejects(session.list("Ada"));
    stop();
    await session.get(id);
    const counted = times.operations().filter(({ name }) => name.startsWith("FailingStore."));
    assert.deepEqual(
      counted.map(({ name, durations, errors }) => [name, durations.count, errors]).sort(),
      [
        ["FailingStore.create", 1, 0],
        ["FailingStore.listByUser", 1, 1],
        ["FailingStore.read", 1, 0],
      ],
    );
    assert.ok(times.minutes().reduce((sum, { durations }) => sum + durations.count, 0) >= 3);
  });
});
