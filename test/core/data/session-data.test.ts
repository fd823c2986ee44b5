// Session data is JSON in every store alike, and nobody outside holds a reference to what is
// stored.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runInNewContext } from "node:vm";
import { MemoryStore, Session, type Store, toSessionStore } from "../../../src/session.ts";

type Fields = Record<string, unknown>;

const AWKWARD: Fields = {
  "": "empty name",
  "a b": " ",
  'quote"': "\\ \" ' / \u2028 \u2029",
  "naïve 💥": "\ud800 lone, \0 NUL, \u0001, \ufeff",
  numbers: [0, -1.5, 1e300, 5e-324, Number.MAX_SAFE_INTEGER, 0.1],
  nothing: null,
  empty: [[], {}, "", [[]], [{}], [null]],
  deep: { a: { b: { c: [1, { d: true }] } } },
  constructor: "c",
  toString: "t",
  hasOwnProperty: false,
};

/** A store as the seed's page shows one: it keeps texts. */
function textStore(): Store<Fields> {
  const texts = new Map<string, string>();
  return {
    async get(id) {
      const text = texts.get(id);
      return text === undefined ? undefined : (JSON.parse(text) as Fields);
    },
    set: async (id, data) => void texts.set(id, JSON.stringify(data)),
    delete: async (id) => void texts.delete(id),
  };
}

/** A store that keeps the very objects that it is given: the protection must be core's. */
function objectStore(): Store<Fields> {
  const objects = new Map<string, Fields>();
  return {
    get: async (id) => objects.get(id),
    set: async (id, data) => void objects.set(id, data),
    delete: async (id) => void objects.delete(id),
  };
}

const STORES: [string, () => Store<Fields>][] = [
  ["MemoryStore", () => new MemoryStore<Fields>()],
  ["a store of texts", textStore],
  ["a store of objects", objectStore],
  ["a store of objects, wrapped", () => toSessionStore(objectStore())],
];

for (const [name, open] of STORES) {
  describe(`Session data in ${name}`, () => {
    const begin = (): Session<Fields> => new Session<Fields>({ store: open() });

    it("is what JSON makes of -0, classes and what has a toJSON, flat as it may be", async () => {
      const session = new Session<Fields>();
      class Point {
        x = 1;
        get y(): number {
          return 2;
        }
      }
      const given: [Fields, Fields][] = [
        [{ c: -0 }, { c: 0 }],
        [{ a: undefined, d: 1 }, { d: 1 }],
        [{ a: 1, [Symbol("b")]: 2 }, { a: 1 }],
        [{ a: 1, toJSON: () => ({ b: 2 }) }, { b: 2 }],
        [new Point() as unknown as Fields, { x: 1 }],
      ];
      for (const [data, expected] of given) {
        const id = await session.create(data);
        assert.deepStrictEqual(await session.get(id), expected);
        await session.update(id, { ...expected, theme: "dark" });
        const own = session.open({ headers: { cookie: `session_id=${id}` } });
        for (const [field, value] of Object.entries(data))
          if (typeof value === "number" && field in expected) own.set(field, value);
        await own.commit();
        assert.deepStrictEqual(await session.get(id), { ...expected, theme: "dark" });
      }
    });

    it("may have a field called __proto__, which is a field in the request that sets it as well", async () => {
      const session = new Session<Fields>();
      const id = await session.create({ a: 1 });
      const own = session.open({ headers: { cookie: `session_id=${id}` } });
      own.set("__proto__", { polluted: true });
      const expected = JSON.parse('{"a":1,"__proto__":{"polluted":true}}') as Fields;
      assert.deepStrictEqual(await own.data, expected);
      await own.commit();
      for (const data of [await own.data, await session.get(id)]) {
        assert.deepStrictEqual(data, expected);
        assert.equal(Reflect.get(data as object, "polluted"), undefined);
      }
    });

    it("comes back to the letter, whatever the names and values", async () => {
      const session = begin();
      const id = await session.create(AWKWARD);
      assert.deepEqual(await session.get(id), AWKWARD);
      assert.equal(await session.update(id, { ...AWKWARD, more: 1 }), true);
      assert.deepEqual(await session.get(id), { ...AWKWARD, more: 1 });
    });

    it("is what JSON makes of it", async () => {
      const session = begin();
      const now = new Date();
      class Point {
        x = 1;
        #y = 2;
        sum(): number {
          return this.x + this.#y;
        }
      }
      const data = {
        date: now,
        gone: undefined,
        list: [{ gone: undefined }, now],
        minusZero: -0,
        point: new Point(),
        bare: Object.assign(Object.create(null) as object, { a: 1 }),
        boxed: [new String("text"), new Number(-0), new Boolean(false)],
        bytes: Buffer.from([1, 2]),
        url: new URL("https://example.com/"),
        own: { toJSON: (name: string) => ({ name, and: new Date(0) }) },
        callable: Object.assign(() => 1, { toJSON: () => "as it likes" }),
        field: { toJSON: "a field" },
        foreign: runInNewContext("({ a: [1, { b: new Date(0) }] })") as unknown,
      };
      const expected: unknown = JSON.parse(JSON.stringify(data));
      const id = await session.create(data);
      assert.deepEqual(await session.get(id), expected);
      const other = await session.create({});
      await session.update(other, data);
      assert.deepEqual(await session.get(other), expected);
      const third = await session.create({});
      await session.update(third, () => data);
      assert.deepEqual(await session.get(third), expected);
    });

    it("holds a field named __proto__ as a field, and pollutes nothing", async () => {
      const session = begin();
      const hostile = JSON.parse(
        '{"__proto__":{"polluted":1},"in":{"__proto__":{"polluted":1}}}',
      ) as Fields;
      const id = await session.create(hostile);
      await session.update(id, JSON.parse('{"__proto__":{"polluted":2}}') as Fields);
      await session.update(id, (data) => data);
      const found = (await session.get(id)) ?? assert.fail();
      assert.equal(
        JSON.stringify(found),
        '{"__proto__":{"polluted":2},"in":{"__proto__":{"polluted":1}}}',
      );
      assert.equal(found.polluted, undefined);
      assert.equal(({} as Fields).polluted, undefined);
      await session.update(id, JSON.parse('{"__proto__":null}') as Fields);
      assert.equal(
        JSON.stringify(await session.get(id)),
        '{"__proto__":null,"in":{"__proto__":{"polluted":1}}}',
      );
    });

    it("is not changed by changing what went in", async () => {
      const session = begin();
      const data = { list: [1], nested: { a: 1 } };
      const id = await session.create(data);
      data.list.push(2);
      data.nested.a = 2;
      const change = { list: [3], other: { b: 1 } };
      const update = session.update(id, change);
      change.list.push(4);
      change.other.b = 2;
      await update;
      change.list.push(5);
      // A change that names the user must see the rest of the data first, and so comes later.
      const exact = { userId: undefined, list: [3] };
      const later = session.update(id, exact);
      exact.list.push(6);
      await later;
      assert.deepEqual(await session.get(id), { list: [3], nested: { a: 1 }, other: { b: 1 } });
    });

    it("is not changed by changing what came out", async () => {
      const session = begin();
      const id = await session.create({ list: [1], nested: { a: 1 } });
      const read = [
        () => session.get(id),
        () => session.fromRequest({ headers: { cookie: `session_id=${id}` } }),
      ];
      for (const next of read) {
        const found =
          ((await next()) as { list: number[]; nested: { a: number } } | undefined) ??
          assert.fail();
        found.list.push(2);
        found.nested.a = 2;
        Object.assign(found, { more: 1 });
      }
      await session.update(id, (data) => {
        (data.list as number[]).push(3);
        data.more = 1;
        return { done: true };
      });
      assert.deepEqual(await session.get(id), { list: [1], nested: { a: 1 }, done: true });
    });

    it("of two readers of one session is not shared", async () => {
      const session = begin();
      const id = await session.create({ list: [1] });
      const [one, two] = await Promise.all([session.get(id), session.get(id)]);
      ((one ?? assert.fail()).list as number[]).push(2);
      assert.deepEqual(two, { list: [1] });
    });

    it("that JSON cannot hold is refused with what is wanted, and nothing is written", async () => {
      const session = begin();
      const id = await session.create({ a: 1 });
      const cycle: Fields = {};
      cycle.self = { cycle };
      let deep: Fields = {};
      for (let levels = 0; levels < 64; levels++) deep = { deep };
      const refused: [unknown, RegExp][] = [
        [cycle, /^Cannot store field self\.cycle(\.self)?: it is a cycle, expected JSON$/],
        [deep, /^Cannot store field deep: it nests deeper than 64 levels$/],
        [
          { list: JSON.parse("[".repeat(3000) + "]".repeat(3000)) as unknown },
          /^Cannot store field list: it nests deeper than 64 levels$/,
        ],
      ];
      for (const [data, message] of refused) {
        await assert.rejects(session.create(data as Fields), { name: "TypeError", message });
        await assert.rejects(session.update(id, data as Fields), { name: "TypeError", message });
        await assert.rejects(
          session.update(id, () => data as Fields),
          { name: "TypeError", message },
        );
      }
      for (const [data, kind] of [
        [null, "null"],
        [undefined, "undefined"],
        [[], "an array"],
        ["text", "a string"],
        [1, "a number"],
        [() => 1, "a function"],
        [new Date(), "a string"],
        [new Map([["a", 1]]), "a Map"],
        [new Error("text"), "an Error"],
        [1n, "a bigint"],
      ] as const) {
        await assert.rejects(session.create(data as unknown as Fields), {
          name: "TypeError",
          message: `Cannot store session data: it is ${kind}, expected an object`,
        });
      }
      assert.deepEqual(await session.get(id), { a: 1 });
    });

    it("of more than 10,000 fields in one update is refused, whichever way they are named", async () => {
      const session = begin();
      const many = (count: number, value: unknown): Fields =>
        Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, value]));
      const id = await session.create({ a: 1 });
      assert.equal(await session.update(id, many(10_000, 1)), true);
      const refused = {
        name: "RangeError",
        message: "Cannot update a session: the change names 10001 fields, expected at most 10000",
      };
      for (const changes of [many(10_001, 2), { ...many(10_000, undefined), b: 1 }]) {
        await assert.rejects(session.update(id, changes), refused);
        await assert.rejects(
          session.update(id, () => changes),
          refused,
        );
      }
      assert.deepEqual(await session.get(id), { a: 1, ...many(10_000, 1) });
    });

    it("of 64 levels and of a megabyte is taken", async () => {
      const session = begin();
      let deep: Fields = {};
      for (let levels = 0; levels < 63; levels++) deep = { deep };
      const data = { ...deep, large: "x".repeat(2 ** 20) };
      assert.deepEqual(await session.get(await session.create(data)), data);
    });
  });
}
