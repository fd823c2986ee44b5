// Session fixation: an attacker chooses the id, or shares it, before the victim signs in.
// CS-3, SESS-03, V7.2.4; CVE-2018-1000519, CVE-2022-25896, CVE-2023-46733, CVE-2025-12390.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryStore, Session, type SessionEvents } from "../../src/session.ts";
import { pauseCalls } from "../support/pausing-store.ts";

interface Visitor {
  userId?: string;
  cart?: string[];
}

const withCookie = (...ids: (string | undefined)[]): { headers: { cookie: string } } => ({
  headers: { cookie: ids.map((id) => `session_id=${id}`).join("; ") },
});

/** An id as we would have made it, that we never made. */
function forgedId(): string {
  const bytes = Buffer.alloc(24, 0x41);
  bytes.writeUInt32BE(Math.floor(Date.now() / 1000));
  return bytes.toString("base64url");
}

describe("Session fixation", () => {
  it("an id that we did not issue is adopted by nothing, and an event tells of it (CS-3)", async () => {
    const store = new MemoryStore<Visitor>();
    const session = new Session<Visitor>({ store });
    const refused: SessionEvents["refused"][] = [];
    session.on("refused", (event) => refused.push(event));
    const id = forgedId();
    assert.equal(await session.fromRequest(withCookie(id)), undefined);
    assert.equal(await session.update(id, { userId: "victim" }), false);
    assert.equal(await session.update(id, () => ({ userId: "victim" })), false);
    assert.equal(await session.rotate(id), undefined);
    const opened = session.open(withCookie(id));
    opened.set("cart", ["a"]);
    await opened.commit();
    const headers = new Headers();
    opened.writeTo(headers);
    assert.deepEqual(
      refused.map(({ reason }) => reason),
      ["unknown", "unknown"],
    );
    assert.equal(store.size, 1);
    const [made = ""] = headers.getSetCookie();
    assert.ok(made.startsWith("session_id=") && !made.includes(id));
    assert.equal(await session.get(id), undefined);
  });

  it("signing in gives a new id and ends the session that the attacker knows, its data gone (V7.2.4)", async () => {
    const session = new Session<Visitor>();
    const known = await session.create({ cart: ["planted"] });
    const request = session.open(withCookie(known));
    await request.login({ userId: "victim" });
    const headers = new Headers();
    request.writeTo(headers);
    const id = /^session_id=([\w-]+);/.exec(headers.getSetCookie()[0] ?? "")?.[1];
    assert.ok(id && id !== known);
    assert.deepEqual(await session.get(id), { userId: "victim" });
    assert.equal(await session.get(known), undefined);
    assert.equal(await session.fromRequest(withCookie(known)), undefined);
  });

  it("signing in as B over A's cookie keeps nothing of A", async () => {
    const session = new Session<Visitor>();
    const ofA = await session.create({ userId: "a", cart: ["of A"] });
    const request = session.open(withCookie(ofA));
    await request.login({ userId: "b" }, { keep: ["cart"] });
    assert.deepEqual(await request.data, { userId: "b" });
    assert.equal(await session.get(ofA), undefined);
  });

  it("a session cannot be given a user by an update: the id would survive the sign-in", async () => {
    const session = new Session<Visitor>();
    const known = await session.create({ cart: ["planted"] });
    await assert.rejects(session.update(known, { userId: "victim" }), { code: "ERR_USER_CHANGED" });
    await assert.rejects(
      session.update(known, () => ({ userId: "victim" })),
      { code: "ERR_USER_CHANGED" },
    );
    // As documents of databases are: their fields are not their own, and what they write is.
    const document: Visitor = Object.create({ toJSON: () => ({ userId: "victim" }) }) as Visitor;
    await assert.rejects(session.update(known, document), { code: "ERR_USER_CHANGED" });
    assert.deepEqual(await session.get(known), { cart: ["planted"] });
  });

  it("a slow request that still holds the old id does not keep it alive past a rotation", async () => {
    for (const [method, act] of [
      [
        "read",
        (session: Session<Visitor>, id: string) => session.update(id, () => ({ cart: ["late"] })),
      ],
      ["patch", (session: Session<Visitor>, id: string) => session.update(id, { cart: ["late"] })],
      ["move", (session: Session<Visitor>, id: string) => session.rotate(id)],
    ] as const) {
      const { store, pause } = pauseCalls(new MemoryStore<Visitor>());
      const session = new Session<Visitor>({ store });
      const id = await session.create({ userId: "alice" });
      const { reached, go } = pause(method, method === "read" ? "after" : "before");
      const late = act(session, id);
      await reached;
      const next = await session.rotate(id);
      go();
      assert.ok(!(await late), method);
      assert.equal(await session.get(id), undefined, method);
      assert.deepEqual(await session.get(next), { userId: "alice" }, method);
    }
  });

  it("a sibling domain that plants its own live session gets nobody into it, whichever cookie comes first (SESS-03)", async () => {
    const session = new Session<Visitor>();
    const victim = await session.create({ userId: "victim" });
    const planted = await session.create({ userId: "mallory" });
    for (const order of [withCookie(victim, planted), withCookie(planted, victim)])
      assert.equal(await session.fromRequest(order), undefined);
  });

  it("a sibling domain that plants what is no session does not lock the victim out (SESS-03)", async () => {
    const session = new Session<Visitor>();
    const victim = await session.create({ userId: "victim" });
    for (const planted of [forgedId(), "malformed", "", "A".repeat(32)]) {
      for (const order of [withCookie(victim, planted), withCookie(planted, victim)])
        assert.deepEqual(await session.fromRequest(order), { userId: "victim" });
    }
  });
});
