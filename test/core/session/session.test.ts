// Session: the seed's methods and what grew from them, on a MemoryStore.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HarpiaError, MemoryStore, Session } from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";
import { countCalls } from "../../support/counting-store.ts";

interface Visitor {
  userId?: string;
  name?: string;
  role?: string;
  count?: number;
  tags?: string[];
}

// What may come from a request in the place of an id, or from a caller without types.
const NO_IDS: [string, unknown][] = [
  ["undefined", undefined],
  ["null", null],
  ["the empty text", ""],
  ["a number", 42],
  ["an object", {}],
  ["an array of an id", ["A".repeat(32)]],
  ["a path", `../../../../etc/passwd${"A".repeat(10)}`],
  ["a path of an id's length", `/${"A".repeat(31)}`],
  ["NUL in an id", `${"A".repeat(31)}\0`],
  ["a line break in an id", `${"A".repeat(31)}\n`],
  ["unicode of an id's length", "é".repeat(32)],
  ["astral unicode", "💥".repeat(16)],
  ["a character too few", "A".repeat(31)],
  ["a character too many", "A".repeat(33)],
  ["a megabyte", "A".repeat(2 ** 20)],
  ["base64 that is not base64url", `${"A".repeat(31)}+`],
  ["a store key", `68000000.${"A".repeat(43)}`],
  ["an id that is over-age", "A".repeat(32)],
];

/** Remembers a 32-character id of a session that never was: born now. */
function unknownId(): string {
  const bytes = Buffer.alloc(24, 7);
  bytes.writeUInt32BE(Math.floor(Date.now() / 1000));
  return bytes.toString("base64url");
}

describe("Session", () => {
  it("creates ids of 32 characters under which get finds the data", async () => {
    const session = new Session();
    const id = await session.create({ userId: "123" });
    assert.match(id, /^[\w-]{32}$/);
    assert.deepEqual(await session.get(id), { userId: "123" });
  });

  it("keeps a field named __proto__ a field, and gives plain objects", async () => {
    const session = new Session<object>();
    const data: object = JSON.parse('{"__proto__":{"admin":true},"constructor":1}');
    const id = await session.create(data);
    assert.equal(await session.update(id, { a: 1 }), true);
    const found = (await session.get(id)) as Record<string, unknown>;
    assert.deepEqual(Object.keys(found).sort(), ["__proto__", "a", "constructor"]);
    assert.equal(Object.getPrototypeOf(found), Object.prototype);
    assert.equal(found.admin, undefined);
  });

  for (const answersAtOnce of [true, false]) {
    it(`takes what is no id for no session and asks a store ${answersAtOnce ? "with" : "without"} readSync for none of it`, async () => {
      const { store, calls } = countCalls(new MemoryStore<Visitor>(), answersAtOnce);
      const session = new Session<Visitor>({ store });
      for (const [what, value] of NO_IDS) {
        const id = value as string | undefined;
        const headers = new Headers();
        assert.equal(await session.get(id), undefined, what);
        assert.equal(await session.update(id, { role: "admin" }), false, what);
        assert.equal(
          await session.update(id, () => assert.fail("called for no session")),
          false,
          what,
        );
        assert.equal(await session.rotate(id, headers), undefined, what);
        assert.equal(await session.deadlines(id), undefined, what);
        assert.deepEqual(headers.getSetCookie(), [], what);
        assert.equal(await session.delete(id), false, what);
        assert.equal(await session.delete(id, headers), false, what);
        assert.equal(headers.getSetCookie().length, 1, what);
        if (typeof value === "string")
          assert.equal(
            await session.fromRequest({ headers: { cookie: `session_id=${value}` } }),
            undefined,
            what,
          );
      }
      assert.deepEqual(calls, []);
      assert.equal((await store.scan()).sessions.length, 0);
    });

    it(`takes an unknown id for no session and makes none of it, in a store ${answersAtOnce ? "with" : "without"} readSync`, async () => {
      const { store } = countCalls(new MemoryStore<Visitor>(), answersAtOnce);
      const session = new Session<Visitor>({ store });
      const id = unknownId();
      assert.equal(
        await session.fromRequest({ headers: { cookie: `session_id=${id}` } }),
        undefined,
      );
      assert.equal(await session.get(id), undefined);
      assert.equal(await session.update(id, { role: "admin" }), false);
      assert.equal(await session.update(id, () => ({ role: "admin" })), false);
      assert.equal(await session.rotate(id), undefined);
      assert.equal(await session.delete(id), false);
      assert.equal((await store.scan()).sessions.length, 0);
    });
  }

  it("is anonymous for a request without our cookie", async () => {
    const session = new Session();
    for (const headers of [{}, { cookie: "" }, { cookie: "other=1; xsession_id=2" }, new Headers()])
      assert.equal(await session.fromRequest({ headers }), undefined);
  });

  it("finds the session of a request under the name it was given", async () => {
    const session = new Session({ cookieName: "my_custom_cookie" });
    const id = await session.create({ userId: "123" });
    assert.deepEqual(
      await session.fromRequest({ headers: { cookie: `a=1; my_custom_cookie=${id}` } }),
      { userId: "123" },
    );
    assert.equal(await session.fromRequest({ headers: { cookie: `session_id=${id}` } }), undefined);
  });

  it("merges changes: named fields change, others stay, undefined removes", async () => {
    const session = new Session<Visitor>();
    const id = await session.create({ userId: "123", name: "Ada", role: "user", tags: ["a", "b"] });
    assert.equal(await session.update(id, { role: "admin", tags: ["c"] }), true);
    assert.deepEqual(await session.get(id), {
      userId: "123",
      name: "Ada",
      role: "admin",
      tags: ["c"],
    });
    assert.equal(await session.update(id, { role: undefined }), true);
    assert.deepEqual(await session.get(id), { userId: "123", name: "Ada", tags: ["c"] });
    assert.equal(await session.update(id, {}), true);
    assert.equal(await session.update(id, { name: undefined, tags: undefined, count: 0 }), true);
    assert.deepEqual(await session.get(id), { userId: "123", count: 0 });
  });

  it("merges what a function gives, and changes nothing where it gives nothing", async () => {
    const session = new Session<Visitor>();
    const id = await session.create({ name: "Ada", count: 1 });
    assert.equal(
      await session.update(id, ({ count = 0 }) => ({ count: count + 1, name: undefined })),
      true,
    );
    assert.deepEqual(await session.get(id), { count: 2 });
    assert.equal(await session.update(id, () => undefined), true);
    assert.equal(await session.update(id, async () => ({ role: "user" })), true);
    assert.deepEqual(await session.get(id), { count: 2, role: "user" });
  });

  it("takes for a change what a function gives, not what it does to the data it was given", async () => {
    const session = new Session<Visitor>();
    const id = await session.create({ tags: ["a"], role: "user" });
    await session.update(id, (data) => {
      data.tags?.push("b");
      data.role = "admin";
      return { count: 1 };
    });
    assert.deepEqual(await session.get(id), { tags: ["a"], role: "user", count: 1 });
    await session.update(id, ({ tags = [] }) => {
      tags.push("b");
      return { tags };
    });
    assert.deepEqual(await session.get(id), { tags: ["a", "b"], role: "user", count: 1 });
  });

  it("rejects when the function does, and changes nothing", async () => {
    const session = new Session<Visitor>();
    const id = await session.create({ count: 1 });
    const failure = new Error("of the application");
    await assert.rejects(
      session.update(id, () => Promise.reject(failure)),
      failure,
    );
    assert.equal(await session.update(id, ({ count = 0 }) => ({ count: count + 1 })), true);
    assert.deepEqual(await session.get(id), { count: 2 });
  });

  it("refuses a change that JSON would lose, whichever way it comes, and takes no field away", async () => {
    const session = new Session<Record<string, unknown>>();
    for (const change of [{ a: () => 1 }, { a: Symbol("a") }, { a: { toJSON: () => undefined } }]) {
      const blind = await session.create({ a: 1, b: 2 });
      const exact = await session.create({ a: 1, b: 2 });
      const error = { name: "TypeError", message: /^Cannot store field a: .*, expected JSON$/ };
      await assert.rejects(session.update(blind, change), error);
      await assert.rejects(
        session.update(exact, () => change),
        error,
      );
      assert.deepEqual(await session.get(blind), { a: 1, b: 2 });
      assert.deepEqual(await session.get(exact), { a: 1, b: 2 });
    }
  });

  it("loses none of 100 parallel changes of different fields", async () => {
    const session = new Session<Record<string, number>>();
    const id = await session.create({});
    const fields = Array.from({ length: 100 }, (_, at) => `field${at}`);
    const done = await Promise.all(fields.map((field, at) => session.update(id, { [field]: at })));
    assert.deepEqual(new Set(done), new Set([true]));
    assert.deepEqual(
      await session.get(id),
      Object.fromEntries(fields.map((field, at) => [field, at])),
    );
  });

  it("counts exactly under 100 parallel updates by function, beside changes of other fields", async () => {
    for (const answersAtOnce of [true, false]) {
      const { store } = countCalls(new MemoryStore<Visitor>(), answersAtOnce);
      // Two instances, as two processes would be: the queue of one knows nothing of the other's.
      const instances = [new Session<Visitor>({ store }), new Session<Visitor>({ store })];
      const id = await (instances[0] as Session<Visitor>).create({ count: 0 });
      const updates = Array.from({ length: 100 }, (_, at) =>
        instances[at % 2]?.update(id, async ({ count = 0 }) => ({ count: count + 1 })),
      );
      const blind = Array.from({ length: 20 }, (_, at) =>
        instances[at % 2]?.update(id, { role: `role${at}` }),
      );
      await Promise.all([...updates, ...blind]);
      assert.equal((await instances[0]?.get(id))?.count, 100);
    }
  });

  it("keeps a session for one user: a change of user is refused and nothing is written", async () => {
    const session = new Session<Visitor>();
    const refused = (error: unknown): boolean =>
      error instanceof HarpiaError && error.code === "ERR_USER_CHANGED";
    const id = await session.create({ userId: "alice", role: "user" });
    for (const change of [
      { userId: "mallory", role: "admin" },
      { userId: undefined },
      { userId: "" },
    ]) {
      await assert.rejects(session.update(id, change), refused);
      await assert.rejects(
        session.update(id, () => change),
        refused,
      );
    }
    assert.deepEqual(await session.get(id), { userId: "alice", role: "user" });
    assert.equal(await session.update(id, { userId: "alice", role: "admin" }), true);
    const anonymous = await session.create({ role: "guest" });
    await assert.rejects(session.update(anonymous, { userId: "alice" }), refused);
    assert.equal(await session.update(anonymous, { userId: "" }), true);
  });

  it("knows the user by the field or the function it was given", async () => {
    const byField = new Session<{ owner?: number; userId?: string }>({ user: "owner" });
    const id = await byField.create({ owner: 7 });
    assert.equal(await byField.update(id, { userId: "any" }), true);
    await assert.rejects(byField.update(id, { owner: 8 }), { code: "ERR_USER_CHANGED" });
    const byFunction = new Session<{ account: { id: number } }>({
      user: ({ account }) => account.id,
    });
    const other = await byFunction.create({ account: { id: 7 } });
    await assert.rejects(byFunction.update(other, { account: { id: 8 } }), {
      code: "ERR_USER_CHANGED",
    });
    assert.equal(await byFunction.revokeAll("7"), 1);
    assert.equal(await byField.revokeAll("7"), 1);
  });

  it("refuses changes that are no object of fields, and writes nothing", async () => {
    const session = new Session<Visitor>();
    const id = await session.create({ name: "Ada" });
    for (const changes of [null, undefined, 1, "text", [], ["a"], true]) {
      await assert.rejects(
        session.update(id, changes as Visitor),
        { name: "TypeError", message: /^Cannot .*expected an object$/ },
        JSON.stringify(changes),
      );
    }
    assert.deepEqual(await session.get(id), { name: "Ada" });
  });

  it("ends a session once: delete says whether it was live", async () => {
    const session = new Session<Visitor>();
    const id = await session.create({ name: "Ada" });
    assert.deepEqual(
      await Promise.all([session.delete(id), session.delete(id), session.delete(id)]),
      [true, false, false],
    );
    assert.equal(await session.get(id), undefined);
    assert.equal(await session.update(id, { role: "admin" }), false);
    assert.equal(await session.rotate(id), undefined);
    assert.equal(await session.fromRequest({ headers: { cookie: `session_id=${id}` } }), undefined);
  });

  it("rotates: the new id has the data and the limits, the old one is dead", async () => {
    const clock = new ManualClock();
    const session = new Session<Visitor>({ clock });
    const id = await session.create({ userId: "alice", count: 1 });
    const before = await session.deadlines(id);
    clock.advance(10_000);
    const nextId = await session.rotate(id);
    assert.ok(nextId);
    assert.notEqual(nextId, id);
    assert.deepEqual(await session.get(nextId), { userId: "alice", count: 1 });
    assert.deepEqual(await session.deadlines(nextId), before);
    assert.equal(await session.get(id), undefined);
    assert.equal(await session.update(id, { count: 2 }), false);
    assert.equal(await session.delete(id), false);
    assert.equal(await session.revokeAll("alice"), 1);
    assert.equal(await session.get(nextId), undefined);
  });

  it("of parallel rotations gives exactly one a new id", async () => {
    const session = new Session<Visitor>();
    const id = await session.create({ name: "Ada" });
    const ids = (await Promise.all(Array.from({ length: 20 }, () => session.rotate(id)))).filter(
      (next) => next !== undefined,
    );
    assert.equal(ids.length, 1);
    assert.deepEqual(await session.get(ids[0]), { name: "Ada" });
  });

  it("revokes all sessions of a user, but for the excepted and for other users", async () => {
    const session = new Session<Visitor>();
    const alice = await Promise.all(
      Array.from({ length: 100 }, () => session.create({ userId: "alice" })),
    );
    const bob = await session.create({ userId: "bob" });
    const nobody = await session.create({ name: "guest" });
    const [first, second, third] = alice;
    assert.equal(
      await session.revokeAll("alice", {
        except: [first as string, second as string, "malformed"],
      }),
      98,
    );
    assert.equal(await session.get(third), undefined);
    assert.ok((await session.get(first)) && (await session.get(second)));
    assert.equal(await session.revokeAll("alice", { except: first }), 1);
    assert.equal(await session.revokeAll("alice", { except: undefined }), 1);
    assert.equal(await session.revokeAll("alice"), 0);
    assert.equal(await session.revokeAll(""), 0);
    assert.ok((await session.get(bob)) && (await session.get(nobody)));
  });

  it("shows deadlines of a live session and of nothing else", async () => {
    const clock = new ManualClock(1_700_000_000_500);
    const session = new Session<Visitor>({ clock, idleTimeout: 60, absoluteTimeout: 600 });
    const id = await session.create({});
    const createdAt = 1_700_000_000_500;
    assert.deepEqual(await session.deadlines(id), {
      createdAt,
      lastSeenAt: createdAt,
      expiresAt: createdAt + 60_000,
      endsAt: createdAt + 600_000,
    });
    assert.equal(await session.deadlines(unknownId()), undefined);
  });
});
