// Who stops watching a session, and what the watching leaves behind.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { MemoryStore, Session } from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";

describe("Session.watch, until", () => {
  it("watches nothing for whom is gone already, such as a socket that closed while its session was read", async () => {
    const clock = new ManualClock();
    const session = new Session({ clock, store: new MemoryStore({ clock }) });
    const id = await session.create({ userId: "a" });
    const before = clock.scheduled;
    const signal = session.watch(id, AbortSignal.abort());
    // A look would plan the next one.
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(clock.scheduled, before);
    await session.delete(id);
    assert.equal(signal.aborted, false);
  });

  it("ends the watching of a session that has been rotated since, and of nobody else's", async () => {
    const clock = new ManualClock();
    const session = new Session({ clock, store: new MemoryStore({ clock }) });
    const id = await session.create({ userId: "a" });
    const before = clock.scheduled;
    const [gone, stays] = [new AbortController(), new AbortController()];
    const signals = [session.watch(id, gone.signal), session.watch(id, stays.signal)];
    const next = await session.rotate(id);
    gone.abort();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(clock.scheduled, before + 1);
    await session.delete(next);
    assert.deepEqual(
      [signals.map(({ aborted }) => aborted), clock.scheduled],
      [[false, true], before],
    );
  });

  it("leaves no listener on a signal that outlives the session, such as the server's own", async () => {
    const session = new Session();
    const closing = new AbortController();
    for (let times = 0; times < 20; times++) {
      const id = await session.create({ userId: "a" });
      const signal = session.watch(id, closing.signal);
      await session.delete(id);
      assert.equal(signal.aborted, true);
    }
    assert.equal(getEventListeners(closing.signal, "abort").length, 0);
  });
});
