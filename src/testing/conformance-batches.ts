// Conformance of what takes many sessions at once: patchAll and extendAll. Stores need neither.
import assert from "node:assert/strict";
import { type Bench, type Fields, LIFETIME, type TestRunner } from "./conformance-bench.ts";
import { AWKWARD } from "./conformance-records.ts";

export function batchTests({ it }: TestRunner, bench: Bench): void {
  const created = async (data: Fields): Promise<string> => {
    const key = bench.newKey();
    await bench.store.create(key, bench.session(data));
    return key;
  };
  const dataOf = async (key: string): Promise<Fields | undefined> =>
    (await bench.store.read([key]))[0]?.data;

  it("patchAll, where there is one, answers each patch for itself and in order", async () => {
    if (!bench.store.patchAll) return;
    const [plain, other, revised, facts] = [
      await created({ a: 1 }),
      await created({ a: 1, b: 2 }),
      await created({ a: 1 }),
      await created({ a: 1 }),
    ];
    const outcomes = await bench.store.patchAll([
      { key: bench.newKey(), patch: { set: { a: 2 } } },
      { key: plain, patch: { set: { a: { x: '"\n\u2028' }, c: null } } },
      { key: revised, patch: { set: { a: 2 }, ifRevision: 2 } },
      { key: other, patch: { set: { a: 3 }, unset: ["b"], ifRevision: 1 } },
      { key: facts, patch: { facts: { authenticatedAt: 5 } } },
    ]);
    assert.deepEqual(outcomes, ["missing", "done", "conflict", "done", "done"]);
    assert.deepEqual(await Promise.all([plain, other, revised, facts].map(dataOf)), [
      { a: { x: '"\n\u2028' }, c: null },
      { a: 3 },
      { a: 1 },
      { a: 1 },
    ]);
    const [one, two, three, four] = await bench.store.read([plain, other, revised, facts]);
    assert.deepEqual(
      [one, two, three, four].map((session) => session?.revision),
      [2, 2, 1, 2],
    );
    assert.deepEqual([one?.facts, four?.facts], [undefined, { authenticatedAt: 5 }]);
    assert.deepEqual(await bench.store.patchAll([{ key: plain, patch: {} }]), ["done"]);
    assert.deepEqual(await bench.store.patchAll([]), []);
  });

  it("patchAll holds what patch holds, for hundreds of sessions, and never an ended or expired one", async () => {
    if (!bench.store.patchAll) return;
    const keys = await Promise.all(
      Array.from({ length: 300 }, () => created({ ...AWKWARD, n: -1 })),
    );
    const ended = keys[7] as string;
    await bench.store.remove(ended);
    const patches = keys.map((key, n) => ({
      key,
      patch: { set: { n, text: '\u0000 é 😀 {},"' } },
    }));
    assert.deepEqual(
      await bench.store.patchAll(patches),
      keys.map((key) => (key === ended ? "missing" : "done")),
    );
    const stored = await bench.store.read(keys);
    assert.deepEqual(
      stored.map((session) => session?.data["n"]),
      keys.map((key, n) => (key === ended ? undefined : n)),
    );
    assert.equal(stored[0]?.data["text"], '\u0000 é 😀 {},"');
    bench.clock.advance(LIFETIME);
    assert.ok((await bench.store.patchAll(patches)).every((outcome) => outcome === "missing"));
  });

  it("of patchAll in parallel over the same sessions, in any order, every change is there", async () => {
    const { store } = bench;
    const patchAll = store.patchAll?.bind(store);
    if (!patchAll) return;
    const keys = await Promise.all(Array.from({ length: 20 }, () => created({ kept: true })));
    const orders = [
      keys,
      keys.toReversed(),
      [...keys.slice(9), ...keys.slice(0, 9)],
      keys,
      keys.toReversed(),
    ];
    const answers = await Promise.all(
      orders.map((order, at) =>
        patchAll(order.map((key) => ({ key, patch: { set: { [`from${at}`]: at } } }))),
      ),
    );
    assert.ok(answers.flat().every((outcome) => outcome === "done"));
    for (const key of keys)
      assert.deepEqual(await dataOf(key), {
        kept: true,
        from0: 0,
        from1: 1,
        from2: 2,
        from3: 3,
        from4: 4,
      });
  });

  it("extendAll, where there is one, moves deadlines later, never earlier, each for itself", async () => {
    if (!bench.store.extendAll) return;
    const [first, second] = [await created({ a: 1 }), await created({ a: 1 })];
    const [before] = await bench.store.read([first]);
    assert.ok(before);
    const later = { lastSeenAt: before.lastSeenAt + 1000, expiresAt: before.expiresAt + 1000 };
    const earlier = { lastSeenAt: before.lastSeenAt - 1000, expiresAt: before.expiresAt - 1000 };
    const touches = [
      { key: first, to: later },
      { key: bench.newKey(), to: later },
      { key: second, to: earlier },
    ];
    assert.deepEqual(await bench.store.extendAll(touches), [true, false, true]);
    const [moved, unmoved] = await bench.store.read([first, second]);
    assert.deepEqual(moved, { ...before, ...later });
    assert.deepEqual(
      [unmoved?.lastSeenAt, unmoved?.expiresAt],
      [before.lastSeenAt, before.expiresAt],
    );
    assert.deepEqual(await bench.store.extendAll([]), []);
  });
}
