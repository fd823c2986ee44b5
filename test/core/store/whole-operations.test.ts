// An operation of several steps is bounded as a whole: each answer comes in time, all of them do
// not.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { MemoryStore, Session, type SessionStore, StoreError } from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";

type Fields = Record<string, unknown>;

const ANSWER = 1500;
const LIMIT = 2000;
const STEP = 100;

/** A store whose answers take `ANSWER`, and the calls that it has got. */
function slowStore(clock: ManualClock): { store: SessionStore<Fields>; calls: number[] } {
  const memory = new MemoryStore<Fields>({ clock });
  const calls: number[] = [];
  const store = new Proxy<SessionStore<Fields>>(memory, {
    get(target, name) {
      // Not in this process.
      if (name === "readSync" || name === "subscribe") return undefined;
      const method: unknown = Reflect.get(target, name, target);
      if (typeof method !== "function") return method;
      return async (...args: unknown[]) => {
        calls.push(clock.now());
        await new Promise<void>((resolve) => clock.schedule(ANSWER, resolve));
        return Reflect.apply(method, target, args);
      };
    },
  });
  return { store, calls };
}

/** Lets time pass until the work is done. @returns how long it took, and how it ended. */
async function timed(clock: ManualClock, work: Promise<unknown>): Promise<[number, string]> {
  const from = clock.now();
  let outcome: [number, string] | undefined;
  const end = (how: string): void => void (outcome = [clock.now() - from, how]);
  work.then(
    () => end("done"),
    (error: unknown) => end(error instanceof StoreError ? error.code : String(error)),
  );
  for (let passed = 0; passed < 60_000; passed += STEP) {
    for (let at = 0; at < 5; at++) await turn();
    if (outcome) return outcome;
    clock.advance(STEP);
  }
  throw new Error("Cannot go on: the operation did not end within a minute of the clock");
}

interface Scene {
  session: Session<Fields>;
  id: string;
  req: { headers: { cookie: string } };
}

async function scene(storeTimeout: number | false) {
  const clock = new ManualClock();
  const { store, calls } = slowStore(clock);
  const session = new Session<Fields>({ store, clock, storeTimeout, user: "userId" });
  let id = "";
  await timed(
    clock,
    session.create({ userId: "ada" }).then((made) => void (id = made)),
  );
  return { clock, calls, session, id, req: { headers: { cookie: `session_id=${id}` } } };
}

const OPERATIONS: [string, (scene: Scene) => Promise<unknown>][] = [
  ["update with a function", ({ session, id }) => session.update(id, () => ({ a: 1 }))],
  ["update of a request's", ({ session, req }) => session.update(req, { a: 1 })],
  ["reauthenticate", ({ session, id }) => session.reauthenticate(id)],
  ["rotate", ({ session, id }) => session.rotate(id)],
  ["rotate by request", ({ session, req }) => session.rotate(req)],
  ["delete by request", ({ session, req }) => session.delete(req)],
  ["list for a request", ({ session, req }) => session.list("ada", { current: req })],
  ["revokeAll but a request's", ({ session, req }) => session.revokeAll("ada", { except: req })],
  ["login", ({ session, req }) => session.open(req).login({ userId: "ada" })],
];

describe("an operation of several steps", () => {
  for (const [name, act] of OPERATIONS)
    it(`ends within storeTimeout as a whole: ${name}`, async () => {
      const { clock, calls, ...rest } = await scene(LIMIT / 1000);
      const before = calls.length;
      const deadline = clock.now() + LIMIT;
      assert.deepEqual(await timed(clock, act(rest)), [LIMIT, "ERR_STORE_TIMEOUT"]);
      assert.ok(calls.length > before);
      if (name === "login" || name.startsWith("delete")) return;
      // What was under way is answered; nothing else is begun.
      await timed(clock, new Promise<void>((resolve) => clock.schedule(10 * ANSWER, resolve)));
      assert.deepEqual(
        calls.filter((at) => at > deadline),
        [],
      );
    });

  it("takes what it takes where there is no limit", async () => {
    const { clock, session, id } = await scene(false);
    assert.deepEqual(
      await timed(
        clock,
        session.update(id, () => ({ a: 1 })),
      ),
      [2 * ANSWER, "done"],
    );
  });

  it("counts the wait for its turn, and does not begin when that comes too late", async () => {
    const { clock, session, id, calls } = await scene(LIMIT / 1000);
    const asked: number[] = [];
    const all = Promise.allSettled(
      [1, 2, 3, 4].map((at) =>
        session.update(id, () => {
          asked.push(at);
          return { at };
        }),
      ),
    );
    const deadline = clock.now() + LIMIT;
    assert.deepEqual((await timed(clock, all))[0], LIMIT);
    for (const outcome of await all)
      assert.equal(
        outcome.status === "rejected" && (outcome.reason as StoreError).code,
        "ERR_STORE_TIMEOUT",
      );
    await timed(clock, new Promise<void>((resolve) => clock.schedule(10 * ANSWER, resolve)));
    assert.deepEqual(asked, [1]);
    assert.deepEqual(
      calls.filter((at) => at > deadline),
      [],
    );
  });
});
