// node:diagnostics_channel: what tools hear that know nothing of us, what they never hear, and that
// none of them changes anything.
import assert from "node:assert/strict";
import { type Channel, channel, tracingChannel } from "node:diagnostics_channel";
import { afterEach, describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  MemoryStore,
  Session,
  type SessionEvents,
  type SessionStore,
  StoreError,
} from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";
import { runAlone } from "../../support/run-alone.ts";

interface Visitor {
  userId?: string;
  role?: string;
}
interface Heard {
  name: string;
  message: Record<string, unknown>;
}

const STEPS = ["start", "end", "asyncStart", "asyncEnd", "error"] as const;
const trace = tracingChannel("harpiats:store");
const stops: (() => void)[] = [];

/** Until the test is over. */
function listen(at: Channel, listener: (message: unknown) => void): void {
  at.subscribe(listener);
  stops.push(() => at.unsubscribe(listener));
}

function hearEvents(...names: (keyof SessionEvents)[]): Heard[] {
  const heard: Heard[] = [];
  for (const name of names)
    listen(channel(`harpiats:session:${name}`), (message) =>
      heard.push({ name, message: message as Heard["message"] }),
    );
  return heard;
}

/** The operations, each step with a copy of its message as it was then. */
function hearStore(...steps: (typeof STEPS)[number][]): Heard[] {
  const heard: Heard[] = [];
  for (const name of steps)
    listen(trace[name], (message) => heard.push({ name, message: { ...(message as object) } }));
  return heard;
}

function begin(options: { cookieName?: string } = {}) {
  const clock = new ManualClock();
  const session = new Session<Visitor>({
    ...options,
    clock,
    store: new MemoryStore<Visitor>({ clock }),
    idleTimeout: 1800,
  });
  return { clock, session };
}

/** The same without `readSync`: asked as a store in another process is. */
function remote(
  store: MemoryStore<Visitor>,
  replace: Record<string, unknown> = {},
): SessionStore<Visitor> {
  return new Proxy(store, {
    get(target, name) {
      if (name === "readSync") return undefined;
      if (Object.hasOwn(replace, name)) return replace[String(name)];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" && name !== "constructor" ? value.bind(target) : value;
    },
  });
}

afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

describe("The channels harpiats:session:*", () => {
  it("carry what Session.on tells, and the name of the cookie", async () => {
    const { session } = begin({ cookieName: "admin" });
    const names = ["created", "updated", "rotated", "ended", "revoked", "refused"] as const;
    const heard = hearEvents(...names);
    const told: Heard[] = [];
    for (const name of names)
      session.on(name, (event) => told.push({ name, message: { ...event, cookieName: "admin" } }));
    const id = await session.create({ userId: "alice" });
    await session.update(id, { role: "user" });
    const next = await session.rotate(id);
    await session.delete(next);
    await session.get("malformed");
    await session.revokeAll("alice");
    assert.deepEqual(heard, told);
    assert.deepEqual(
      heard.map(({ name }) => name),
      ["created", "updated", "rotated", "ended", "refused", "revoked"],
    );
    for (const secret of [id, next]) assert.ok(!JSON.stringify(heard).includes(String(secret)));
  });

  it("need no listener of ours", async () => {
    const heard = hearEvents("created");
    const { session } = begin();
    await session.create({ userId: "alice" });
    assert.equal(heard[0]?.message.userId, "alice");
  });

  it("carry what the store does by itself, where the subscriber was there before the Session", async () => {
    const heard = hearEvents("ended");
    const { clock, session } = begin();
    await session.create({});
    await nextTurn();
    clock.advance(1_803_000);
    assert.deepEqual(
      heard.map(({ message }) => message.reason),
      ["idle"],
    );
  });

  it("and where it came later, from the next event on", async () => {
    const { clock, session } = begin();
    await session.create({});
    const heard = hearEvents("created", "ended");
    await session.create({});
    await nextTurn();
    clock.advance(1_803_000);
    assert.deepEqual(
      heard.map(({ name }) => name),
      ["created", "ended", "ended"],
    );
  });

  it("are silent again after the subscriber has gone", async () => {
    const { session } = begin();
    const heard = hearEvents("created");
    await session.create({});
    for (const stop of stops.splice(0)) stop();
    await session.create({});
    assert.equal(heard.length, 1);
  });
});

describe("The channels tracing:harpiats:store:*", () => {
  it("tell each operation from its start to its end, with how many keys and none of them, and without the answer", async () => {
    const session = new Session<Visitor>({ store: remote(new MemoryStore<Visitor>()) });
    const heard = hearStore(...STEPS);
    const id = await session.create({ userId: "alice" });
    assert.deepEqual(
      heard.map(({ name }) => name),
      ["start", "end", "asyncStart", "asyncEnd"],
    );
    assert.deepEqual(heard[0]?.message, { operation: "create", store: "MemoryStore", keys: 1 });
    await session.update(id, { role: "user" });
    await session.list("alice");
    assert.deepEqual(await session.get(id), { userId: "alice", role: "user" });
    const next = await session.rotate(id);
    await session.delete(next);
    await session.revokeAll("alice");
    const began = heard
      .filter(({ name }) => name === "start")
      .map(({ message }) => [message.operation, message.keys]);
    assert.deepEqual(began, [
      ["create", 1],
      ["read", 1],
      ["patch", 1],
      ["listByUser", 0],
      ["read", 1],
      ["read", 1],
      ["move", 1],
      ["read", 1],
      ["remove", 1],
      ["removeByUser", 0],
    ]);
    for (const secret of ["alice", "user", id, next])
      assert.ok(!JSON.stringify(heard).includes(`"${secret}`), secret);
    for (const { message } of heard) assert.equal(message.result, undefined);
  });

  it("tell reads of one turn as one operation of many keys", async () => {
    const session = new Session<Visitor>({ store: remote(new MemoryStore<Visitor>()) });
    const ids = await Promise.all([1, 2, 3].map(() => session.create({})));
    const heard = hearStore("asyncEnd");
    await Promise.all(ids.map((id) => session.get(id)));
    assert.deepEqual(
      heard.map(({ message }) => message.keys),
      [3],
    );
  });

  it("tell what a store in this process reads at once", async () => {
    const { session } = begin();
    const id = await session.create({ userId: "alice" });
    const heard = hearStore(...STEPS);
    assert.deepEqual(await session.fromRequest({ headers: { cookie: `session_id=${id}` } }), {
      userId: "alice",
    });
    assert.deepEqual(
      heard.map(({ name, message }) => [name, message.operation]),
      [
        ["start", "read"],
        ["end", "read"],
      ],
    );
    for (const { message } of heard) assert.equal(message.result, undefined);
  });

  it("tell of a failure with the StoreError that the caller gets, and ask the store once", async () => {
    let asked = 0;
    const fail = (): Promise<never> => {
      asked++;
      return Promise.reject(new Error("of the driver"));
    };
    const store = new MemoryStore<Visitor>();
    const id = await new Session<Visitor>({ store }).create({});
    const session = new Session<Visitor>({ store: remote(store, { patch: fail }) });
    const heard = hearStore("error");
    const error: unknown = await session.update(id, { role: "user" }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof StoreError);
    assert.deepEqual(heard, [
      { name: "error", message: { operation: "patch", store: "MemoryStore", keys: 1, error } },
    ]);
    assert.equal(asked, 1);
  });

  it("tell of a read at once that failed, and ask the store once", async () => {
    let asked = 0;
    const store = new MemoryStore<Visitor>();
    const id = await new Session<Visitor>({ store }).create({});
    const failing = new Proxy(store, {
      get(target, name) {
        if (name === "readSync") return () => assert.fail(`of the disk, ${++asked}`);
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" && name !== "constructor" ? value.bind(target) : value;
      },
    });
    const heard = hearStore("error");
    await assert.rejects(new Session<Visitor>({ store: failing }).get(id), {
      code: "ERR_STORE_UNAVAILABLE",
    });
    assert.deepEqual(
      heard.map(({ message }) => (message.error as StoreError).operation),
      ["read"],
    );
    assert.equal(asked, 1);
  });

  for (const step of ["start", "asyncEnd", "error"] as const) {
    it(`are there for a subscriber of ${step} alone`, async () => {
      const session = new Session<Visitor>({
        store: remote(new MemoryStore<Visitor>(), {
          create: () => Promise.reject(new Error("of the driver")),
        }),
      });
      const heard = hearStore(step);
      await assert.rejects(session.create({}), StoreError);
      assert.equal(heard.length, 1);
    });
  }

  it("change nothing where a subscriber hangs", async () => {
    const { session } = begin();
    for (const step of STEPS) listen(trace[step], () => new Promise(() => {}));
    listen(channel("harpiats:session:created"), () => new Promise(() => {}));
    const id = await session.create({ userId: "alice" });
    assert.deepEqual(await session.get(id), { userId: "alice" });
    assert.equal(await session.delete(id), true);
  });
});

// What a runtime does with a subscriber that throws is its own affair: here node and those like it
// report it as uncaught.
describe("A subscriber that throws", () => {
  it("changes nothing of what the session does; the process hears of it as an uncaught exception", async () => {
    const program = `
      import { channel, tracingChannel } from "node:diagnostics_channel";
      import { Session } from "SESSION";
      const uncaught = [];
      process.on("uncaughtException", (error) => uncaught.push(error.message));
      const throwing = (name) => () => { throw new Error(name); };
      channel("harpiats:session:created").subscribe(throwing("created"));
      tracingChannel("harpiats:store").start.subscribe(throwing("start"));
      tracingChannel("harpiats:store").asyncEnd.subscribe(throwing("asyncEnd"));
      const session = new Session();
      const heard = [];
      session.on("created", ({ userId }) => heard.push(userId));
      const id = await session.create({ userId: "alice" });
      const data = await session.get(id);
      const isEnded = await session.delete(id);
      for (let look = 0; look < 5000 && new Set(uncaught).size < 3; look++)
        await new Promise((resolve) => setTimeout(resolve, 1));
      console.log(JSON.stringify({ heard, data, isEnded, uncaught: [...new Set(uncaught)].sort() }));`;
    const { code, output } = await runAlone(program);
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(output), {
      heard: ["alice"],
      data: { userId: "alice" },
      isEnded: true,
      uncaught: ["asyncEnd", "created", "start"],
    });
  });
});
