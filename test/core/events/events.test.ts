// Events: what is told, to whom, and that no listener can change what happens (CVE-2021-34428).
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { runInNewContext } from "node:vm";
import {
  MemoryStore,
  Session,
  type SessionEvents,
  type StoreChange,
} from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";

type Names = (keyof SessionEvents)[];
interface Visitor {
  userId?: string;
  role?: string;
}

const ALL: Names = [
  "created",
  "updated",
  "rotated",
  "ended",
  "revoked",
  "refused",
  "unreadable",
  "error",
];
const HANDLE = /^[0-9a-f]{8}\.[\w-]{43}$/;

function begin(options: { maxSessions?: number } = {}) {
  const clock = new ManualClock();
  const session = new Session<Visitor>({
    clock,
    store: new MemoryStore<Visitor>({ clock, ...options }),
    idleTimeout: 1800,
    absoluteTimeout: 7200,
  });
  const told: [name: string, event: object][] = [];
  for (const name of ALL) session.on(name, (event) => told.push([name, event]));
  const visit = (id: string): Promise<Visitor | undefined> =>
    session.fromRequest({ headers: { cookie: `session_id=${id}` } });
  return { clock, session, told, visit };
}

describe("Session.on", () => {
  it("tells the life of a session, by handle and never by id", async () => {
    const { clock, session, told } = begin();
    const id = await session.create({ userId: "alice" });
    const anonymous = await session.create({});
    await session.update(id, { role: "user" });
    const next = await session.rotate(id);
    await session.delete(next);
    clock.advance(1_803_000);
    const [created, second, updated, rotated, ended, expired] = told as [
      string,
      Record<string, string>,
    ][];
    const handle = created?.[1].handle as string;
    assert.match(handle, HANDLE);
    assert.deepEqual(created, ["created", { handle, userId: "alice" }]);
    assert.deepEqual(updated, ["updated", { handle }]);
    assert.equal(rotated?.[0], "rotated");
    const nextHandle = rotated?.[1].handle as string;
    assert.match(nextHandle, HANDLE);
    assert.deepEqual(rotated?.[1], { handle: nextHandle, formerHandle: handle });
    assert.deepEqual(ended, ["ended", { handle: nextHandle, reason: "logout" }]);
    assert.deepEqual(Object.keys(second?.[1] ?? {}), ["handle"]);
    assert.deepEqual(expired, ["ended", { handle: second?.[1].handle, reason: "idle" }]);
    assert.equal(told.length, 6);
    for (const secret of [id, next, anonymous])
      assert.ok(!JSON.stringify(told).includes(String(secret)));
  });

  it("tells nothing of what did not happen", async () => {
    const { session, told } = begin();
    const id = await session.create({ userId: "alice" });
    await session.delete(id);
    told.length = 0;
    await session.delete(id);
    await session.update(id, { role: "user" });
    await session.rotate(id);
    await session.get(id);
    await session.deadlines(id);
    assert.deepEqual(told, []);
  });

  it("tells which limit ended a session", async () => {
    const { clock, session, told, visit } = begin();
    const id = await session.create({});
    for (let minutes = 0; minutes < 119; minutes++) {
      clock.advance(60_000);
      await visit(id);
    }
    told.length = 0;
    clock.advance(62_000);
    assert.deepEqual(
      told.map(([name, event]) => [name, (event as SessionEvents["ended"]).reason]),
      [["ended", "absolute"]],
    );
  });

  it("tells why a cookie led to no session", async () => {
    const { clock, session, told, visit } = begin();
    const [one, two] = [await session.create({}), await session.create({})];
    const unknown = one.slice(0, 6) + "A".repeat(26);
    told.length = 0;
    for (const id of ["malformed", `${one}A`, "A".repeat(32), unknown, `${one}; session_id=${two}`])
      assert.equal(await visit(id), undefined);
    clock.advance(7_203_000);
    await visit(one);
    const refused = told
      .filter(([name]) => name === "refused")
      .map(([, event]) => event as SessionEvents["refused"]);
    assert.deepEqual(
      refused.map(({ reason }) => reason),
      ["malformed", "malformed", "over-age", "unknown", "duplicate", "over-age"],
    );
    assert.deepEqual(
      refused.map(({ handle }) => handle !== undefined),
      [false, false, true, true, false, true],
    );
    for (const { handle } of refused) if (handle !== undefined) assert.match(handle, HANDLE);
  });

  it("tells nothing of a request without our cookie", async () => {
    const { session, told } = begin();
    await session.fromRequest({ headers: {} });
    await session.fromRequest({ headers: { cookie: "other=1" } });
    await session.get(undefined);
    assert.deepEqual(told, []);
  });

  it("tells how many a revocation ended", async () => {
    const { session, told } = begin();
    for (let made = 0; made < 3; made++) await session.create({ userId: "alice" });
    told.length = 0;
    await session.revokeAll("alice");
    assert.deepEqual(
      told.filter(([name]) => name === "revoked"),
      [["revoked", { userId: "alice", count: 3 }]],
    );
  });

  it("tells once of whom a login evicted, where the store tells of it too", async () => {
    const listeners: ((change: StoreChange) => void)[] = [];
    class TellingStore extends MemoryStore<Visitor> {
      override async create(
        ...parameters: Parameters<MemoryStore<Visitor>["create"]>
      ): ReturnType<MemoryStore<Visitor>["create"]> {
        const result = await super.create(...parameters);
        for (const key of result.evicted)
          for (const listener of listeners) listener({ type: "evicted", key });
        return result;
      }
      override async subscribe(
        listener: (change: StoreChange) => void,
      ): ReturnType<MemoryStore<Visitor>["subscribe"]> {
        listeners.push(listener);
        return () => Promise.resolve();
      }
    }
    const session = new Session<Visitor>({
      store: new TellingStore(),
      maxPerUser: { limit: 1, onLimit: "evict-oldest" },
    });
    const ended: object[] = [];
    session.on("ended", (event) => ended.push(event));
    for (let made = 0; made < 3; made++) await session.create({ userId: "alice" });
    assert.deepEqual(
      ended.map((event) => (event as SessionEvents["ended"]).reason),
      ["evicted", "evicted"],
    );
  });

  it("tells what the store does by itself also where the store could not be listened to at first, and tries no more once it is closed", async () => {
    for (const isClosed of [false, true]) {
      const clock = new ManualClock();
      const inner = new MemoryStore<Visitor>({ clock, maxSessions: 1 });
      let tries = 0;
      const subscribe = async (listener: (change: StoreChange) => void) => {
        if (++tries < 3) throw new Error("not yet");
        return inner.subscribe(listener);
      };
      const store = new Proxy(inner, {
        get: (target, name) =>
          name === "subscribe"
            ? subscribe
            : (Reflect.get(target, name, target) as () => unknown)?.bind?.(target),
      });
      const session = new Session<Visitor>({ clock, store });
      const told: string[] = [];
      session.on("ended", ({ reason }) => told.push(reason));
      session.on("error", () => told.push("error"));
      await nextTurn();
      if (isClosed) await session.close();
      for (let times = 0; times < 3; times++) {
        clock.advance(5000);
        await nextTurn();
      }
      for (let made = 0; made < 2; made++) await session.create({});
      assert.deepEqual([tries, told], isClosed ? [1, ["error"]] : [3, ["error", "evicted"]]);
    }
  });

  it("ends with the function that it returns", async () => {
    const session = new Session<Visitor>();
    const heard: string[] = [];
    const off = session.on("created", () => heard.push("a"));
    session.on("created", () => heard.push("b"));
    await session.create({});
    off();
    off();
    await session.create({});
    assert.deepEqual(heard, ["a", "b", "b"]);
  });

  it("refuses what is no function", () => {
    for (const listener of [undefined, null, {}, "log"]) {
      assert.throws(() => new Session().on("created", listener as unknown as () => void), {
        name: "TypeError",
        message: "Cannot listen to created: the listener is not a function",
      });
    }
  });

  const hostile: [string, () => unknown][] = [
    ["throws", () => assert.fail("of a listener")],
    ["rejects", () => Promise.reject(new Error("of a listener"))],
    ["hangs", () => new Promise(() => {})],
    [
      "rejects with another realm's promise",
      runInNewContext("async () => { throw new Error('of a listener') }") as () => unknown,
    ],
  ];
  for (const [what, listener] of hostile) {
    it(`changes nothing where a listener ${what}: what ends, ends, and the others hear of it`, async () => {
      const clock = new ManualClock();
      const session = new Session<Visitor>({
        clock,
        store: new MemoryStore<Visitor>({ clock, maxSessions: 3 }),
        idleTimeout: 1800,
      });
      const heard: string[] = [];
      for (const name of ALL) {
        session.on(name, listener);
        session.on(name, () => heard.push(name));
      }
      const id = await session.create({ userId: "alice" });
      const next = await session.rotate(id);
      assert.equal(await session.update(next, { role: "user" }), true);
      const headers = new Headers();
      assert.equal(await session.delete(next, headers), true);
      assert.equal(headers.getSetCookie().length, 1);
      assert.equal(await session.get(next), undefined);
      assert.equal(
        await session.fromRequest({ headers: { cookie: "session_id=malformed" } }),
        undefined,
      );
      const ids = [];
      for (let made = 0; made < 5; made++) ids.push(await session.create({ userId: "bob" }));
      assert.equal(await session.revokeAll("bob"), 3);
      const last = await session.create({});
      clock.advance(1_803_000);
      assert.equal(await session.get(last), undefined);
      await nextTurn();
      assert.deepEqual([...new Set(heard)].sort(), [
        "created",
        "ended",
        "refused",
        "revoked",
        "rotated",
        "updated",
      ]);
    });
  }

  it("lets a listener end the session that it hears of", async () => {
    const { session } = begin();
    session.on("created", ({ userId }) =>
      userId === "banned" ? session.revokeAll(userId) : undefined,
    );
    const id = await session.create({ userId: "banned" });
    await nextTurn();
    assert.equal(await session.get(id), undefined);
  });
});
