// Conformance of single records: create, read, extend, patch, move, remove.
import assert from "node:assert/strict";
import { type Bench, type Fields, LIFETIME, type TestRunner } from "./conformance-bench.ts";

// What JSON can say and stores have stumbled over.
export const AWKWARD: Fields = {
  emptyText: "",
  emptyList: [],
  emptyObject: {},
  nestedEmpties: [[], {}, [[]], { a: [] }],
  nothing: null,
  no: false,
  zero: 0,
  fraction: -1.5,
  large: 1e21,
  small: 1e-7,
  safe: Number.MAX_SAFE_INTEGER,
  looksLikeNull: "null",
  looksLikeNumber: "007",
  nul: "a\u0000b",
  loneSurrogate: "\ud800",
  emoji: "👩‍👩‍👧 ﷽",
  separators: "\u2028\u2029\r\n\t",
  quotes: `"'\`\\"\\\\`,
  markup: "</script><!--",
  percent: "%s %00 $1 :a ?",
  long: "x".repeat(100_000),
  "": "empty name",
  "a.b": "dot",
  'quo"te': "quote",
  "$[0]": "path",
  "back\\slash": 1,
  "0": "index",
  constructor: "ordinary",
  ["__proto__"]: { polluted: true },
  "naïve ключ 鍵": true,
};

// Each means something in some dialect: a JSON path, a pattern, a placeholder, a comment, an escape.
const NAMES: readonly string[] = [
  ..."-$*~#?%'\"`\\/:.,;|@!&=<>()[]{} \n\t\u0000\u001a\u007f\u2028\ud800é鍵",
  ..."-1 -0 -- -a a- 1-1 0 01 1e5 +1 [0] $.a $[0] $[last] a.b a[0] ** @.a last to null".split(" "),
  ...'NULL ~0041 ~~ \u001a0000 \\u0000 \\" $1 :a %s --x /*!x*/ __proto__ constructor toString'.split(
    " ",
  ),
  "/* x */",
  "; DROP TABLE x; --",
  "👩‍👩‍👧",
  "x".repeat(2000),
  "é".repeat(300),
];

export function recordTests({ it }: TestRunner, bench: Bench, isWhole: boolean): void {
  const itKeepsTime = (name: string, test: () => Promise<void>): unknown =>
    isWhole ? it(name, test) : undefined;
  const created = async (
    data?: Fields,
    more?: Parameters<Bench["session"]>[1],
  ): Promise<string> => {
    const key = bench.newKey();
    const { outcome } = await bench.store.create(key, bench.session(data, more));
    assert.equal(outcome, "created");
    return key;
  };
  const dataOf = async (key: string): Promise<Fields | undefined> =>
    (await bench.store.read([key]))[0]?.data;

  it("create inserts, and read gives back all of it", async () => {
    const key = bench.newKey();
    const facts = {
      device: { userAgent: "x", label: "Firefox on Windows" },
      authenticatedAt: bench.clock.now(),
      idleTimeout: 5,
    };
    const session = isWhole
      ? bench.session({ a: 1 }, { userId: bench.newUser(), facts })
      : bench.session({ a: 1 });
    assert.deepEqual(await bench.store.create(key, session), { outcome: "created", evicted: [] });
    const [stored] = await bench.store.read([key]);
    if (isWhole) assert.deepEqual(stored, { ...session, revision: 1 });
    else assert.deepEqual(stored?.data, session.data);
  });

  it("a session without a user and facts has no such fields", async () => {
    const [stored] = await bench.store.read([await created()]);
    assert.deepEqual(
      Object.keys(stored ?? {}).filter((field) => field === "userId" || field === "facts"),
      [],
    );
  });

  it("create under a key that is taken changes nothing", async () => {
    const key = await created({ a: 1 });
    const [before] = await bench.store.read([key]);
    assert.deepEqual(
      await bench.store.create(key, bench.session({ b: 2 }, { expiresAt: bench.clock.now() + 5 })),
      { outcome: "taken", evicted: [] },
    );
    assert.deepEqual(await bench.store.read([key]), [before]);
  });

  it("of many creates under one key exactly one succeeds", async () => {
    const key = bench.newKey();
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, n) => bench.store.create(key, bench.session({ n }))),
    );
    const winners = results.flatMap(({ outcome }, n) => (outcome === "created" ? [n] : []));
    assert.equal(winners.length, 1);
    assert.deepEqual(await dataOf(key), { n: winners[0] });
  });

  it("read answers in the order of the keys, undefined for what is not there", async () => {
    const [a, b] = [await created({ n: "a" }), await created({ n: "b" })];
    const found = await bench.store.read([b, bench.newKey(), a, b]);
    assert.deepEqual(
      found.map((session) => session?.data["n"]),
      ["b", undefined, "a", "b"],
    );
    assert.deepEqual(await bench.store.read([]), []);
  });

  it("read takes hundreds of keys at once", async () => {
    const keys = await Promise.all(Array.from({ length: 300 }, (_, n) => created({ n })));
    const found = await bench.store.read(keys);
    assert.deepEqual(
      found.map((session) => session?.data["n"]),
      keys.map((_, n) => n),
    );
  });

  it("awkward values and names come back to the letter", async () => {
    const key = await created(AWKWARD);
    assert.deepEqual(await dataOf(key), JSON.parse(JSON.stringify(AWKWARD)));
    const patched = await created({});
    for (const [field, value] of Object.entries(AWKWARD)) {
      assert.equal(
        await bench.store.patch(patched, { set: Object.fromEntries([[field, value]]) }),
        "done",
      );
    }
    assert.deepEqual(await dataOf(patched), JSON.parse(JSON.stringify(AWKWARD)));
    assert.equal(await bench.store.patch(patched, { unset: Object.keys(AWKWARD) }), "done");
    assert.deepEqual(await dataOf(patched), {});
  });

  it("a field of any name is created, changed in every way, and unset", async () => {
    const { store } = bench;
    const one = (name: string, value: unknown): Fields => Object.fromEntries([[name, value]]);
    for (const name of NAMES) {
      const what = JSON.stringify(name.slice(0, 20));
      const key = await created({ ...one(name, 1), other: 1 });
      const is = async (value: unknown): Promise<void> =>
        assert.deepEqual(await dataOf(key), { ...one(name, value), other: 1 }, what);
      await is(1);
      assert.equal(await store.patch(key, { set: one(name, 2) }), "done", what);
      await is(2);
      const { revision } = (await store.read([key]))[0] ?? {};
      const exact = isWhole ? { ifRevision: revision as number } : {};
      assert.equal(await store.patch(key, { set: one(name, { a: [3] }), ...exact }), "done", what);
      await is({ a: [3] });
      // Enough that they are made together.
      const others = await Promise.all(Array.from({ length: 3 }, () => created({ other: 1 })));
      const patches = [key, ...others].map((of) => ({ key: of, patch: { set: one(name, "4") } }));
      const done = patches.map(() => "done");
      assert.deepEqual((await store.patchAll?.(patches)) ?? done, done, what);
      if (store.patchAll) await is("4");
      assert.equal(await store.patch(key, { unset: [name] }), "done", what);
      assert.deepEqual(await dataOf(key), { other: 1 }, what);
      await Promise.all([key, ...others].map((of) => store.remove(of)));
    }
  });

  it("dates are stored as JSON would write them, and undefined fields are none", async () => {
    const key = await created({ at: new Date(0), gone: undefined, list: [{ gone: undefined }] });
    assert.deepEqual(await dataOf(key), { at: "1970-01-01T00:00:00.000Z", list: [{}] });
  });

  it("changing what went in or came out changes nothing that is stored", async () => {
    const data = { list: [1], deep: { a: 1 } };
    const key = await created(data);
    data.list.push(2);
    const set = { more: { b: 1 } };
    await bench.store.patch(key, { set });
    set.more.b = 2;
    const [first, second] = await bench.store.read([key, key]);
    assert.ok(first && second);
    (first.data["list"] as number[]).push(3);
    first.data["added"] = true;
    first.expiresAt = 0;
    const expected = { list: [1], deep: { a: 1 }, more: { b: 1 } };
    assert.deepEqual(second.data, expected);
    assert.deepEqual(await dataOf(key), expected);
  });

  itKeepsTime("a session is never read at or after its deadline, nor changed", async () => {
    const key = await created({ a: 1 });
    bench.clock.advance(LIFETIME - 1);
    assert.deepEqual(await dataOf(key), { a: 1 });
    bench.clock.advance(1);
    assert.equal(await dataOf(key), undefined);
    assert.equal(
      await bench.store.extend(key, {
        lastSeenAt: bench.clock.now(),
        expiresAt: bench.clock.now() + LIFETIME,
      }),
      false,
    );
    assert.equal(await bench.store.patch(key, { set: { b: 2 } }), "missing");
    assert.equal(await bench.store.move(key, bench.newKey(key)), false);
    assert.equal(await bench.store.remove(key), false);
    assert.equal(await dataOf(key), undefined);
    assert.equal((await bench.store.create(key, bench.session({ next: true }))).outcome, "created");
    assert.deepEqual(await dataOf(key), { next: true });
  });

  itKeepsTime("extend moves the deadline later, never earlier, and writes no data", async () => {
    const key = await created({ a: 1 });
    const now = bench.clock.now();
    assert.equal(
      await bench.store.extend(key, { lastSeenAt: now + 50, expiresAt: now + 2 * LIFETIME }),
      true,
    );
    assert.equal(
      await bench.store.extend(key, { lastSeenAt: now + 20, expiresAt: now + LIFETIME + 5 }),
      true,
    );
    const [stored] = await bench.store.read([key]);
    assert.deepEqual(
      [stored?.lastSeenAt, stored?.expiresAt, stored?.revision, stored?.data],
      [now + 50, now + 2 * LIFETIME, 1, { a: 1 }],
    );
    bench.clock.advance(LIFETIME + 1);
    assert.deepEqual(await dataOf(key), { a: 1 });
    assert.equal(
      await bench.store.extend(bench.newKey(), { lastSeenAt: now, expiresAt: now + 9 * LIFETIME }),
      false,
    );
  });

  it("patch merges per field: named ones change, the others stay", async () => {
    const key = await created({ a: 1, b: { x: 1 }, c: 3 });
    assert.equal(
      await bench.store.patch(key, { set: { b: { y: 2 }, d: 4 }, unset: ["c", "absent"] }),
      "done",
    );
    assert.deepEqual(await dataOf(key), { a: 1, b: { y: 2 }, d: 4 });
    assert.equal(await bench.store.patch(key, {}), "done");
    assert.deepEqual(await dataOf(key), { a: 1, b: { y: 2 }, d: 4 });
  });

  it("patch leaves the deadlines alone and makes the revision grow", async () => {
    const key = await created({ a: 1 });
    const [before] = await bench.store.read([key]);
    await bench.store.patch(key, { set: { a: 2 } });
    const [after] = await bench.store.read([key]);
    assert.ok(before && after && after.revision > before.revision);
    assert.deepEqual({ ...after, revision: 0, data: 0 }, { ...before, revision: 0, data: 0 });
  });

  if (isWhole) {
    it("patch replaces the facts whole, alone or with data, and leaves them where it does not name them", async () => {
      const key = bench.newKey();
      await bench.store.create(
        key,
        bench.session({ a: 1 }, { facts: { authenticatedAt: 1, device: { label: "x" } } }),
      );
      const factsOf = async (): Promise<unknown> => (await bench.store.read([key]))[0]?.facts;
      assert.equal(await bench.store.patch(key, { set: { a: 2 } }), "done");
      assert.deepEqual(await factsOf(), { authenticatedAt: 1, device: { label: "x" } });
      const facts = { authenticatedAt: 2, idleTimeout: 7 };
      assert.equal(await bench.store.patch(key, { facts, ifRevision: 2 }), "done");
      facts.authenticatedAt = 3;
      assert.deepEqual(await factsOf(), { authenticatedAt: 2, idleTimeout: 7 });
      assert.equal(await bench.store.patch(key, { facts: {}, ifRevision: 2 }), "conflict");
      assert.equal(
        await bench.store.patch(key, {
          set: { b: 1 },
          unset: ["a"],
          facts: { device: { userAgent: '"\n\u2028' } },
        }),
        "done",
      );
      const [stored] = await bench.store.read([key]);
      assert.deepEqual(
        [stored?.data, stored?.facts, stored?.revision],
        [{ b: 1 }, { device: { userAgent: '"\n\u2028' } }, 4],
      );
      // And where there were none.
      const bare = bench.newKey();
      await bench.store.create(bare, bench.session({ a: 1 }));
      assert.equal(await bench.store.patch(bare, { facts: { authenticatedAt: 5 } }), "done");
      assert.deepEqual((await bench.store.read([bare]))[0]?.facts, { authenticatedAt: 5 });
    });
  }

  it("parallel patches of different fields are all there", async () => {
    const key = await created({ kept: true });
    const fields = Array.from({ length: 50 }, (_, n) => `field${n}`);
    assert.ok(
      (
        await Promise.all(
          fields.map((field) => bench.store.patch(key, { set: { [field]: field } })),
        )
      ).every((outcome) => outcome === "done"),
    );
    assert.deepEqual(await dataOf(key), {
      kept: true,
      ...Object.fromEntries(fields.map((field) => [field, field])),
    });
  });

  it("of parallel patches of one revision exactly one is done, the others conflict", async () => {
    const key = await created({ n: -1 });
    const [stored] = await bench.store.read([key]);
    assert.ok(stored);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        bench.store.patch(key, { set: { n }, ifRevision: stored.revision }),
      ),
    );
    const winners = outcomes.flatMap((outcome, n) => (outcome === "done" ? [n] : []));
    assert.equal(winners.length, 1);
    assert.equal(outcomes.filter((outcome) => outcome === "conflict").length, 19);
    assert.deepEqual(await dataOf(key), { n: winners[0] });
  });

  it("only create creates: patch, extend and move of what is not there do nothing", async () => {
    const key = bench.newKey();
    const next = bench.newKey(key);
    assert.equal(await bench.store.patch(key, { set: { a: 1 } }), "missing");
    assert.equal(await bench.store.patch(key, { set: { a: 1 }, ifRevision: 1 }), "missing");
    assert.equal(await bench.store.move(key, next), false);
    assert.equal(await bench.store.remove(key), false);
    assert.deepEqual(await bench.store.read([key, next]), [undefined, undefined]);
  });

  it("move gives a session another key and leaves the rest of it alone", async () => {
    const key = await created({ a: 1 });
    const next = bench.newKey(key);
    await bench.store.patch(key, { set: { b: 2 } });
    const [before] = await bench.store.read([key]);
    assert.equal(await bench.store.move(key, next), true);
    const [gone, moved] = await bench.store.read([key, next]);
    assert.equal(gone, undefined);
    if (isWhole) assert.deepEqual(moved, before);
    else assert.deepEqual(moved?.data, before?.data);
    assert.equal(await bench.store.patch(key, { set: { c: 3 } }), "missing");
    assert.equal(await bench.store.move(key, bench.newKey(key)), false);
    assert.equal(await bench.store.patch(next, { set: { c: 3 } }), "done");
  });

  it("move onto a key that is taken changes nothing", async () => {
    const [a, b] = [await created({ n: "a" }), await created({ n: "b" })];
    assert.equal(await bench.store.move(a, b), false);
    assert.equal(await bench.store.move(a, a), false);
    assert.deepEqual([await dataOf(a), await dataOf(b)], [{ n: "a" }, { n: "b" }]);
  });

  it("of parallel moves exactly one wins", async () => {
    const key = await created({ a: 1 });
    const targets = Array.from({ length: 20 }, () => bench.newKey(key));
    const won = await Promise.all(targets.map((target) => bench.store.move(key, target)));
    assert.equal(won.filter(Boolean).length, 1);
    const found = await bench.store.read([key, ...targets]);
    assert.deepEqual(found.map(Boolean), [false, ...won]);
  });

  it("of parallel removes exactly one is true, and the session is gone for every method", async () => {
    const key = await created({ a: 1 });
    const removed = await Promise.all(Array.from({ length: 20 }, () => bench.store.remove(key)));
    assert.equal(removed.filter(Boolean).length, 1);
    assert.equal(await bench.store.patch(key, { set: { b: 1 } }), "missing");
    assert.equal(await bench.store.move(key, bench.newKey(key)), false);
    assert.deepEqual(await bench.store.read([key]), [undefined]);
  });

  it("remove against patch, extend and move in parallel leaves nothing", async () => {
    for (let round = 0; round < 20; round++) {
      const key = await created({ a: 1 });
      const next = bench.newKey(key);
      const now = bench.clock.now();
      const [, , , removed, moved] = await Promise.all([
        bench.store.patch(key, { set: { b: 1 } }),
        isWhole
          ? bench.store.extend(key, { lastSeenAt: now, expiresAt: now + 2 * LIFETIME })
          : true,
        bench.store.patch(key, { set: { c: 1 } }),
        bench.store.remove(key),
        bench.store.move(key, next),
      ]);
      assert.notEqual(removed, moved);
      const [old, current] = await bench.store.read([key, next]);
      assert.equal(old, undefined);
      assert.equal(current !== undefined, moved);
    }
  });
}
