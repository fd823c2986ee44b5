// Renewal: one successor, an overlap for requests in flight, and a superseded id that betrays
// itself.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  MemoryStore,
  Session,
  type SessionEvents,
  type SessionOptions,
} from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";

interface Data extends Record<string, unknown> {
  userId?: string;
  n?: number;
}

const EVERY = 900;
const OVERLAP = 60;

function setUp(options: SessionOptions<Data> = {}) {
  const clock = new ManualClock();
  const store = new MemoryStore<Data>({ clock });
  const session = new Session<Data>({
    store,
    clock,
    renewEvery: EVERY,
    renewOverlap: OVERLAP,
    ...options,
  });
  const told: unknown[] = [];
  for (const name of ["renewed", "refused", "ended", "rotated"] as const)
    session.on(name, (event: SessionEvents[typeof name]) => told.push([name, event]));
  const request = (id: string) => ({ headers: { cookie: `session_id=${id}` } });
  /** One request that reads. @returns the id that its response sets, and what it read. */
  const visit = async (id: string): Promise<{ id: string | undefined; data: Data | undefined }> => {
    const own = session.open(request(id));
    const data = await own.data;
    if (own.hasChanges) await own.commit();
    const res = new Headers();
    own.writeTo(res);
    return { id: res.getSetCookie()[0]?.slice("session_id=".length).split(";")[0], data };
  };
  return { clock, store, session, told, visit, request };
}

describe("Renewal", () => {
  it("gives a new id when it is due, in a response, and not before", async () => {
    const { clock, session, visit, told } = setUp();
    const first = await session.create({ userId: "a", n: 1 });
    clock.advance(EVERY * 1000 - 1);
    assert.deepEqual(await visit(first), { id: undefined, data: { userId: "a", n: 1 } });
    clock.advance(1);
    const { id: second } = await visit(first);
    assert.ok(second && second !== first);
    assert.deepEqual(await session.get(second), { userId: "a", n: 1 });
    assert.deepEqual(
      told.map((one) => (one as [string])[0]),
      ["renewed"],
    );
    // And again, with the next.
    assert.equal((await visit(second)).id, undefined);
    clock.advance(EVERY * 1000);
    const { id: third } = await visit(second);
    assert.ok(third && third !== second && third !== first);
    assert.equal((await session.list("a")).length, 1);
  });

  it("admits a request for as long as it takes, by what its id was when it began", async () => {
    const { clock, session, visit, request, told } = setUp();
    const first = await session.create({ userId: "a", n: 1 });
    const [read, unread] = [session.open(request(first)), session.open(request(first))];
    const plain = request(first);
    assert.equal(await read.get("n"), 1);
    assert.ok(await session.userFromRequest(plain));
    // They stream: no response of theirs can carry another id any more.
    read.seal();
    unread.seal();
    clock.advance(EVERY * 1000);
    const { id: second } = await visit(first);
    await visit(second as string);
    clock.advance(EVERY * 1000 - 1);
    told.length = 0;
    read.set("n", 2);
    await read.commit();
    assert.equal(await unread.get("n"), 2);
    assert.equal(await session.update(plain, { n: 3 }), true);
    await session.requireFresh(plain, 2 * EVERY);
    await unread.requireFresh(2 * EVERY);
    assert.deepEqual(
      (await unread.list()).map(({ isCurrent }) => isCurrent),
      [true],
    );
    assert.equal((await unread.watch()).aborted, false);
    assert.equal((await session.get(second))?.n, 3);
    assert.deepEqual(told, []);
    // And whoever comes with it now is late.
    assert.equal((await visit(first)).data, undefined);
  });

  it("does not take its own second commit for a client that has the new id: a lost response costs nothing", async () => {
    const { clock, session, visit, request } = setUp();
    const first = await session.create({ userId: "a" });
    clock.advance(EVERY * 1000);
    const lost = session.open(request(first));
    await lost.data;
    // It commits what there is before it asks the store.
    await lost.update(() => ({ n: 1 }));
    await lost.commit();
    const { id: second } = await visit(first);
    clock.advance(OVERLAP * 1000);
    assert.deepEqual((await visit(second as string)).data, { userId: "a", n: 1 });
  });

  it("keeps the absolute limit, the handle, the data and the user", async () => {
    const { clock, session } = setUp();
    const first = await session.create({ userId: "a", n: 1 });
    const [before] = await session.list("a");
    clock.advance(EVERY * 1000);
    const second = await session.renew(first);
    const [after] = await session.list("a", { current: second });
    assert.deepEqual({ ...after, isCurrent: false }, before);
    assert.equal(after?.isCurrent, true);
  });

  it("gives two that renew at once the same successor, a thousand times, and logs nobody out", async () => {
    const { clock, session, visit, told } = setUp();
    let id = await session.create({ userId: "a" });
    for (let round = 0; round < 1000; round++) {
      clock.advance(EVERY * 1000);
      const [one, other] = await Promise.all([visit(id), visit(id)]);
      assert.ok(one.data && other.data);
      assert.equal(one.id, other.id);
      assert.ok(one.id && one.id !== id);
      // A request in flight has the former id still.
      const late = await visit(id);
      assert.deepEqual([late.data, late.id], [{ userId: "a" }, one.id]);
      id = one.id;
      assert.ok((await visit(id)).data);
    }
    assert.deepEqual(
      told.filter((one) => (one as [string])[0] !== "renewed"),
      [],
    );
    assert.equal(told.length, 1000);
  });

  it("finds the session by the former id for the overlap, and gives its successor until that was seen", async () => {
    const { clock, session, visit } = setUp();
    const first = await session.create({ userId: "a" });
    clock.advance(EVERY * 1000);
    const { id: second } = await visit(first);
    // The response was lost: it comes again.
    clock.advance(OVERLAP * 500);
    assert.equal((await visit(first)).id, second);
    assert.ok((await visit(second as string)).data);
    const late = await visit(first);
    assert.deepEqual([late.data, late.id], [{ userId: "a" }, undefined]);
    assert.equal(await session.update(first, { n: 2 }), true);
    assert.equal((await session.get(first))?.n, 2);
  });

  for (const onSuperseded of ["revoke", "report"] as const) {
    it(`tells of a superseded id after the overlap, each time, and does what ${onSuperseded} says`, async () => {
      const { clock, session, visit, told } = setUp({ onSuperseded });
      for (let round = 0; round < 20; round++) {
        const first = await session.create({ userId: "a" });
        clock.advance(EVERY * 1000);
        const { id: second } = await visit(first);
        await visit(second as string);
        clock.advance(OVERLAP * 1000);
        told.length = 0;
        assert.deepEqual(await visit(first), { id: undefined, data: undefined });
        const names = told.map((one) => [
          (one as [string])[0],
          (one as [string, { reason: string }])[1].reason,
        ]);
        assert.deepEqual(
          names,
          onSuperseded === "revoke"
            ? [
                ["refused", "superseded"],
                ["ended", "superseded-reuse"],
              ]
            : [["refused", "superseded"]],
        );
        assert.equal(JSON.stringify(told).includes(first.slice(8)), false);
        assert.equal((await session.get(second)) !== undefined, onSuperseded === "report");
      }
    });
  }

  it("refuses a superseded id whatever it is used for", async () => {
    const uses: Record<string, (session: Session<Data>, id: string) => Promise<unknown>> = {
      get: (session, id) => session.get(id),
      update: (session, id) => session.update(id, { n: 9 }),
      "update with a function": (session, id) => session.update(id, () => ({ n: 9 })),
      delete: (session, id) => session.delete(id),
      rotate: (session, id) => session.rotate(id),
      reauthenticate: (session, id) => session.reauthenticate(id),
      renew: (session, id) => session.renew(id),
      deadlines: (session, id) => session.deadlines(id),
      fromRequest: (session, id) =>
        session.fromRequest({ headers: { cookie: `session_id=${id}` } }),
    };
    for (const [name, use] of Object.entries(uses)) {
      const { clock, session, visit, told } = setUp({ onSuperseded: "report" });
      const first = await session.create({ userId: "a", n: 1 });
      clock.advance(EVERY * 1000);
      const { id: second } = await visit(first);
      await visit(second as string);
      clock.advance(EVERY * 1000 - 1);
      told.length = 0;
      assert.ok([undefined, false].includes((await use(session, first)) as undefined), name);
      assert.deepEqual(
        told.map((one) => (one as [string])[0]),
        ["refused"],
        name,
      );
      assert.deepEqual(await session.get(second), { userId: "a", n: 1 }, name);
    }
  });

  it("takes what only looks like a renewed id for a theft as well: who made it knows the first", async () => {
    const { session } = setUp();
    const id = await session.create({ userId: "a" });
    assert.equal(await session.get(`${id}${"x".repeat(27)}`), undefined);
    assert.equal(await session.get(id), undefined);
  });

  it("refuses what is no id without asking the store", async () => {
    const { session, store } = setUp();
    const id = await session.create({ userId: "a" });
    let asked = 0;
    Object.defineProperty(store, "readSync", { value: () => void asked++ });
    for (const bad of [
      `${id}x`,
      `${id}${"x".repeat(26)}`,
      `${id}${"x".repeat(28)}`,
      `${id}${"!".repeat(27)}`,
    ])
      assert.equal(await session.get(bad), undefined);
    assert.equal(asked, 0);
  });

  it("rotates a renewed session: every former id is dead, and the new one is renewed in its turn", async () => {
    const { clock, session, visit } = setUp({ onSuperseded: "report" });
    const first = await session.create({ userId: "a" });
    clock.advance(EVERY * 1000);
    const { id: second } = await visit(first);
    // By the id of a request in flight.
    const third = await session.rotate(first);
    assert.ok(third);
    assert.deepEqual(
      [await session.get(first), await session.get(second), await session.get(third)],
      [undefined, undefined, { userId: "a" }],
    );
    const fourth = await session.rotate(third);
    assert.deepEqual(
      [await session.get(third), await session.get(fourth)],
      [undefined, { userId: "a" }],
    );
    clock.advance(EVERY * 1000);
    const { id: fifth } = await visit(fourth as string);
    assert.ok(fifth);
    assert.deepEqual(await session.get(fifth), { userId: "a" });
  });

  it("signs renewed ids as well", async () => {
    const { clock, session, visit } = setUp({
      secrets: ["a secret of this test, of 32 bytes and more"],
    });
    const first = await session.create({ userId: "a" });
    clock.advance(EVERY * 1000);
    const { id: second } = await visit(first);
    assert.ok(second && second.includes("."));
    assert.deepEqual((await visit(second)).data, { userId: "a" });
    assert.equal(await session.get(second.slice(0, second.lastIndexOf("."))), undefined);
    assert.equal(await session.get(`${first.slice(0, 32)}${second.slice(32)}x`), undefined);
    assert.ok(await session.get(second));
  });

  it("needs no key to find: a leaked record makes no id", async () => {
    const { clock, session, store, visit } = setUp();
    const first = await session.create({ userId: "a" });
    clock.advance(EVERY * 1000);
    const { id: second } = await visit(first);
    const dump = JSON.stringify((await store.scan()).sessions);
    assert.equal(dump.includes(first), false);
    assert.equal(dump.includes((second as string).slice(32)), false);
  });

  it("stays away from responses that are on their way, and from requests that failed", async () => {
    const { clock, session, request } = setUp();
    const id = await session.create({ userId: "a" });
    clock.advance(EVERY * 1000);
    const sealed = session.open(request(id));
    await sealed.data;
    sealed.seal();
    assert.equal(sealed.hasChanges, false);
    const failed = session.open(request(id));
    await failed.data;
    await failed.discard();
    const res = new Headers();
    failed.writeTo(res);
    assert.deepEqual(res.getSetCookie(), []);
    assert.equal(await session.renew(id).then((next) => next !== id), true);
  });

  it("sends the persistent cookie of a session that has one", async () => {
    const { clock, session, request } = setUp({ longestTimeout: 90 * 86_400 });
    const own = session.open({ headers: {} });
    await own.login({ userId: "a" }, { absoluteTimeout: 90 * 86_400, persistent: true });
    const login = new Headers();
    own.writeTo(login);
    assert.match(login.getSetCookie()[0] as string, /Max-Age=7776000/);
    const id = login.getSetCookie()[0]?.slice("session_id=".length).split(";")[0] as string;
    clock.advance(EVERY * 1000);
    const later = session.open(request(id));
    await later.data;
    await later.commit();
    const renewed = new Headers();
    later.writeTo(renewed);
    assert.match(renewed.getSetCookie()[0] as string, new RegExp(`Max-Age=${7_776_000 - EVERY};`));
    const direct = new Headers();
    clock.advance(EVERY * 1000);
    await session.renew(
      renewed.getSetCookie()[0]?.slice("session_id=".length).split(";")[0],
      direct,
    );
    // The successor was not seen yet: this notes it, and sends nothing.
    assert.deepEqual(direct.getSetCookie(), []);
  });

  it("says at construction what makes no sense", () => {
    const plain = { get: async () => undefined, set: async () => {}, delete: async () => {} };
    assert.throws(() => new Session({ store: plain, renewEvery: 900 }), {
      name: "TypeError",
      message: /renewEvery/,
    });
    assert.throws(() => new Session({ renewEvery: 1 }), RangeError);
    assert.throws(() => new Session({ renewEvery: 60, renewOverlap: 60 }), {
      name: "RangeError",
      message: /below renewEvery/,
    });
    // @ts-expect-error: no such policy.
    assert.throws(() => new Session({ onSuperseded: "ignore" }), TypeError);
    assert.deepEqual(
      [new Session({ renewEvery: 90 }).policy.renewOverlap, new Session().policy.renewEvery],
      [45, false],
    );
  });
});
