// What a session makes of a store that fails: an error with a code, in time, and never "no
// session".
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  HarpiaError,
  MemoryStore,
  Session,
  type SessionStore,
  StoreError,
} from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";

type Fields = Record<string, unknown>;
type Step = (session: Session<Fields>, id: string) => Promise<unknown>;

const FIVE_SECONDS = 5000;
const WITH_COOKIE = (id: string): { headers: { cookie: string } } => ({
  headers: { cookie: `session_id=${id}` },
});

// Every method, and the store's method that it needs.
const STEPS: [string, string, Step][] = [
  ["create", "create", (session) => session.create({})],
  ["get", "read", (session, id) => session.get(id)],
  ["fromRequest", "read", (session, id) => session.fromRequest(WITH_COOKIE(id))],
  ["deadlines", "read", (session, id) => session.deadlines(id)],
  ["update", "patch", (session, id) => session.update(id, { a: 1 })],
  ["update by function", "read", (session, id) => session.update(id, () => ({ a: 1 }))],
  ["delete", "remove", (session, id) => session.delete(id)],
  ["rotate", "move", (session, id) => session.rotate(id)],
  ["revokeAll", "removeByUser", (session) => session.revokeAll("alice")],
];

/** A real store, of which one method does something else. */
function breakMethod(
  store: SessionStore<Fields>,
  method: string,
  act: () => unknown,
): SessionStore<Fields> {
  const isRead = method === "read";
  return new Proxy(store, {
    get(target, name) {
      if (name === method || (isRead && name === "readSync" && act === throwNow)) return act;
      if (name === "readSync") return undefined;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" && name !== "constructor" ? value.bind(target) : value;
    },
  });
}

const cause = new Error("of the driver");
const throwNow = (): never => {
  throw cause;
};

function assertUnavailable(error: unknown, operation: string): boolean {
  assert.ok(error instanceof StoreError && error instanceof HarpiaError, String(error));
  assert.equal(error.code, "ERR_STORE_UNAVAILABLE");
  assert.equal(error.name, "StoreError");
  assert.equal(error.operation, operation);
  assert.equal(error.store, "MemoryStore");
  assert.equal(error.cause, cause);
  assert.equal(error.message, `Cannot ${operation}: MemoryStore failed, see error.cause`);
  return true;
}

describe("A store that fails", () => {
  const failures: [string, () => unknown][] = [
    ["rejects", () => Promise.reject(cause)],
    ["throws at once", throwNow],
  ];
  for (const [how, act] of failures) {
    for (const [name, operation, step] of STEPS) {
      it(`${how}: ${name} rejects with StoreError ERR_STORE_UNAVAILABLE`, async () => {
        const memory = new MemoryStore<Fields>();
        const id = await new Session<Fields>({ store: memory }).create({ userId: "alice" });
        const session = new Session<Fields>({ store: breakMethod(memory, operation, act) });
        await assert.rejects(step(session, id), (error) => assertUnavailable(error, operation));
      });
    }
  }

  it("fails all the reads that were gathered into one", async () => {
    const memory = new MemoryStore<Fields>();
    const healthy = new Session<Fields>({ store: memory });
    const ids = await Promise.all([1, 2, 3].map((n) => healthy.create({ n })));
    const session = new Session<Fields>({
      store: breakMethod(memory, "read", () => Promise.reject(cause)),
    });
    const results = await Promise.allSettled(ids.map((id) => session.get(id)));
    for (const result of results)
      assert.ok(result.status === "rejected" && assertUnavailable(result.reason, "read"));
  });

  it("fails with its own StoreError as it is", async () => {
    const own = new StoreError("ERR_STORE_CONFLICT", "Cannot read: of the store", {
      store: "MyStore",
      operation: "read",
    });
    const session = new Session<Fields>({
      store: breakMethod(new MemoryStore(), "read", () => Promise.reject(own)),
    });
    await assert.rejects(session.get(await session.create({})), own);
  });

  it("gives no list, or one that is too short: a failure, and nobody is logged out by it", async () => {
    for (const answer of [undefined, null, [], 42]) {
      const session = new Session<Fields>({
        store: breakMethod(new MemoryStore(), "read", async () => answer),
      });
      const id = await session.create({});
      for (const read of [
        session.get(id),
        session.fromRequest(WITH_COOKIE(id)),
        session.update(id, () => ({})),
      ])
        await assert.rejects(read, { code: "ERR_STORE_UNAVAILABLE" });
    }
  });

  it("keeps the cookie when the logout failed, and the session", async () => {
    const memory = new MemoryStore<Fields>();
    const id = await new Session<Fields>({ store: memory }).create({});
    const session = new Session<Fields>({
      store: breakMethod(memory, "remove", () => Promise.reject(cause)),
    });
    const headers = new Headers();
    await assert.rejects(session.delete(id, headers), { code: "ERR_STORE_UNAVAILABLE" });
    assert.deepEqual([...headers], []);
    assert.deepEqual(await session.get(id), {});
  });

  it("keeps the cookie when the rotation failed", async () => {
    const session = new Session<Fields>({
      store: breakMethod(new MemoryStore(), "move", () => Promise.reject(cause)),
    });
    const id = await session.create({});
    const headers = new Headers();
    await assert.rejects(session.rotate(id, headers), { code: "ERR_STORE_UNAVAILABLE" });
    assert.deepEqual([...headers], []);
    assert.deepEqual(await session.get(id), {});
  });

  it("tells of activity that could not be written, and answers the request, which has read its session", async () => {
    const clock = new ManualClock();
    const session = new Session<Fields>({
      clock,
      store: breakMethod(new MemoryStore({ clock }), "extend", () => Promise.reject(cause)),
    });
    const told: unknown[] = [];
    session.on("error", ({ error }) => told.push(error));
    const id = await session.create({});
    clock.advance(3_600_000);
    assert.deepEqual(await session.fromRequest(WITH_COOKIE(id)), {});
    await session.close();
    assert.equal(told.length, 1);
    assertUnavailable(told[0], "extend");
  });

  it("tells of a subscription that failed by the event error", async () => {
    const session = new Session<Fields>({
      store: breakMethod(new MemoryStore(), "subscribe", () => Promise.reject(cause)),
    });
    const error = await new Promise((resolve) =>
      session.on("error", (event) => resolve(event.error)),
    );
    assertUnavailable(error, "subscribe");
  });
});

describe("A store that does not answer", () => {
  for (const [name, operation, step] of STEPS) {
    it(`${name} rejects with ERR_STORE_TIMEOUT after five seconds and not before`, async () => {
      const clock = new ManualClock();
      const memory = new MemoryStore<Fields>({ clock });
      const id = await new Session<Fields>({ store: memory, clock }).create({ userId: "alice" });
      let isAsked = (): void => {};
      const asked = new Promise<void>((resolve) => (isAsked = resolve));
      const hang = (): Promise<never> => (isAsked(), new Promise(() => {}));
      const session = new Session<Fields>({ clock, store: breakMethod(memory, operation, hang) });
      let settled: unknown;
      const done = step(session, id).then(
        () => assert.fail("answered"),
        (error: unknown) => (settled = error),
      );
      await asked;
      clock.advance(FIVE_SECONDS - 1);
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(settled, undefined);
      clock.advance(1);
      const error = await done;
      assert.ok(error instanceof StoreError);
      assert.equal(error.code, "ERR_STORE_TIMEOUT");
      // Of several steps the operation as a whole is over, whichever did not answer.
      const named = name === "update by function" ? "patch" : operation;
      assert.equal(error.operation, named);
      assert.equal(error.message, `Cannot ${named}: MemoryStore did not answer within 5000 ms`);
    });
  }

  it("is given up after the storeTimeout that was asked for, or never", async () => {
    for (const [storeTimeout, code] of [
      [0.25, "ERR_STORE_TIMEOUT"],
      [false, undefined],
    ] as const) {
      const clock = new ManualClock();
      let answer: (value: unknown) => void = () => {};
      let asked = (): void => {};
      const remove = (): Promise<unknown> =>
        new Promise((resolve) => {
          answer = resolve;
          asked();
        });
      const session = new Session<Fields>({
        clock,
        storeTimeout,
        store: breakMethod(new MemoryStore({ clock }), "remove", remove),
      });
      const id = await session.create({});
      const isAsked = new Promise<void>((resolve) => (asked = resolve));
      const done = session.delete(id).then(String, (error: StoreError) => error.code);
      // It reads first which ids of the session hold.
      await isAsked;
      clock.advance(250);
      if (code === undefined) {
        clock.advance(3_600_000);
        answer(true);
      }
      assert.equal(await done, code ?? "true");
    }
  });

  it("ends a subscription that comes after it was given up: it would hold the process", async () => {
    const clock = new ManualClock();
    let come: (end: () => Promise<void>) => void = () => {};
    const session = new Session({
      clock,
      store: breakMethod(
        new MemoryStore({ clock }),
        "subscribe",
        () => new Promise((resolve) => (come = resolve)),
      ),
    });
    const told = new Promise((resolve) => session.on("error", resolve));
    clock.advance(FIVE_SECONDS);
    await told;
    const ended = new Promise<void>((resolve) => come(async () => resolve()));
    await session.close();
    await ended;
  });

  it("leaves no timer behind once it has answered", async () => {
    const clock = new ManualClock();
    const session = new Session<Fields>({
      clock,
      store: breakMethod(new MemoryStore({ clock: new ManualClock() }), "prune", throwNow),
    });
    const id = await session.create({});
    await session.get(id);
    await session.update(id, { a: 1 });
    await session.delete(id);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(clock.scheduled, 0);
  });
});

describe("Reads of one turn", () => {
  it("are one call of the store, in order, for whoever asked", async () => {
    const memory = new MemoryStore<Fields>();
    const calls: number[] = [];
    const counting = breakMethod(memory, "read", (...args: unknown[]) => {
      const [keys] = args as [string[]];
      calls.push(keys.length);
      return memory.read(keys);
    });
    const session = new Session<Fields>({ store: counting });
    const ids = await Promise.all(Array.from({ length: 1200 }, (_, n) => session.create({ n })));
    const found = await Promise.all([
      ...ids.map((id) => session.get(id)),
      session.fromRequest(WITH_COOKIE(ids[7] as string)),
      session.get("malformed"),
    ]);
    assert.deepEqual(
      found.slice(0, 1200),
      ids.map((_, n) => ({ n })),
    );
    assert.deepEqual(found.slice(1200), [{ n: 7 }, undefined]);
    // Never more than 500 at once: one must not wait for thousands.
    assert.deepEqual(calls, [500, 500, 201]);
  });
});
