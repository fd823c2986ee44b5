// Loops over conflicts end, and never keep the rest of the process waiting.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { retryOnConflict } from "../../../src/core/store/retry-on-conflict.ts";
import type { PatchOutcome, SessionPatch } from "../../../src/core/store.ts";
import { MemoryStore, Session, type StoreError } from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";
import { EncryptedStore } from "../../../src/stores/encrypted.ts";

interface Fields extends Record<string, unknown> {
  userId?: string;
  n?: number;
}

/** A store in whose place another change always comes first. */
class Busy extends MemoryStore<Fields> {
  patches = 0;
  isBusy = true;

  override async patch(key: string, patch: SessionPatch<Fields>): Promise<PatchOutcome> {
    if (patch.ifRevision === undefined || !this.isBusy) return super.patch(key, patch);
    this.patches++;
    return "conflict";
  }
}

const operation = { what: "try", store: "Busy", operation: "patch" };

describe("retryOnConflict", () => {
  it("tries until there is an answer, and gives up at its limit", async () => {
    let calls = 0;
    const answer = await retryOnConflict(
      async () => (++calls < 5 ? "conflict" : calls),
      operation,
      5,
    );
    assert.equal(answer, 5);
    calls = 0;
    const never = async (): Promise<"conflict"> => (calls++, "conflict");
    await assert.rejects(retryOnConflict(never, operation), (error: StoreError) => {
      assert.equal(error.code, "ERR_STORE_CONFLICT");
      assert.equal(error.message, "Cannot try: another change came first 1000 times");
      return true;
    });
    assert.equal(calls, 1000);
  });

  it("lets timers and sockets have their turn while it tries", async () => {
    let turns = 0;
    let isDone = false;
    const count = (): void => void (isDone || (turns++, setImmediate(count)));
    setImmediate(count);
    await retryOnConflict(async () => "conflict" as const, operation).catch(() => {});
    isDone = true;
    assert.ok(turns >= 10, String(turns));
  });
});

describe("A store that always says conflict", () => {
  const clock = new ManualClock();
  const works: [string, (session: Session<Fields>, id: string) => Promise<unknown>][] = [
    ["update", (session, id) => session.update(id, ({ n = 0 }) => ({ n: n + 1 }))],
    ["reauthenticate", (session, id) => session.reauthenticate(id)],
    ["rotate", (session, id) => session.rotate(id)],
    ["a renewal", (session, id) => session.renew(id, new Headers())],
    [
      "a request's renewal and flash",
      async (session, id) => {
        const own = session.open({ headers: { cookie: `session_id=${id}` } });
        own.flash("notice", "saved");
        await own.commit();
        await own.takeFlash("notice");
      },
    ],
  ];
  for (const [name, work] of works) {
    it(`keeps nobody waiting: ${name}`, async () => {
      for (const renewEvery of [undefined, 900]) {
        const store = new Busy({ clock });
        const session = new Session<Fields>({
          store,
          clock,
          ...(renewEvery !== undefined && { renewEvery }),
        });
        const id = await session.create({ userId: "1" });
        clock.advance(900_000);
        const outcome = await work(session, id).then(
          () => "done",
          (error: StoreError) => error.code,
        );
        // Whatever it needs: what cannot be done without agreement says so.
        assert.ok(["done", "ERR_STORE_CONFLICT"].includes(outcome), outcome);
        if (name === "update") assert.equal(outcome, "ERR_STORE_CONFLICT");
        // A request commits before it takes a message: two operations.
        assert.ok(store.patches <= 2000, `${store.patches} tries`);
      }
    });
  }

  it("is told of by set, and by an EncryptedStore over it", async () => {
    const busy = new Busy();
    const sealed = new EncryptedStore<Fields>(busy, {
      keys: [Buffer.alloc(32, 1)],
    });
    for (const store of [busy, sealed]) {
      const session = new Session<Fields>({ store });
      const id = await session.create({ n: 1 });
      await assert.rejects(store.set(id, { n: 2 }), { code: "ERR_STORE_CONFLICT" });
      await assert.rejects(
        session.update(id, () => ({ n: 3 })),
        { code: "ERR_STORE_CONFLICT" },
      );
    }
  });
});
