// Several commits of one request at once, as of parallel procedures in one batch: one session, and
// nothing of any of them is lost.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryStore, Session } from "../../../src/session.ts";
import { pauseCalls } from "../../support/pausing-store.ts";

interface Data {
  a?: number;
  b?: number;
}

describe("RequestSession, commits at once", () => {
  it("begins one session, and keeps what was set while it began", async () => {
    const inner = new MemoryStore<Data>();
    const { store, pause } = pauseCalls(inner);
    const own = new Session<Data>({ store }).open({ headers: {} });
    const { reached, go } = pause("create", "before");
    own.set("a", 1);
    const first = own.commit();
    await reached;
    own.set("b", 2);
    const second = own.commit();
    go();
    await Promise.all([first, second]);
    assert.deepEqual([await own.data, await inner.count()], [{ a: 1, b: 2 }, 1]);
  });

  it("signs in after a commit that nobody waited for, and leaves no session behind", async () => {
    const inner = new MemoryStore<Data>();
    const { store, pause } = pauseCalls(inner);
    const own = new Session<Data>({ store }).open({ headers: {} });
    const { reached, go } = pause("create", "before");
    own.set("a", 1);
    const floating = own.commit();
    await reached;
    const signedIn = own.login({ b: 2 }, { keep: ["a"] });
    go();
    await Promise.all([floating, signedIn]);
    assert.deepEqual([await own.data, await inner.count()], [{ a: 1, b: 2 }, 1]);
  });

  it("has changes as long as they are being written: a response waits for a commit that nobody waited for", async () => {
    const { store, pause } = pauseCalls(new MemoryStore<Data>());
    const own = new Session<Data>({ store }).open({ headers: {} });
    const { reached, go } = pause("create", "before");
    own.set("a", 1);
    const floating = own.commit();
    await reached;
    assert.equal(own.hasChanges, true);
    go();
    await Promise.all([floating, own.commit()]);
    assert.equal(own.hasChanges, false);
  });
});
