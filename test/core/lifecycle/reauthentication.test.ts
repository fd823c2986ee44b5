// What people do with a live session: prove once more who they are, be remembered on a device, end
// everything.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toStoreKey } from "../../../src/core/ids/session-id.ts";
import { MemoryStore, Session, type SessionEvents } from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";
import { aborted } from "../../support/waits.ts";

type Data = { userId?: string; n?: number };

function setUp() {
  const clock = new ManualClock();
  const store = new MemoryStore<Data>({ clock });
  return { clock, store, session: new Session<Data>({ store, clock, absoluteTimeout: 86_400 }) };
}

describe("Session.reauthenticate", () => {
  it("makes the session fresh, keeps its data and limits, and gives it a new id", async () => {
    const { clock, session } = setUp();
    const id = await session.create({ userId: "a", n: 1 });
    const before = await session.deadlines(id);
    clock.advance(600_000);
    await assert.rejects(session.requireFresh(id, 300), { code: "ERR_NOT_FRESH" });
    const res = new Headers();
    const next = await session.reauthenticate(id, res);
    assert.ok(next && next !== id);
    assert.match(res.getSetCookie()[0] as string, new RegExp(`^session_id=${next};`));
    await session.requireFresh(next, 300);
    assert.deepEqual(await session.get(next), { userId: "a", n: 1 });
    assert.equal(await session.get(id), undefined);
    assert.equal((await session.deadlines(next))?.endsAt, before?.endsAt);
    // Neither activity nor updates make it fresh again, nor does a rotation.
    clock.advance(301_000);
    await session.update(next, { n: 2 });
    await session.fromRequest({ headers: { cookie: `session_id=${next}` } });
    const rotated = await session.rotate(next);
    await assert.rejects(session.requireFresh(rotated, 300), { code: "ERR_NOT_FRESH" });
  });

  it("is of no session where there is none", async () => {
    const { session } = setUp();
    const res = new Headers();
    assert.equal(await session.reauthenticate(undefined, res), undefined);
    assert.equal(await session.reauthenticate("A".repeat(32), res), undefined);
    assert.deepEqual(res.getSetCookie(), []);
  });

  it("is not to be had of a three-method store, whose session stays under its id", async () => {
    const kept = new Map<string, Data>();
    const session = new Session<Data>({
      store: {
        get: async (id) => kept.get(id),
        set: async (id, data) => void kept.set(id, data),
        delete: async (id) => void kept.delete(id),
      },
    });
    const id = await session.create({ userId: "a" });
    await assert.rejects(session.reauthenticate(id), { code: "ERR_STORE_UNSUPPORTED" });
    assert.deepEqual(await session.get(id), { userId: "a" });
  });

  it("works on a request's session too, and keeps its own limits and device", async () => {
    const { clock, session, store } = setUp();
    const id = await session.create(
      { userId: "a" },
      { idleTimeout: 3600, device: { label: "Firefox on Windows" } },
    );
    clock.advance(600_000);
    const own = session.open({ headers: { cookie: `session_id=${id}` } });
    assert.equal(await own.reauthenticate(), true);
    await own.commit();
    const res = new Headers();
    own.writeTo(res);
    const next = res.getSetCookie()[0]?.slice("session_id=".length).split(";")[0];
    await session.requireFresh(next, 60);
    await own.requireFresh(60);
    await assert.rejects(session.open({ headers: {} }).requireFresh(60), { code: "ERR_NOT_FRESH" });
    const [record] = (await store.scan()).sessions;
    assert.deepEqual(record?.session.facts, {
      idleTimeout: 3600,
      device: { label: "Firefox on Windows" },
      origin: toStoreKey(id),
      authenticatedAt: clock.now(),
    });
    clock.advance(61_000);
    await assert.rejects(own.requireFresh(60), { code: "ERR_NOT_FRESH" });
  });
});

describe("Session.revokeEverything", () => {
  it("ends everybody's sessions, tells, and hinders nobody who comes after", async () => {
    const { session } = setUp();
    const told: SessionEvents["revoked"][] = [];
    session.on("revoked", (event) => told.push(event));
    const ids = [
      await session.create({ userId: "a" }),
      await session.create({ userId: "b" }),
      await session.create({}),
    ];
    const signal = session.watch(ids[0]);
    await session.revokeEverything();
    await aborted(signal);
    for (const id of ids) assert.equal(await session.get(id), undefined);
    assert.deepEqual(told, [{}]);
    assert.ok(await session.get(await session.create({ userId: "a" })));
  });

  it("is not to be had of a three-method store", async () => {
    const session = new Session({
      store: { get: async () => undefined, set: async () => {}, delete: async () => {} },
    });
    await assert.rejects(session.revokeEverything(), { code: "ERR_STORE_UNSUPPORTED" });
    await assert.rejects(session.create({ userId: "a" }, { device: { ip: "::1" } }), TypeError);
    await assert.rejects(session.create({ userId: "a" }, { persistent: true }), TypeError);
  });
});

describe("The device of a session", () => {
  it("is what the option takes from the request, for sessions that begin in it, and is listed", async () => {
    const clock = new ManualClock();
    const session = new Session<Data>({
      store: new MemoryStore<Data>({ clock }),
      clock,
      device: () => ({ label: "Firefox on Windows", ip: "::1" }),
    });
    const own = session.open({ headers: {} });
    await own.login({ userId: "a" });
    const [listed] = await session.list("a");
    assert.deepEqual(listed?.device, { label: "Firefox on Windows", ip: "::1" });
    await session.create({ userId: "b" });
    assert.equal((await session.list("b"))[0]?.device, undefined);
  });

  it("is kept as it was when the session began", async () => {
    const { session } = setUp();
    const device = { label: "a" };
    const creating = session.create({ userId: "a" }, { device });
    device.label = "b";
    await creating;
    assert.equal((await session.list("a"))[0]?.device?.label, "a");
  });
});

describe("Session.policy", () => {
  it("tells what holds, defaults filled in", () => {
    const { session } = setUp();
    assert.deepEqual(session.policy, {
      idleTimeout: 86_400,
      absoluteTimeout: 86_400,
      longestTimeout: 86_400,
      touchInterval: 60,
      renewEvery: false,
      renewOverlap: 60,
      onSuperseded: "revoke",
      maxPerUser: false,
      secrets: 0,
      transport: "cookie",
      cookie: {
        name: "session_id",
        path: "/",
        httpOnly: true,
        secure: true,
        sameSite: "lax",
        maxAge: undefined,
        expires: undefined,
      },
      nearCache: false,
      storeTimeout: 5,
      store: "MemoryStore",
    });
  });
});

describe("A user's name", () => {
  it("has to be one, or nobody's sessions would be everybody's", async () => {
    const { session } = setUp();
    // @ts-expect-error: no name.
    await assert.rejects(session.revokeAll(undefined), {
      name: "TypeError",
      message: /by user: it is undefined/,
    });
    // @ts-expect-error: no name.
    await assert.rejects(session.list({ id: 1 }), TypeError);
  });
});
