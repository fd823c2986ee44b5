// Ids: 160 bits of the source they were given, their birth, and what happens when the source
// repeats itself.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  MemoryStore,
  type RandomFill,
  Session,
  StoreError,
  type Store,
} from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";

const START = 1_700_000_000_999;

function bytesOf(id: string): Buffer {
  return Buffer.from(id, "base64url");
}

/** Gives 0, 1, 2 … as bytes, and counts them. */
function countingSource(): { fill: RandomFill; given: () => number } {
  let given = 0;
  const fill: RandomFill = (bytes) => {
    for (let at = 0; at < bytes.length; at++) bytes[at] = given++ % 256;
  };
  return { fill, given: () => given };
}

/** The same bytes for every id: a virtual machine restored twice from one snapshot. */
const repeat: RandomFill = (bytes) => {
  for (let at = 0; at < bytes.length; at++) bytes[at] = at % 24;
};

describe("Session ids", () => {
  it("are the birth in seconds and 20 bytes of the random source (V7.2.3)", async () => {
    const { fill, given } = countingSource();
    const session = new Session({ randomFill: fill, clock: new ManualClock(START) });
    for (let made = 1; made <= 30; made++) {
      const bytes = bytesOf(await session.create({}));
      assert.equal(bytes.length, 24);
      assert.equal(bytes.readUInt32BE(), Math.floor(START / 1000));
      // Twenty neighbours in the stream: none is a constant, none comes twice.
      for (let at = 5; at < 24; at++)
        assert.equal(bytes[at], ((bytes[at - 1] as number) + 1) % 256, bytes.toString("hex"));
      assert.ok(given() >= made * 20);
    }
  });

  it("are all different, and every bit of their random part moves", async () => {
    const session = new Session();
    const ids = await Promise.all(Array.from({ length: 2000 }, () => session.create({})));
    assert.equal(new Set(ids).size, 2000);
    const ones = new Array<number>(160).fill(0);
    for (const id of ids) {
      const bytes = bytesOf(id).subarray(4);
      for (let bit = 0; bit < 160; bit++)
        ones[bit] = (ones[bit] ?? 0) + (((bytes[bit >> 3] as number) >> (bit & 7)) & 1);
    }
    // 2000 fair coins are within ten standard deviations of 1000, always.
    for (const count of ones) assert.ok(count > 776 && count < 1224, String(count));
  });

  it("keep their birth when they are rotated, and nothing else", async () => {
    const clock = new ManualClock(START);
    const session = new Session({ clock });
    let id = await session.create({});
    for (let turn = 0; turn < 5; turn++) {
      clock.advance(100_000);
      const next = (await session.rotate(id)) ?? assert.fail();
      assert.equal(bytesOf(next).readUInt32BE(), Math.floor(START / 1000));
      assert.notDeepEqual(bytesOf(next).subarray(4), bytesOf(id).subarray(4));
      id = next;
    }
  });

  const stores: [string, (clock: ManualClock) => Store<{ who: string }>][] = [
    ["MemoryStore", (clock) => new MemoryStore<{ who: string }>({ clock })],
    [
      "a three-method store",
      () => {
        const kept = new Map<string, { who: string }>();
        return {
          get: async (id) => kept.get(id),
          set: async (id, data) => void kept.set(id, data),
          delete: async (id) => void kept.delete(id),
        };
      },
    ],
  ];
  for (const [name, open] of stores) {
    it(`that are taken are never attached to: create fails rather than share a session, in ${name}`, async () => {
      const clock = new ManualClock(START);
      const session = new Session<{ who: string }>({
        store: open(clock),
        randomFill: repeat,
        clock,
      });
      const id = await session.create({ who: "alice" });
      await assert.rejects(
        session.create({ who: "mallory" }),
        (error) =>
          error instanceof StoreError &&
          error.code === "ERR_STORE_CONFLICT" &&
          error.operation === "create" &&
          !error.message.includes(id),
      );
      assert.deepEqual(await session.get(id), { who: "alice" });
    });

    it(`that are taken are made again, in ${name}`, async () => {
      const clock = new ManualClock(START);
      const store = open(clock);
      const alice = await new Session({ store, randomFill: repeat, clock }).create({
        who: "alice",
      });
      // Begins as the other source does, and goes on otherwise.
      const repeatOnce: RandomFill = (bytes) => {
        repeat(bytes);
        bytes.fill(9, 24);
      };
      const session = new Session({ store, randomFill: repeatOnce, clock });
      const bob = await session.create({ who: "bob" });
      assert.notEqual(bob, alice);
      assert.deepEqual(
        [await session.get(alice), await session.get(bob)],
        [{ who: "alice" }, { who: "bob" }],
      );
    });
  }
});
