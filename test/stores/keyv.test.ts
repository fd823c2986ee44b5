// KeyvStore on Keyv 5 and 6.
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { after, before, describe, it } from "node:test";
import { Keyv as Keyv5 } from "keyv";
import { Session, StoreError } from "../../src/session.ts";
import { type KeyvClient, KeyvStore } from "../../src/stores/keyv.ts";
import { storeConformance } from "../../src/testing.ts";
import { requireApart } from "../support/packages-apart.ts";

type Constructor = new (options: object) => KeyvClient;

const { Keyv: Keyv6 } = (await requireApart("keyv6", "keyv")) as { Keyv: Constructor };
const versions: { name: string; make(options: object): KeyvClient }[] = [
  { name: "Keyv 5", make: (options) => new Keyv5({ throwOnErrors: true, ...options }) },
  { name: "Keyv 6", make: (options) => new Keyv6(options) },
];

/** A Map that fails while it is told to, as an adapter whose server is down. */
class Breakable extends EventEmitter {
  readonly texts = new Map<string, unknown>();
  readonly lives: (number | undefined)[] = [];
  isBroken = false;

  async get(key: string): Promise<unknown> {
    this.#check();
    return this.texts.get(key);
  }

  async set(key: string, value: unknown, ttl?: number): Promise<void> {
    this.#check();
    this.lives.push(ttl);
    this.texts.set(key, value);
  }

  async delete(key: string): Promise<boolean> {
    this.#check();
    return this.texts.delete(key);
  }

  async clear(): Promise<void> {
    this.texts.clear();
  }

  #check(): void {
    if (this.isBroken) throw new Error("the server is down");
  }
}

for (const { name, make } of versions) {
  storeConformance(
    { describe, it, before, after },
    {
      name: `KeyvStore with ${name}`,
      contract: "Store",
      open: async (clock) => ({
        store: new KeyvStore({ keyv: make({ namespace: "app" }), clock }),
      }),
    },
  );

  describe(`KeyvStore with ${name}`, () => {
    it("holds no id, tells when a record may vanish, and takes foreign records for none", async () => {
      const adapter = new Breakable();
      const session = new Session({ store: new KeyvStore({ keyv: make({ store: adapter }) }) });
      const id = await session.create({ userId: "ann" });
      const [[key, value] = ["", ""]] = adapter.texts;
      const dump = key + JSON.stringify(value);
      assert.equal(dump.includes(id), false);
      assert.match(dump, /ann/);
      const [life = 0] = adapter.lives;
      assert.ok(life > 2_591_990_000 && life <= 2_592_000_000, `${life}`);
      adapter.texts.set(key, JSON.stringify({ value: { a: 1 } }));
      assert.equal(await session.get(id), undefined);
    });

    it("an adapter that fails is a StoreError, whoever listens to Keyv's errors, and never no session", async () => {
      for (const isHeard of [false, true]) {
        const adapter = new Breakable();
        const keyv = make({ store: adapter });
        if (isHeard) keyv.on("error", () => {});
        const session = new Session({ store: new KeyvStore({ keyv }) });
        const id = await session.create({ a: 1 });
        adapter.isBroken = true;
        for (const call of [
          () => session.get(id),
          () => session.create({}),
          () => session.delete(id),
          () => session.update(id, { a: 2 }),
        ]) {
          await assert.rejects(
            call,
            (error) =>
              error instanceof StoreError &&
              error.store === "KeyvStore" &&
              error.cause instanceof Error,
          );
        }
        adapter.isBroken = false;
        assert.deepEqual(await session.get(id), { a: 1 });
        assert.equal(await session.delete(id), true);
      }
    });
  });
}

describe("KeyvStore", () => {
  it("refuses options that make no sense, and a Keyv 5 that hides failures", () => {
    assert.throws(() => new KeyvStore({ keyv: new Keyv5() }), /throwOnErrors: true/);
    for (const wrong of [undefined, null, {}, new Map(), 5])
      assert.throws(() => new KeyvStore({ keyv: wrong as never }), TypeError);
    assert.throws(
      () => new KeyvStore({ keyv: new Keyv5({ throwOnErrors: true }), absoluteTimeout: 0 }),
      RangeError,
    );
    assert.throws(
      () => new KeyvStore({ keyv: new Keyv5({ throwOnErrors: true }), prefix: "a" } as never),
      /Invalid option prefix: /,
    );
  });
});
