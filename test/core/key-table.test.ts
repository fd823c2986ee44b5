// The table of keys against a Map, which it must agree with after anything that can be done to both.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { KeyTable, type KeyedEntry } from "../../src/core/key-table.ts";
import { MemoryStore } from "../../src/memory-store.ts";
import { ManualClock } from "../../src/testing.ts";

interface Entry extends KeyedEntry<Entry> {
  number: number;
}

function keyOf(number: number): string {
  return `${number.toString(16).padStart(8, "0")}.${createHash("sha256").update(String(number)).digest("base64url")}`;
}

function entryOf(number: number, key = keyOf(number)): Entry {
  return { key, number, next: undefined };
}

describe("KeyTable", () => {
  it("finds what was added and not removed, like a Map, however it grows and shrinks", () => {
    const table = new KeyTable<Entry>();
    const map = new Map<string, Entry>();
    // A small generator of our own, so that a failure comes again.
    let state = 7;
    const next = (below: number): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff) % below;
    for (let turn = 0; turn < 60_000; turn++) {
      const key = keyOf(next(20_000));
      const found = map.get(key);
      assert.equal(table.get(key), found);
      if (!found) {
        const entry = entryOf(turn, key);
        map.set(key, entry);
        table.add(entry);
      } else if (next(turn < 40_000 ? 3 : 1) === 0) {
        map.delete(key);
        table.remove(found);
      }
      assert.equal(table.size, map.size);
    }
    for (const entry of map.values()) {
      assert.equal(table.get(entry.key), entry);
      table.remove(entry);
      assert.equal(table.get(entry.key), undefined);
    }
    assert.equal(table.size, 0);
  });

  it("tells keys apart that differ only where it does not look", () => {
    const table = new KeyTable<Entry>();
    const ending = keyOf(1).slice(8);
    const entries = Array.from({ length: 50 }, (_, number) => entryOf(number, number.toString(16).padStart(8, "0") + ending));
    for (const entry of entries) table.add(entry);
    for (const entry of entries) assert.equal(table.get(entry.key), entry);
    for (const at of [49, 0, 25]) {
      table.remove(entries[at] as Entry);
      assert.equal(table.get((entries[at] as Entry).key), undefined);
    }
    assert.equal(table.size, 47);
    for (const [at, entry] of entries.entries()) assert.equal(table.get(entry.key), [49, 0, 25].includes(at) ? undefined : entry);
  });

  it("takes keys of any length, as a direct use of a store may give them", () => {
    const table = new KeyTable<Entry>();
    const keys = ["", "a", "ab", "abcdef", "session123", "ключ", "a".repeat(10_000)];
    const entries = keys.map((key, number) => entryOf(number, key));
    for (const entry of entries) table.add(entry);
    for (const entry of entries) assert.equal(table.get(entry.key), entry);
    assert.equal(table.get("b"), undefined);
  });

  it("pages through every key once", () => {
    const table = new KeyTable<Entry>();
    const keys = Array.from({ length: 5000 }, (_, number) => keyOf(number));
    for (const [number, key] of keys.entries()) table.add(entryOf(number, key));
    const paged: string[] = [];
    for (let page = table.keysAfter(undefined, 7); page.length > 0; page = table.keysAfter(paged.at(-1), 7)) paged.push(...page);
    assert.deepEqual([...paged].sort(), [...keys].sort());
  });
});

describe("MemoryStore", () => {
  it("moves a session to a key where one has expired and was not swept yet, and keeps it", async () => {
    const clock = new ManualClock(1_700_000_000_000);
    const store = new MemoryStore<{ n: number }>({ clock });
    const now = clock.now();
    await store.create("old", { data: { n: 1 }, createdAt: now, lastSeenAt: now, expiresAt: now + 10, endsAt: now + 10 });
    await store.create("live", { data: { n: 2 }, createdAt: now, lastSeenAt: now, expiresAt: now + 60_000, endsAt: now + 60_000 });
    clock.advance(11);
    assert.equal(await store.move("live", "old"), true);
    await store.prune();
    clock.advance(5000);
    assert.deepEqual((await store.read(["old"]))[0]?.data, { n: 2 });
    assert.equal(store.size, 1);
  });
});
