// Fail closed: a store that is down is an error, never an empty session that later overwrites the
// real one, never a cleared cookie. V16.5.2, V16.5.3.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryStore, Session, type SessionStore, StoreError } from "../../src/session.ts";

interface Visitor {
  userId?: string;
  cart?: string[];
}

/** A real store behind a switch. */
function switched(): {
  store: SessionStore<Visitor>;
  memory: MemoryStore<Visitor>;
  state: { isDown: boolean; writes: number };
} {
  const memory = new MemoryStore<Visitor>();
  const state = { isDown: false, writes: 0 };
  const store = new Proxy(memory as SessionStore<Visitor>, {
    get(target, name) {
      if (name === "readSync") return undefined;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function" || name === "constructor" || name === "subscribe")
        return value;
      return async (...args: unknown[]): Promise<unknown> => {
        if (state.isDown) throw new Error("connect ECONNREFUSED 10.0.0.7:6379");
        if (name !== "read") state.writes++;
        return Reflect.apply(value, target, args);
      };
    },
  });
  return { store, memory, state };
}

const withCookie = (id: string): { headers: { cookie: string } } => ({
  headers: { cookie: `session_id=${id}` },
});

async function begin() {
  const { store, memory, state } = switched();
  const session = new Session<Visitor>({ store });
  const id = await session.create({ userId: "alice", cart: ["a"] });
  state.writes = 0;
  return { session, memory, state, id };
}

describe("While the store is down", () => {
  it("nobody is anonymous by mistake: every question is an error", async () => {
    const { session, state, id } = await begin();
    state.isDown = true;
    const questions = [
      () => session.get(id),
      () => session.fromRequest(withCookie(id)),
      () => session.deadlines(id),
      () => session.open(withCookie(id)).data,
      () => session.list("alice"),
      () => session.requireFresh(id, 60),
    ];
    for (const ask of questions)
      await assert.rejects(
        ask,
        (error) => error instanceof StoreError && error.code === "ERR_STORE_UNAVAILABLE",
      );
  });

  it("nothing is made in the place of the real session, also once it is up again", async () => {
    const { session, memory, state, id } = await begin();
    const request = session.open(withCookie(id));
    state.isDown = true;
    request.set("cart", []);
    await assert.rejects(request.commit(), { code: "ERR_STORE_UNAVAILABLE" });
    await assert.rejects(session.update(id, { cart: [] }), { code: "ERR_STORE_UNAVAILABLE" });
    await assert.rejects(session.create({ userId: "alice" }), { code: "ERR_STORE_UNAVAILABLE" });
    await assert.rejects(request.login({ userId: "alice" }), { code: "ERR_STORE_UNAVAILABLE" });
    state.isDown = false;
    assert.equal(state.writes, 0);
    assert.equal(memory.size, 1);
    assert.deepEqual(await session.get(id), { userId: "alice", cart: ["a"] });
  });

  it("no cookie is set and none is cleared: a logout that failed does not look like one", async () => {
    const { session, state, id } = await begin();
    state.isDown = true;
    const headers = new Headers();
    await assert.rejects(session.delete(id, headers), { code: "ERR_STORE_UNAVAILABLE" });
    await assert.rejects(session.rotate(id, headers), { code: "ERR_STORE_UNAVAILABLE" });
    const request = session.open(withCookie(id));
    await assert.rejects(request.destroy(), { code: "ERR_STORE_UNAVAILABLE" });
    request.writeTo(headers);
    assert.deepEqual(headers.getSetCookie(), []);
    state.isDown = false;
    assert.deepEqual(await session.get(id), { userId: "alice", cart: ["a"] });
  });

  it("what needs no store still is no session: malformed, over-age and none", async () => {
    const { session, state } = await begin();
    state.isDown = true;
    for (const headers of [
      {},
      { cookie: "session_id=malformed" },
      { cookie: `session_id=${"A".repeat(32)}` },
    ])
      assert.equal(await session.fromRequest({ headers }), undefined);
    assert.equal(await session.delete(undefined), false);
  });

  it("a message says what failed, and not where the store is", async () => {
    const { session, state, id } = await begin();
    state.isDown = true;
    await assert.rejects(
      session.get(id),
      (error: Error) =>
        !error.message.includes("10.0.0.7") && (error.cause as Error).message.includes("10.0.0.7"),
    );
  });
});
