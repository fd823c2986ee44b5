// A leaked database is not a takeover: what is stored authenticates nobody.
// CS-13; CVE-2019-16782, activerecord-session_store#151, CVE-2011-4136, CVE-2015-3982.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { MemoryStore, Session } from "../../src/session.ts";
import { countCalls } from "../support/counting-store.ts";

const withCookie = (id: string): { headers: { cookie: string } } => ({
  headers: { cookie: `session_id=${id}` },
});

describe("A store that leaks", () => {
  it("holds no id that was issued, under any key and in any record", async () => {
    const store = new MemoryStore<{ userId: string; n?: number }>();
    const session = new Session({ store });
    const issued: string[] = [];
    for (let n = 0; n < 200; n++) {
      const id = await session.create({ userId: `user-${n % 10}` });
      issued.push(id);
      await session.update(id, { n });
      if (n % 3 === 0) issued.push((await session.rotate(id)) ?? assert.fail());
    }
    const sessions = [];
    let cursor: string | undefined;
    do {
      const page = await store.scan(cursor);
      sessions.push(...page.sessions);
      cursor = page.cursor;
    } while (cursor !== undefined);
    assert.equal(sessions.length, 200);
    const dumped =
      JSON.stringify(sessions) +
      inspect(store, { depth: 20, showHidden: true, maxArrayLength: null, maxStringLength: null });
    for (const id of issued) {
      assert.ok(!dumped.includes(id));
      assert.ok(!dumped.includes(Buffer.from(id, "base64url").toString("hex")));
      assert.ok(!dumped.includes(Buffer.from(id, "base64url").subarray(4).toString("hex")));
    }
  });

  it("gives keys that authenticate nobody, whole or in part, and that no store is asked about", async () => {
    const { store, calls } = countCalls(new MemoryStore<{ userId: string }>(), true);
    const session = new Session({ store });
    await session.create({ userId: "alice" });
    const key = (await store.scan()).sessions[0]?.key ?? assert.fail();
    calls.length = 0;
    const [birth = "", hash = ""] = key.split(".");
    for (const value of [
      key,
      hash,
      `${birth}${hash}`,
      `${birth}.${hash}`.slice(0, 32),
      encodeURIComponent(key),
    ]) {
      assert.equal(await session.fromRequest(withCookie(value)), undefined);
      assert.equal(await session.get(value), undefined);
      assert.equal(await session.update(value, { userId: "alice" }), false);
      assert.equal(await session.delete(value), false);
    }
    // A part of a hash that looks like an id is an id of nobody.
    const lookalike = hash.slice(0, 32);
    assert.equal(await session.fromRequest(withCookie(lookalike)), undefined);
    assert.equal((await store.scan()).sessions.length, 1);
  });

  it("has nothing under the empty key that a request could reach", async () => {
    const store = new MemoryStore();
    await store.set("", { userId: "admin" });
    await store.set("undefined", { userId: "admin" });
    const session = new Session({ store });
    for (const id of ["", undefined, "undefined"]) assert.equal(await session.get(id), undefined);
    for (const cookie of [
      "session_id=",
      "session_id",
      "session_id=undefined",
      '=""',
      'session_id=""',
    ])
      assert.equal(await session.fromRequest({ headers: { cookie } }), undefined);
  });
});
