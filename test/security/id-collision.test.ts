// A new id that is taken attaches to nothing and overwrites nothing. V7.2.3; tower-sessions 0.12.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  MemoryStore,
  type RandomFill,
  Session,
  type Store,
  toSessionStore,
} from "../../src/session.ts";

type Visitor = { userId: string };
const ZEROES: RandomFill = (bytes) => bytes.fill(0);

const plain = (): Store<Visitor> => {
  const kept = new Map<string, Visitor>();
  return {
    get: async (id) => kept.get(id),
    set: async (id, data) => void kept.set(id, data),
    delete: async (id) => void kept.delete(id),
  };
};
const STORES: [string, () => Store<Visitor>][] = [
  ["MemoryStore", () => new MemoryStore<Visitor>()],
  ["a three-method store", plain],
  ["a three-method store, wrapped", () => toSessionStore(plain())],
];

for (const [name, open] of STORES) {
  describe(`With a broken random source and ${name}`, () => {
    it("the second sign-in of a second is an error, and the first one's session stays the first one's", async () => {
      const store = open();
      const session = new Session<Visitor>({ store, randomFill: ZEROES });
      const ids: string[] = [];
      let refused = 0;
      for (let n = 0; n < 5; n++) {
        await session.create({ userId: `user-${n}` }).then(
          (id) => ids.push(id),
          (error: { code?: string }) => {
            assert.equal(error.code, "ERR_STORE_CONFLICT");
            refused++;
          },
        );
      }
      assert.ok(refused >= 3, String(refused));
      assert.equal(new Set(ids).size, ids.length);
      const owners = await Promise.all(ids.map((id) => session.get(id)));
      assert.equal(new Set(owners.map((owner) => owner?.userId)).size, ids.length);
      assert.deepEqual(owners[0], { userId: "user-0" });
    });

    it("a rotation gives nobody another's session", async () => {
      const store = open();
      const alice = await new Session<Visitor>({ store }).create({ userId: "alice" });
      const broken = new Session<Visitor>({ store, randomFill: ZEROES });
      const mallory = await broken.create({ userId: "mallory" });
      const next = await broken.rotate(mallory);
      assert.ok(next === undefined || next !== alice);
      assert.deepEqual(await broken.get(alice), { userId: "alice" });
      assert.deepEqual(await broken.get(next ?? mallory), { userId: "mallory" });
    });
  });
}
