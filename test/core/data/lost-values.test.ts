// What JSON would lose is refused, by every store and every way of writing alike, and nothing is
// written. Each case is put at several places of the data.
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { Keyv } from "keyv";
import { createStorage } from "unstorage";
import { systemClock } from "../../../src/core/clock.ts";
import { MemoryStore, Session, type Store, toSessionStore } from "../../../src/session.ts";
import { EncryptedStore } from "../../../src/stores/encrypted.ts";
import { KeyvStore } from "../../../src/stores/keyv.ts";
import { UnstorageStore } from "../../../src/stores/unstorage.ts";
import { openSqliteStore, sqliteClient } from "../../support/sqlite-clients.ts";

type Fields = Record<string, unknown>;

class Secretive {
  readonly #value = 1;
  get value(): number {
    return this.#value;
  }
}
class Basket extends Map<string, number> {
  owner = "ada";
}

/** Values that would come back as something else, and what a message calls them. */
const LOST: [string, () => unknown][] = [
  ["a Map", () => new Map([["a", 1]])],
  ["a Map", () => new Basket([["a", 1]])],
  ["a Set", () => new Set([1])],
  ["a WeakMap", () => new WeakMap()],
  ["a RegExp", () => /a/g],
  ["an Error", () => Object.assign(new Error("no"), { code: "E" })],
  ["a Promise", () => Promise.resolve(1)],
  ["a Uint8Array", () => new Uint8Array([1, 2])],
  ["an ArrayBuffer", () => new ArrayBuffer(2)],
  // Bun's have a toJSON.
  ...(process.versions["bun"] === undefined
    ? ([
        ["a URLSearchParams", () => new URLSearchParams("a=1")],
        ["a Headers", () => new Headers({ a: "1" })],
      ] as [string, () => unknown][])
    : []),
  ["a Secretive without fields", () => new Secretive()],
  ["a function", () => () => 1],
  ["a function", () => Secretive],
  ["a symbol", () => Symbol("a")],
  ["a bigint", () => 1n],
  ["NaN", () => Number.NaN],
  ["NaN", () => new Number(Number.NaN)],
  ["Infinity", () => Infinity],
  ["-Infinity", () => -Infinity],
  ["an invalid Date", () => new Date(Number.NaN)],
  ["an Object whose toJSON() returns undefined", () => ({ toJSON: () => undefined })],
  ["a Map", () => ({ toJSON: () => new Map() })],
];

/** Where a value may lie, and its path. */
const PLACES: [string, (value: unknown) => Fields][] = [
  ["cart", (value) => ({ a: 1, cart: value })],
  ["cart.items", (value) => ({ cart: { a: 1, items: value } })],
  ["cart[1]", (value) => ({ cart: [1, value] })],
  ["cart.items[0].of", (value) => ({ cart: { items: [{ of: value }] } })],
  ['cart["a b"].items', (value) => ({ cart: { "a b": { items: value } } })],
  ["cart.__proto__", (value) => ({ cart: Object.fromEntries([["__proto__", value]]) })],
];

const cycle: Fields = { a: 1 };
cycle["again"] = { of: [cycle] };

/** The whole of a change, its message and the places of every value. */
const CASES: [Fields, string][] = [
  ...LOST.flatMap(([kind, make]) =>
    PLACES.map(([path, put]): [Fields, string] => [
      put(make()),
      `Cannot store field ${path}: it is ${kind}, expected JSON`,
    ]),
  ),
  [{ a: [1, undefined] }, "Cannot store field a[1]: it is undefined, expected JSON"],
  [{ a: Array(2) }, "Cannot store field a[0]: it is a hole in an array, expected JSON"],
  [
    { a: { b: Object.assign([], { 3: 1 }) } },
    "Cannot store field a.b[0]: it is a hole in an array, expected JSON",
  ],
  [{ a: { b: cycle } }, "Cannot store field a.b.again.of[0]: it is a cycle, expected JSON"],
];

function plainStore(): Store<Fields> {
  const objects = new Map<string, Fields>();
  return {
    get: async (id) => objects.get(id),
    set: async (id, data) => void objects.set(id, data),
    delete: async (id) => void objects.delete(id),
  };
}

const closings: (() => Promise<void>)[] = [];
after(() => Promise.all(closings.map((close) => close())));

const STORES: [string, () => Promise<Store<Fields>>][] = [
  ["MemoryStore", async () => new MemoryStore<Fields>()],
  [
    "SqliteStore",
    async () => {
      const { store, close } = await openSqliteStore(await sqliteClient(), systemClock);
      closings.push(close);
      return store;
    },
  ],
  [
    "EncryptedStore",
    async () =>
      new EncryptedStore<Fields>(new MemoryStore(), { keys: [new Uint8Array(32).fill(7)] }),
  ],
  ["three methods", async () => plainStore()],
  ["three methods, wrapped", async () => toSessionStore(plainStore())],
  ["KeyvStore", async () => new KeyvStore<Fields>({ keyv: new Keyv({ throwOnErrors: true }) })],
  [
    "UnstorageStore",
    async () => new UnstorageStore<Fields>({ storage: createStorage(), absoluteTimeout: 3600 }),
  ],
];

for (const [name, open] of STORES) {
  describe(`What JSON would lose, in ${name}`, () => {
    it("is refused by every way of writing, by its path, and nothing is written", async () => {
      const store = await open();
      const session = new Session<Fields>({ store });
      const id = await session.create({ before: 1 });
      const req = { headers: { cookie: `session_id=${id}` } };
      for (const [data, message] of CASES) {
        const error = { name: "TypeError", message };
        const own = session.open(req);
        const visitor = session.open({ headers: {} });
        await assert.rejects(session.create(data), error);
        await assert.rejects(session.update(id, data), error);
        await assert.rejects(
          session.update(id, () => data),
          error,
        );
        await assert.rejects(session.update(req, data), error);
        await assert.rejects(session.update(id, { userId: undefined, ...data }), error);
        await assert.rejects(own.update({ other: 1, ...data }), error);
        await assert.rejects(
          own.update(() => data),
          error,
        );
        await assert.rejects(own.login({ userId: "ada", ...data }), error);
        await assert.rejects(
          visitor.update(() => ({ other: 1, ...data })),
          error,
        );
        assert.throws(() => {
          for (const [field, value] of Object.entries(data))
            if (field !== "a") own.set(field, value);
          if (!("cart" in data)) own.set("a", data["a"]);
        }, error);
        const flashed = new TypeError(message.replace("field ", "field flash:"));
        assert.throws(() => {
          const [field, value] = Object.entries(data).at(-1) ?? assert.fail();
          own.flash(field, value);
        }, flashed);
        await own.commit();
        await visitor.commit();
        assert.equal(visitor.isNew, false);
        assert.deepEqual(await session.get(id), { before: 1 }, message);
        // Past the session, too.
        const direct = name === "three methods" ? toSessionStore(store) : store;
        await assert.rejects(direct.set("any", data), error);
        assert.equal(await store.get("any"), undefined);
      }
    });
  });
}

describe("The path of what JSON would lose", () => {
  it("is cut, and quotes names that would break a line", async () => {
    const session = new Session<Fields>();
    await assert.rejects(session.create({ "a\nb": 1n }), {
      message: 'Cannot store field ["a\\nb"]: it is a bigint, expected JSON',
    });
    await assert.rejects(session.create({ ["x".repeat(5000)]: 1n }), {
      message: `Cannot store field ${"x".repeat(200)}…: it is a bigint, expected JSON`,
    });
  });

  it("is of a bigint that was given a toJSON no error", async () => {
    const prototype = BigInt.prototype as { toJSON?: () => string };
    prototype.toJSON = function toJSON(this: bigint) {
      return this.toString();
    };
    try {
      const session = new Session<Fields>();
      const id = await session.create({ n: 1n, list: [2n] });
      assert.deepEqual(await session.get(id), { n: "1", list: ["2"] });
    } finally {
      delete prototype.toJSON;
    }
  });
});
