// Signed ids: what is forged is refused without asking the store; secrets rotate without logging
// anybody out.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryStore, Session } from "../../../src/session.ts";
import { countCalls } from "../../support/counting-store.ts";

const [OLD, NEW] = ["an old secret of more than 32 bytes", "a new secret of more than 32 bytes"];

function setting(...secrets: string[]) {
  const { store, calls } = countCalls(new MemoryStore(), true);
  return { store, calls, session: new Session({ store, secrets }) };
}

describe("Session with secrets", () => {
  it("works as without, with longer ids", async () => {
    const { session } = setting(NEW);
    const id = await session.create({ userId: "1" });
    assert.match(id, /^[\w-]{32}\.[\w-]{43}$/);
    assert.deepEqual(await session.fromRequest({ headers: { cookie: `session_id=${id}` } }), {
      userId: "1",
    });
    assert.equal(await session.update(id, { a: 1 }), true);
    const next = await session.rotate(id);
    assert.deepEqual(
      [await session.get(id), await session.get(next)],
      [undefined, { userId: "1", a: 1 }],
    );
    assert.equal(await session.delete(next), true);
  });

  it("refuses every flipped character, every truncation and the bare id, and asks no store", async () => {
    const { session, calls } = setting(NEW);
    const id = await session.create({ userId: "1" });
    const forged = [
      id.slice(0, 32),
      id.slice(0, 33),
      `${id}A`,
      `${id}=`,
      `${id.slice(0, 32)}.${"A".repeat(43)}`,
    ];
    for (let at = 0; at < id.length; at++)
      for (const char of "AB_.")
        if (char !== id[at]) forged.push(`${id.slice(0, at)}${char}${id.slice(at + 1)}`);
    for (let length = 1; length < id.length; length++) forged.push(id.slice(0, length));
    calls.length = 0;
    const reasons = new Set<string>();
    session.on("refused", ({ reason }) => reasons.add(reason));
    for (const value of forged) {
      assert.equal(await session.get(value), undefined, value);
      assert.equal(
        await session.fromRequest({ headers: { cookie: `session_id=${value}` } }),
        undefined,
        value,
      );
    }
    assert.deepEqual(calls, []);
    assert.deepEqual([...reasons].sort(), ["bad-signature", "malformed"]);
  });

  it("rotates secrets without logging anybody out, and retiring one ends what it signed", async () => {
    const { session: before, store } = setting(OLD);
    const id = await before.create({ userId: "1" });
    const during = new Session({ store, secrets: [NEW, OLD] });
    assert.ok(await during.get(id));
    const newer = await during.create({ userId: "2" });
    assert.equal(await before.get(newer), undefined);
    const after = new Session({ store, secrets: [NEW] });
    assert.deepEqual([await after.get(id), await after.get(newer)], [undefined, { userId: "2" }]);
  });

  it("refuses secrets that are none, and never shows one", () => {
    for (const secrets of [[], ["short"], ["x".repeat(31)], [1], "x".repeat(32)]) {
      assert.throws(
        () => new Session({ secrets: secrets as string[] }),
        (error: Error) =>
          (error instanceof TypeError || error instanceof RangeError) &&
          !error.message.includes("short"),
      );
    }
  });
});
