// Conformance of `move` with facts: another key and other facts in one step, or neither.
import assert from "node:assert/strict";
import type { Bench, Fields, TestRunner } from "./conformance-bench.ts";

export function moveTests({ it }: TestRunner, bench: Bench): void {
  const created = async (data: Fields, more: Parameters<Bench["session"]>[1]): Promise<string> => {
    const key = bench.newKey();
    assert.equal((await bench.store.create(key, bench.session(data, more))).outcome, "created");
    return key;
  };

  it("move replaces the facts whole in the same step where it is given some, and neither data nor revision", async () => {
    for (const facts of [undefined, { device: { label: "x" }, authenticatedAt: 1 }]) {
      const user = bench.newUser();
      const key = await created({ a: 1 }, { userId: user, ...(facts && { facts }) });
      const next = bench.newKey(key);
      await bench.store.patch(key, { set: { b: 2 } });
      const [before] = await bench.store.read([key]);
      const given = {
        authenticatedAt: 2,
        device: { label: '\u0000 ","userId":"mallory" \u2028 鍵' },
      };
      const moving = bench.store.move(key, next, given);
      given.authenticatedAt = 3;
      assert.equal(await moving, true);
      const expected = { ...before, facts: { ...given, authenticatedAt: 2 } };
      assert.deepEqual(await bench.store.read([key, next]), [undefined, expected]);
      assert.deepEqual(await bench.store.listByUser(user), [{ key: next, session: expected }]);
      // And on, without any: they stay.
      const last = bench.newKey(next);
      assert.equal(await bench.store.move(next, last), true);
      assert.deepEqual(await bench.store.read([last]), [expected]);
      assert.equal(
        await bench.store.patch(last, { set: { b: 3 }, facts: { authenticatedAt: 4 } }),
        "done",
      );
      assert.deepEqual((await bench.store.read([last]))[0]?.facts, { authenticatedAt: 4 });
    }
  });

  it("move that does not come about leaves the facts alone", async () => {
    const [a, b] = [
      await created({ n: "a" }, { facts: { authenticatedAt: 1 } }),
      await created({ n: "b" }, { facts: { authenticatedAt: 2 } }),
    ];
    assert.equal(await bench.store.move(a, b, { authenticatedAt: 9 }), false);
    assert.equal(
      await bench.store.move(bench.newKey(a), bench.newKey(a), { authenticatedAt: 9 }),
      false,
    );
    assert.deepEqual(
      (await bench.store.read([a, b])).map((session) => session?.facts),
      [{ authenticatedAt: 1 }, { authenticatedAt: 2 }],
    );
  });
}
