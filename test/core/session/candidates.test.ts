// Several cookies with our name, as after a deploy that changed Path, Domain or Partitioned, or
// from a sibling domain: judged by the sessions that they lead to and whose these are, never by
// their order.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  MemoryStore,
  Session,
  type SessionEvents,
  type SessionOptions,
} from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";
import { countCalls } from "../../support/counting-store.ts";

interface Data {
  userId?: string;
  n?: number;
}

const request = (...ids: (string | undefined)[]): { headers: { cookie: string } } => ({
  headers: { cookie: ids.map((id) => `session_id=${id}`).join("; ") },
});

function setUp(options: SessionOptions<Data> = {}, answersAtOnce = true) {
  const clock = new ManualClock();
  const { store, calls } = countCalls(new MemoryStore<Data>({ clock }), answersAtOnce);
  const session = new Session<Data>({ clock, store, ...options });
  const refused: SessionEvents["refused"][] = [];
  session.on("refused", (event) => refused.push(event));
  return { clock, session, refused, calls };
}

for (const answersAtOnce of [true, false]) {
  describe(`Several cookies, in a store ${answersAtOnce ? "with" : "without"} readSync`, () => {
    it("of one user give the youngest session, in every order, and no alarm", async () => {
      const { clock, session, refused } = setUp({}, answersAtOnce);
      const ids: string[] = [];
      for (const n of [1, 2, 3]) {
        ids.push(await session.create({ userId: "1", n }));
        clock.advance(1000);
      }
      for (const order of [
        [0, 1, 2],
        [2, 1, 0],
        [1, 2, 0],
      ]) {
        assert.deepEqual(await session.fromRequest(request(...order.map((at) => ids[at]))), {
          userId: "1",
          n: 3,
        });
      }
      assert.deepEqual(refused, []);
    });

    it("of two users are nobody, and that is told", async () => {
      const { session, refused } = setUp({}, answersAtOnce);
      const ids = [await session.create({ userId: "1" }), await session.create({ userId: "2" })];
      assert.equal(await session.fromRequest(request(...ids)), undefined);
      assert.deepEqual(refused, [{ reason: "duplicate" }]);
    });

    it("of a user and of visitors are the user's: a visitor is nobody", async () => {
      const { session } = setUp({}, answersAtOnce);
      const visitors = [await session.create({ n: 1 }), await session.create({ n: 2 })];
      const id = await session.create({ userId: "1" });
      for (const order of [
        [id, ...visitors],
        [...visitors, id],
      ]) {
        assert.deepEqual(await session.userFromRequest(request(...order)), { userId: "1" });
      }
      assert.equal(await session.fromRequest(request(...visitors)), undefined);
    });

    it("count as activity of the one that is found, and of no other", async () => {
      const { clock, session } = setUp({ idleTimeout: 900 }, answersAtOnce);
      const former = await session.create({ userId: "1" });
      clock.advance(1000);
      const id = await session.create({ userId: "1" });
      for (let minutes = 0; minutes < 20; minutes++) {
        clock.advance(60_000);
        assert.ok(await session.fromRequest(request(former, id)));
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.equal(await session.get(former), undefined);
    });

    it("that are no sessions lock nobody out, up to 32 of them", async () => {
      const { session } = setUp({}, answersAtOnce);
      const planted = await Promise.all(
        Array.from({ length: 31 }, () => new Session<Data>().create({ userId: "m" })),
      );
      const id = await session.create({ userId: "1" });
      for (const order of [
        [...planted, id],
        [id, ...planted],
      ]) {
        assert.deepEqual(await session.fromRequest(request(...order)), { userId: "1" });
      }
      // What does not look like an id does not count.
      const junk = Array.from({ length: 200 }, (_, n) => `junk-${n}`);
      assert.deepEqual(await session.fromRequest(request(...junk, ...planted, id)), {
        userId: "1",
      });
    });

    it("are all read in one call of the store", async () => {
      const { session, calls } = setUp({}, answersAtOnce);
      const ids = await Promise.all(
        Array.from({ length: 8 }, () => new Session<Data>().create({ userId: "m" })),
      );
      const id = await session.create({ userId: "1" });
      calls.length = 0;
      assert.ok(await session.fromRequest(request(...ids, id)));
      if (!answersAtOnce) assert.deepEqual(calls, ["read"]);
    });
  });
}

describe("Several ids of one session", () => {
  it("are no ambiguity, and a current one beside its predecessor is no theft", async () => {
    const { clock, session, refused } = setUp({ renewEvery: 900 });
    const first = await session.create({ userId: "1" });
    let current = first;
    const ids = [first];
    // As after a deploy that changed the cookie's Path: each renewal writes the new cookie, and the
    // first one stays.
    for (let times = 0; times < 4; times++) {
      clock.advance(900_000);
      const own = session.open(request(first, current));
      assert.deepEqual(await own.user, { userId: "1" });
      await own.commit();
      const headers = new Headers();
      own.writeTo(headers);
      current = headers.getSetCookie()[0]?.slice("session_id=".length).split(";")[0] ?? current;
      ids.push(current);
    }
    assert.ok(new Set(ids).size > 2);
    clock.advance(120_000);
    assert.deepEqual(await session.fromRequest(request(...ids)), { userId: "1" });
    assert.equal(refused.length, 0);
    // Alone a superseded one betrays a theft, as ever.
    assert.equal(await session.fromRequest(request(first)), undefined);
    assert.equal(refused[0]?.reason, "superseded");
  });
});

describe("Signed ids", () => {
  const secrets = Array.from(
    { length: 4 },
    (_, n) => `${n}`.repeat(8) + "0123456789abcdefghijklmnopqrstuvwxyz",
  );

  it("that nobody signed lock nobody out", async () => {
    const { session } = setUp({ secrets });
    const id = await session.create({ userId: "1" });
    const forged = Array.from(
      { length: 20 },
      (_, n) => `${id.slice(0, 30)}${String(n).padStart(2, "0")}.${id.slice(33)}`,
    );
    assert.deepEqual(await session.fromRequest(request(...forged, id)), { userId: "1" });
  });

  it("beyond 32 are refused before one signature is looked at", async () => {
    const { session, refused } = setUp({ secrets });
    const id = await session.create({ userId: "1" });
    const forged = Array.from(
      { length: 200 },
      (_, n) => `${id.slice(0, 28)}${String(n).padStart(4, "0")}.${id.slice(33)}`,
    );
    assert.equal(await session.fromRequest(request(...forged)), undefined);
    // A signature that was looked at and is none is told as such.
    assert.deepEqual(refused, [{ reason: "duplicate" }]);
  });
});

describe("Signing in", () => {
  it("helps whatever cookies the browser keeps beside the new one, and ends the sessions that they name", async () => {
    const { session } = setUp();
    const stale = [
      await session.create({ userId: "1" }),
      await session.create({ userId: "2" }),
      await session.create({ n: 1 }),
    ];
    const own = session.open(request(...stale));
    assert.equal(await own.user, undefined);
    await own.login({ userId: "1" });
    const headers = new Headers();
    own.writeTo(headers);
    const id = headers.getSetCookie()[0]?.slice("session_id=".length).split(";")[0];
    assert.deepEqual(await session.userFromRequest(request(...stale, id)), { userId: "1" });
    for (const former of stale) assert.equal(await session.get(former), undefined);
  });

  it("by create and setCookie helps where the browser keeps a stale cookie of the same user", async () => {
    const { clock, session } = setUp();
    const old = await session.create({ userId: "1" });
    for (let n = 0; n < 3; n++) {
      clock.advance(1000);
      const fresh = await session.create({ userId: "1", n });
      assert.deepEqual(await session.fromRequest(request(old, fresh)), { userId: "1", n });
    }
  });
});
