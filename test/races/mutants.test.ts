// The races suite must be able to fail: each mutant breaks one promise, and the suite has to say
// which.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Changes,
  MemoryStore,
  type NewSession,
  type PatchOutcome,
  Session,
  type SessionPatch,
  type Updater,
} from "../../src/session.ts";
import { ManualClock } from "../../src/testing.ts";
import { type Fields, LIFETIME } from "../../src/testing/conformance-bench.ts";
import type { MakeSession, OperationName } from "./operations.ts";
import { allPairs, race } from "./race-suite.ts";

class UpsertingPatch extends MemoryStore<Fields> {
  override async patch(key: string, patch: SessionPatch<Fields>): Promise<PatchOutcome> {
    const outcome = await super.patch(key, patch);
    if (outcome === "missing")
      await this.create(key, { ...this.#begin(), data: { counter: 0, ...patch.set } });
    return outcome === "conflict" ? outcome : "done";
  }

  #begin(): NewSession<Fields> {
    const now = this.clock.now();
    return {
      data: {},
      createdAt: now,
      lastSeenAt: now,
      expiresAt: now + LIFETIME,
      endsAt: now + LIFETIME,
    };
  }
}

class ForgetfulIndex extends MemoryStore<Fields> {
  override async removeByUser(userId: string): Promise<number> {
    const [oldest] = await this.listByUser(userId);
    return oldest && (await this.remove(oldest.key)) ? 1 : 0;
  }
}

class MoveThatCopies extends MemoryStore<Fields> {
  override async move(key: string, nextKey: string): Promise<boolean> {
    const [session] = await this.read([key]);
    return session !== undefined && (await this.create(nextKey, session)).outcome === "created";
  }
}

class MoveWithoutFacts extends MemoryStore<Fields> {
  override async move(key: string, nextKey: string): Promise<boolean> {
    return super.move(key, nextKey);
  }
}

class ForgetfulEnd extends MemoryStore<Fields> {
  override async removeAll(): Promise<void> {
    const { sessions } = await this.scan(undefined, { limit: 1 });
    for (const { key } of sessions) await this.remove(key);
  }
}

class PatchWithoutCondition extends MemoryStore<Fields> {
  override async patch(
    key: string,
    { ifRevision: _, ...patch }: SessionPatch<Fields>,
  ): Promise<PatchOutcome> {
    return super.patch(key, patch);
  }
}

class GetThenSet extends Session<Fields> {
  readonly #store: MemoryStore<Fields>;

  constructor(options: ConstructorParameters<typeof Session<Fields>>[0]) {
    super(options);
    this.#store = options?.store as MemoryStore<Fields>;
  }

  override async update(
    id: string | undefined,
    changes: Changes<Fields> | Updater<Fields>,
  ): Promise<boolean> {
    const data = await this.get(id);
    if (!data) return false;
    await this.#store.set(id as string, {
      ...data,
      ...(typeof changes === "function" ? await changes(data) : changes),
    });
    return true;
  }
}

/** What is violated where only these race: all pairs would take a minute for each mutant. */
async function violationsOf(
  names: OperationName[],
  store: MemoryStore<Fields>,
  clock: ManualClock,
  makeSession?: MakeSession,
): Promise<string[]> {
  const found = new Set<string>();
  for (const pair of allPairs(names))
    for (const violation of (
      await race({ store, clock, ...(makeSession && { makeSession }) }, pair)
    ).violated)
      found.add(violation);
  return [...found];
}

describe("the races suite", () => {
  it("finds a patch that creates", async () => {
    const clock = new ManualClock();
    assert.ok(
      (await violationsOf(["update a", "logout"], new UpsertingPatch({ clock }), clock)).includes(
        "I1 a logged-out session is readable",
      ),
    );
  });

  it("finds an update that gets and then sets", async () => {
    const clock = new ManualClock();
    const found = await violationsOf(
      ["update a", "update b", "increment", "logout"],
      new MemoryStore({ clock }),
      clock,
      (options) => new GetThenSet(options),
    );
    for (const promise of [
      "I1 a logged-out session is readable",
      "I4 the update of a is lost",
      "I4 the counter is not exact",
    ])
      assert.ok(found.includes(promise), promise);
  });

  it("finds a revocation that forgets a session", async () => {
    const clock = new ManualClock();
    assert.ok(
      (await violationsOf(["touch", "revoke all"], new ForgetfulIndex({ clock }), clock)).includes(
        "I2 a session outlives the revocation of its user",
      ),
    );
  });

  it("finds an end of everything that forgets a session", async () => {
    const clock = new ManualClock();
    assert.ok(
      (
        await violationsOf(["touch", "revoke everything"], new ForgetfulEnd({ clock }), clock)
      ).includes("I2 a session outlives the revocation of everything"),
    );
  });

  it("finds a patch that heeds no revision", async () => {
    const clock = new ManualClock();
    const found = await violationsOf(
      ["increment", "renew"],
      new PatchWithoutCondition({ clock }),
      clock,
    );
    for (const promise of [
      "I3 an id that was renewed twice has two successors",
      "I4 the counter is not exact",
    ])
      assert.ok(found.includes(promise), promise);
  });

  it("finds a move that leaves the facts behind", async () => {
    const clock = new ManualClock();
    assert.ok(
      (
        await violationsOf(["touch", "reauthenticate"], new MoveWithoutFacts({ clock }), clock)
      ).includes("I10 a re-authentication is forgotten"),
    );
  });

  it("finds a rotation that leaves the old id alive", async () => {
    const clock = new ManualClock();
    assert.ok(
      (await violationsOf(["touch", "rotate"], new MoveThatCopies({ clock }), clock)).includes(
        "I3 a session has two current ids",
      ),
    );
  });
});
