// Resurrection: a slow request finishes after the logout and brings the session, or its cookie,
// back. V7.4.1; CVE-2025-46336, GHSA-qppm-g56g-fpvp and the issues of eight other libraries.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  MemoryStore,
  Session,
  type SessionStore,
  type Store,
  toSessionStore,
} from "../../src/session.ts";
import { ManualClock } from "../../src/testing.ts";
import { pauseCalls } from "../support/pausing-store.ts";

interface Visitor {
  userId?: string;
  cart?: string[];
}
type Act = (session: Session<Visitor>, id: string) => Promise<unknown>;

const withCookie = (id: string): { headers: { cookie: string } } => ({
  headers: { cookie: `session_id=${id}` },
});

const LATE: [name: string, method: string, when: "before" | "after", act: Act][] = [
  ["an update", "patch", "before", (session, id) => session.update(id, { cart: ["late"] })],
  [
    "an update that has read",
    "read",
    "after",
    (session, id) => session.update(id, () => ({ cart: ["late"] })),
  ],
  [
    "an update by function about to write",
    "patch",
    "before",
    (session, id) => session.update(id, () => ({ cart: ["late"] })),
  ],
  ["a rotation", "move", "before", (session, id) => session.rotate(id)],
  [
    "a request that has read",
    "read",
    "after",
    (session, id) => session.fromRequest(withCookie(id)),
  ],
  // It has read its session; what comes late is the note.
  [
    "a request about to note its activity",
    "extend",
    "before",
    (session, id) => session.fromRequest(withCookie(id)).then(() => session.close()),
  ],
];

const ENDS: [name: string, end: Act][] = [
  ["a logout", (session, id) => session.delete(id)],
  ["a revocation", (session) => session.revokeAll("alice")],
];

/** Every key that the store holds, and what is under it. */
async function dump(store: SessionStore<Visitor>): Promise<unknown[]> {
  return (await store.scan()).sessions;
}

for (const [end, act] of ENDS) {
  describe(`After ${end}`, () => {
    for (const [name, method, when, late] of LATE) {
      it(`${name} that comes late brings nothing back`, async () => {
        const clock = new ManualClock();
        const memory = new MemoryStore<Visitor>({ clock });
        const { store, pause } = pauseCalls(memory);
        const session = new Session<Visitor>({ store, clock });
        const id = await session.create({ userId: "alice" });
        clock.advance(3_600_000);
        const { reached, go } = pause(method, when);
        const running = late(session, id);
        await reached;
        await act(session, id);
        go();
        const result = await running;
        // The request that had read before the end may still answer with what it read; nothing may
        // have been written.
        if (name !== "a request that has read") assert.ok(!result, String(result));
        assert.equal(await session.get(id), undefined);
        assert.equal(await session.fromRequest(withCookie(id)), undefined);
        assert.deepEqual(await dump(memory), []);
        if (typeof result === "string") assert.equal(await session.get(result), undefined);
      });
    }

    it("the response of a slow request carries no cookie of ours", async () => {
      const clock = new ManualClock();
      const { store, pause } = pauseCalls(new MemoryStore<Visitor>({ clock }));
      const session = new Session<Visitor>({ store, clock });
      for (const [method, change] of [
        ["patch", "set"],
        ["move", "rotate"],
      ] as const) {
        const id = await session.create({ userId: "alice" });
        const slow = session.open(withCookie(id));
        await slow.data;
        if (change === "set") slow.set("cart", ["late"]);
        const { reached, go } = pause(method, "before");
        const running = change === "set" ? slow.commit() : slow.rotate();
        await reached;
        await act(session, id);
        go();
        await running;
        const headers = new Headers();
        slow.writeTo(headers);
        assert.deepEqual(headers.getSetCookie(), []);
        assert.equal(await session.get(id), undefined);
      }
    });
  });
}

describe("After a logout on a three-method store", () => {
  it("an update of this process that comes late brings nothing back", async () => {
    const kept = new Map<string, Visitor>();
    const slow: { gate: Promise<void> | undefined } = { gate: undefined };
    const store: Store<Visitor> = {
      get: async (id) => {
        const data = kept.get(id);
        await slow.gate;
        return data;
      },
      set: async (id, data) => {
        await slow.gate;
        kept.set(id, data);
      },
      delete: async (id) => void kept.delete(id),
    };
    const session = new Session<Visitor>({ store: toSessionStore(store) });
    const id = await session.create({ userId: "alice" });
    let go = (): void => {};
    slow.gate = new Promise((resolve) => (go = resolve));
    const work = [
      session.update(id, { cart: ["late"] }),
      session.update(id, () => ({ cart: ["late"] })),
      session.delete(id),
    ];
    go();
    await Promise.all(work);
    assert.equal(kept.size, 0);
    assert.equal(await session.get(id), undefined);
  });
});
