// How MemoryStore keeps its records as bytes: against a Map of objects, which it must agree with
// after anything that can be done to both.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { DeadlineHeap } from "../../../src/core/memory/deadline-heap.ts";
import { NONE, RecordArena } from "../../../src/core/memory/record-arena.ts";
import { hashOf, SlotTable } from "../../../src/core/memory/slot-table.ts";
import { MemoryStore, type StoredSession } from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";

type Fields = Record<string, unknown>;

const DAY = 86_400_000;
const TEXTS = [
  "",
  "plain",
  "é and ÿ",
  "ключ",
  "\u0000\u007F\u0080\u00FF\u0100",
  "💥",
  "\uD800 alone",
  "x".repeat(3000),
  "ж".repeat(50_000),
];

function keyOf(number: number): string {
  return `${number.toString(16).padStart(8, "0")}.${createHash("sha256").update(String(number)).digest("base64url")}`;
}

/** Numbers that come again at each run, so that a failure does. */
function generator(state: number): (below: number) => number {
  return (below) => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff) % below;
}

describe("MemoryStore keeps", () => {
  it("exactly what a Map of objects would, whatever is created, changed, touched, moved, read and removed", async () => {
    const next = generator(11);
    const clock = new ManualClock(1_700_000_000_000);
    const store = new MemoryStore<Fields>({ clock });
    const map = new Map<string, StoredSession<Fields>>();
    const some = (): string => TEXTS[next(next(20) === 0 ? TEXTS.length : 7)] as string;
    for (let step = 0; step < 25_000; step++) {
      const key = keyOf(next(1500));
      const expected = map.get(key);
      assert.deepEqual(store.readSync(key), expected, `step ${step}`);
      const act = next(8);
      const now = clock.now();
      if (!expected) {
        const session = {
          data: { text: some(), n: step, nested: { list: [some()] } },
          createdAt: now,
          lastSeenAt: now,
          expiresAt: now + DAY,
          endsAt: now + DAY,
          ...(next(3) > 0 && { userId: `user-${next(40)}` }),
          ...(next(4) === 0 && { facts: { authenticatedAt: step, device: { label: some() } } }),
        };
        assert.equal((await store.create(key, session)).outcome, "created");
        map.set(key, { ...session, revision: 1 });
      } else if (act < 3) {
        const set = { [`field${next(3)}`]: some(), n: step };
        const facts = next(5) === 0 ? { authenticatedAt: step } : undefined;
        assert.equal(
          await store.patch(key, { set, unset: ["nested"], ...(facts && { facts }) }),
          "done",
        );
        const { nested: _, ...data } = { ...expected.data, ...set } as Fields;
        map.set(key, {
          ...expected,
          data,
          revision: expected.revision + 1,
          ...(facts && { facts }),
        });
      } else if (act === 3) {
        assert.equal(
          await store.extend(key, { lastSeenAt: now + step, expiresAt: now + DAY + step }),
          true,
        );
        map.set(key, {
          ...expected,
          lastSeenAt: Math.max(now + step, expected.lastSeenAt),
          expiresAt: Math.max(now + DAY + step, expected.expiresAt),
        });
      } else if (act === 4) {
        const nextKey = keyOf(next(1500));
        assert.equal(await store.move(key, nextKey), !map.has(nextKey));
        if (map.has(nextKey)) continue;
        map.delete(key);
        map.set(nextKey, expected);
      } else if (act === 5 || step > 20_000) {
        assert.equal(await store.remove(key), true);
        map.delete(key);
      }
      assert.equal(store.size, map.size);
    }
    for (let user = 0; user < 40; user++) {
      const keys = [...map]
        .filter(([, { userId }]) => userId === `user-${user}`)
        .map(([key]) => key);
      const listed = await store.listByUser(`user-${user}`);
      assert.deepEqual(listed.map(({ key }) => key).sort(), keys.sort());
      for (const { key, session } of listed) assert.deepEqual(session, map.get(key));
    }
    for (const [key, session] of map) {
      assert.deepEqual(store.readSync(key), session);
      await store.remove(key);
    }
    assert.equal(store.size, 0);
    for (let user = 0; user < 40; user++)
      assert.deepEqual(await store.listByUser(`user-${user}`), []);
  });

  it("its own copy also of what was read so often that it is kept as an object", async () => {
    const store = new MemoryStore<{ list: number[]; n?: number }>({
      clock: new ManualClock(1_700_000_000_000),
    });
    const key = keyOf(1);
    await store.create(key, {
      data: { list: [1] },
      createdAt: 0,
      lastSeenAt: 0,
      expiresAt: 2e12,
      endsAt: 2e12,
      facts: { device: { label: "one" } },
    });
    for (let reading = 0; reading < 5; reading++) {
      const read = store.readSync(key);
      assert.deepEqual(
        [read?.data, read?.facts, read?.lastSeenAt],
        [{ list: [1] }, { device: { label: "one" } }, 0],
      );
      read?.data.list.push(2);
      if (read?.facts?.device) read.facts.device.label = "two";
      if (read) read.lastSeenAt = 9;
    }
    await store.extend(key, { lastSeenAt: 5, expiresAt: 3e12 });
    assert.deepEqual([store.readSync(key)?.lastSeenAt, store.readSync(key)?.expiresAt], [5, 3e12]);
    assert.equal(store.readSync(key, 3e12), undefined);
    await store.patch(key, { set: { n: 1 } });
    store.readSync(key)?.data.list.push(2);
    assert.deepEqual(store.readSync(key)?.data, { list: [1], n: 1 });
    await store.move(key, keyOf(2));
    assert.equal(store.readSync(key), undefined);
    assert.deepEqual(store.readSync(keyOf(2))?.data, { list: [1], n: 1 });
    await store.remove(keyOf(2));
    assert.equal(store.readSync(keyOf(2)), undefined);
  });

  it("what was changed in sessions that take one another's place as objects", async () => {
    const store = new MemoryStore<{ n: number }>({ clock: new ManualClock(1_700_000_000_000) });
    // More than there are places.
    const count = 33_500;
    for (let number = 0; number < count; number++)
      await store.create(keyOf(number), {
        data: { n: -1 },
        createdAt: 0,
        lastSeenAt: 0,
        expiresAt: 2e12,
        endsAt: 2e12,
      });
    for (let number = 0; number < count; number++)
      await store.patch(keyOf(number), { set: { n: number } });
    const numbers = Array.from({ length: count }, (_, number) => number);
    const isKept = (number: number): boolean => {
      const session = store.readSync(keyOf(number));
      return session?.data.n === number && session.revision === 2;
    };
    assert.deepEqual(numbers.filter((number) => !isKept(number)).slice(0, 9), []);
    // The other way round, and read so often that they change places.
    for (let reading = 0; reading < 3; reading++)
      for (const number of [0, count - 1, 32_768, 1, 32_769])
        assert.equal(store.readSync(keyOf(number))?.data.n, number);
    await store.removeAll();
    await store.create(keyOf(1), {
      data: { n: 5 },
      createdAt: 0,
      lastSeenAt: 0,
      expiresAt: 2e12,
      endsAt: 2e12,
    });
    assert.deepEqual(
      [store.readSync(keyOf(0)), store.readSync(keyOf(1))?.data],
      [undefined, { n: 5 }],
    );
  });

  it("a session in sight of a scan that began before it was rotated, and shows each once", async () => {
    const store = new MemoryStore<Fields>({ clock: new ManualClock(1_700_000_000_000) });
    for (let number = 0; number < 300; number++)
      await store.create(keyOf(number), {
        data: { number },
        createdAt: 0,
        lastSeenAt: 0,
        expiresAt: 2e12,
        endsAt: 2e12,
      });
    const seen: unknown[] = [];
    let cursor: string | undefined;
    for (let page = 0; page === 0 || cursor !== undefined; page++) {
      const found = await store.scan(cursor, { limit: 7 });
      seen.push(...found.sessions.map(({ session }) => session.data.number));
      cursor = found.cursor;
      for (let number = page; number < 300; number += 43)
        await store.move(keyOf(number), keyOf(number + 1000));
    }
    assert.deepEqual(
      seen.sort((a, b) => Number(a) - Number(b)),
      Array.from({ length: 300 }, (_, number) => number),
    );
  });

  it("users apart, however many sessions one has", async () => {
    const store = new MemoryStore<Fields>({ clock: new ManualClock(1_700_000_000_000) });
    for (let number = 0; number < 2000; number++)
      await store.create(keyOf(number), {
        data: {},
        createdAt: number,
        lastSeenAt: 0,
        expiresAt: 2e12,
        endsAt: 2e12,
        userId: number % 10 === 0 ? `user-${number}` : "one",
      });
    const ofOne = await store.listByUser("one");
    assert.equal(ofOne.length, 1800);
    for (const { key } of ofOne.slice(0, 900)) await store.remove(key);
    assert.deepEqual(
      (await store.listByUser("one")).map(({ key }) => key),
      ofOne.slice(900).map(({ key }) => key),
    );
    assert.equal(await store.removeByUser("one"), 900);
    assert.deepEqual(
      [
        store.size,
        (await store.listByUser("user-10")).length,
        (await store.listByUser("one")).length,
      ],
      [200, 1, 0],
    );
  });

  it("large sessions and small ones, whatever ends between them", async () => {
    const store = new MemoryStore<Fields>({ clock: new ManualClock(1_700_000_000_000) });
    const count = 5000;
    const textOf = (number: number): string =>
      "x".repeat(number % 500 === 7 ? 100_000 : number % 300);
    for (let number = 0; number < count; number++)
      await store.create(keyOf(number), {
        data: { text: textOf(number) },
        createdAt: 0,
        lastSeenAt: 0,
        expiresAt: 2e12,
        endsAt: 2e12,
      });
    for (let number = 0; number < count; number++)
      if (number % 10 !== 7) await store.remove(keyOf(number));
    for (let number = 7; number < count; number += 10)
      assert.equal(store.readSync(keyOf(number))?.data.text, textOf(number));
  });
});

describe("RecordArena", () => {
  it("keeps at most about a third of waste, whatever comes and goes", () => {
    const arena = new RecordArena();
    const next = generator(3);
    const slots = new Map<number, string>();
    let live = 0;
    for (let step = 0; step < 60_000; step++) {
      const text = String(step).repeat(1 + next(40));
      const some = [...(step % 5000 === 0 ? slots.keys() : [])];
      const slot = arena.add(16 + text.length);
      arena.setText(slot, 8, text, "latin1");
      slots.set(slot, text);
      live += text.length;
      for (const victim of some) {
        if (next(3) > 0) continue;
        live -= slots.get(victim)?.length ?? 0;
        arena.remove(victim);
        slots.delete(victim);
      }
    }
    for (const [slot, text] of slots) {
      if (next(4) === 0) continue;
      live -= text.length;
      arena.remove(slot);
      slots.delete(slot);
    }
    for (const [slot, text] of slots) assert.equal(arena.hasText(slot, 8, text), true);
    assert.equal(arena.count, slots.size);
    // With 16 bytes of each record's own, and half a word lost.
    assert.ok(
      arena.bytes < (live + slots.size * 20) * 1.5 + 5 * 65_536,
      `${arena.bytes} for ${live}`,
    );
    for (const slot of slots.keys()) arena.remove(slot);
    // The segment that is being filled.
    assert.equal(arena.bytes, 65_536);
  });
});

describe("SlotTable", () => {
  it("finds what was added and not removed, like a Map, however it grows and shrinks, also under one hash", () => {
    const table = new SlotTable();
    const map = new Map<number, number>();
    const next = generator(7);
    const find = (slot: number, hash: number): number => {
      let found = table.first(hash);
      while (found !== NONE && found !== slot) found = table.after(found);
      return found;
    };
    for (let turn = 0; turn < 60_000; turn++) {
      const slot = 1 + next(8000);
      const hash = map.get(slot) ?? (next(10) === 0 ? 5 : hashOf(keyOf(slot)));
      assert.equal(find(slot, hash), map.has(slot) ? slot : NONE);
      if (!map.has(slot)) {
        table.add(slot, hash);
        map.set(slot, hash);
      } else if (turn > 40_000 || next(3) === 0) {
        table.remove(slot);
        map.delete(slot);
      }
    }
    for (const [slot, hash] of map) {
      assert.equal(find(slot, hash), slot);
      table.remove(slot);
      assert.equal(find(slot, hash), NONE);
    }
    assert.equal(table.buckets, new SlotTable().buckets);
  });

  it("spreads keys evenly", () => {
    const buckets = new Array<number>(4096).fill(0);
    for (let number = 0; number < 40_960; number++) {
      const at = hashOf(keyOf(number)) % 4096;
      buckets[at] = (buckets[at] as number) + 1;
    }
    assert.ok(Math.max(...buckets) < 35, String(Math.max(...buckets)));
  });
});

describe("DeadlineHeap", () => {
  it("gives slots in the order of their deadlines, also those that were placed anew and after removals", () => {
    const heap = new DeadlineHeap();
    const deadlines = new Map<number, number>();
    const next = generator(5);
    for (let step = 0; step < 20_000; step++) {
      const slot = 1 + next(5000);
      const deadline = next(1_000_000);
      if (!deadlines.has(slot)) heap.add(slot, deadline);
      else if (next(3) > 0) heap.place(slot, deadline);
      else {
        heap.remove(slot);
        deadlines.delete(slot);
        continue;
      }
      deadlines.set(slot, deadline);
    }
    const order = [...deadlines.values()].sort((a, b) => a - b);
    for (const deadline of order) {
      assert.equal(heap.nextAt, deadline);
      assert.equal(deadlines.get(heap.next), deadline);
      heap.remove(heap.next);
    }
    assert.equal(heap.nextAt, Infinity);
  });
});
