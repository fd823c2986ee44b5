// A listener that throws or hangs keeps no session alive. CVE-2021-34428.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { MemoryStore, Session, type SessionEvents } from "../../src/session.ts";
import { ManualClock } from "../../src/testing.ts";

const EVENTS: (keyof SessionEvents)[] = [
  "created",
  "updated",
  "rotated",
  "ended",
  "revoked",
  "refused",
  "unreadable",
  "error",
];
const LISTENERS: [string, () => unknown][] = [
  ["throws", () => assert.fail("of a listener")],
  ["rejects", () => Promise.reject(new Error("of a listener"))],
  ["hangs", () => new Promise(() => {})],
];

for (const [what, listener] of LISTENERS) {
  describe(`Where each listener ${what}`, () => {
    it("a session ends by logout, revocation, eviction and time all the same", async () => {
      const clock = new ManualClock();
      const store = new MemoryStore<{ userId: string }>({ clock, maxSessions: 2 });
      // A store's subscriber is of one piece: what it promises is its own affair.
      if (what !== "rejects") await store.subscribe(listener as () => void);
      const session = new Session({ clock, store, idleTimeout: 60 });
      for (const name of EVENTS) session.on(name, listener);
      const out = await session.create({ userId: "a" });
      const headers = new Headers();
      assert.equal(await session.delete(out, headers), true);
      assert.match(headers.getSetCookie()[0] ?? "", /^session_id=; Max-Age=0/);
      const revoked = await session.create({ userId: "b" });
      assert.equal(await session.revokeAll("b"), 1);
      const ids = [
        await session.create({ userId: "c" }),
        await session.create({ userId: "c" }),
        await session.create({ userId: "c" }),
      ];
      assert.equal(store.size, 2);
      clock.advance(62_000);
      // Warnings of what listeners throw may take longer than the sweep does before it gives way:
      // then it goes on in the next turn.
      for (let turn = 0; turn < 100 && store.size > 0; turn++) await setImmediate();
      assert.equal(store.size, 0);
      for (const id of [out, revoked, ...ids])
        assert.equal(
          await session.fromRequest({ headers: { cookie: `session_id=${id}` } }),
          undefined,
        );
    });
  });
}
