// Changes of one turn of the event loop go to the store in one call, and are answered one by one.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  MemoryStore,
  type KeyedPatch,
  type PatchOutcome,
  Session,
  type SessionStore,
  StoreError,
} from "../../../src/session.ts";

type Fields = Record<string, unknown>;

/** A store elsewhere that takes several changes at once and notes each call. */
class GatheringStore {
  readonly calls: string[][] = [];
  readonly #memory = new MemoryStore<Fields>();
  fail: (() => never) | undefined;

  /** All that a MemoryStore does, but for what only a store in this process can. */
  readonly store: SessionStore<Fields> = new Proxy<SessionStore<Fields>>(this.#memory, {
    get: (target, name) => {
      if (name === "readSync") return undefined;
      if (name === "patchAll")
        return (patches: readonly KeyedPatch<Fields>[]) => this.patchAll(patches);
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" && name !== "constructor" ? member.bind(target) : member;
    },
  });

  async patchAll(patches: readonly KeyedPatch<Fields>[]): Promise<(PatchOutcome | Error)[]> {
    this.calls.push(patches.map(({ key }) => key));
    this.fail?.();
    return Promise.all(patches.map(({ key, patch }) => this.#memory.patch(key, patch)));
  }
}

async function signedIn(
  count: number,
): Promise<{ store: GatheringStore; session: Session<Fields>; ids: string[] }> {
  const store = new GatheringStore();
  const session = new Session<Fields>({ store: store.store });
  return {
    store,
    session,
    ids: await Promise.all(Array.from({ length: count }, () => session.create({ n: 0 }))),
  };
}

describe("Changes of one turn", () => {
  it("are one call of the store, and each is answered for itself", async () => {
    const { store, session, ids } = await signedIn(5);
    await session.delete(ids[3]);
    assert.deepEqual(await Promise.all(ids.map((id, n) => session.update(id, { n }))), [
      true,
      true,
      true,
      false,
      true,
    ]);
    assert.deepEqual(
      store.calls.map((keys) => keys.length),
      [5],
    );
    assert.deepEqual(await Promise.all(ids.map((id) => session.get(id))), [
      { n: 0 },
      { n: 1 },
      { n: 2 },
      undefined,
      { n: 4 },
    ]);
  });

  it("of one session go in several calls: no call names a session twice", async () => {
    const {
      store,
      session,
      ids: [id, other],
    } = await signedIn(2);
    const changes = [
      session.update(id, { a: 1 }),
      session.update(other, { a: 1 }),
      session.update(id, { b: 1 }),
      session.update(id, { c: 1 }),
    ];
    assert.deepEqual(await Promise.all(changes), [true, true, true, true]);
    assert.deepEqual(
      store.calls.map((keys) => keys.length),
      [2, 1, 1],
    );
    assert.deepEqual(await session.get(id), { n: 0, a: 1, b: 1, c: 1 });
  });

  it("are what they were when the change was asked for", async () => {
    const {
      session,
      ids: [id],
    } = await signedIn(1);
    const given = { list: [1] };
    const change = session.update(id, given);
    given.list.push(2);
    await change;
    assert.deepEqual(await session.get(id), { n: 0, list: [1] });
  });

  it("fail one and all when their call fails", async () => {
    const { store, session, ids } = await signedIn(3);
    store.fail = () => {
      throw new Error("of the driver");
    };
    const outcomes = await Promise.allSettled(ids.map((id) => session.update(id, { n: 1 })));
    for (const outcome of outcomes)
      assert.ok(
        outcome.status === "rejected" &&
          outcome.reason instanceof StoreError &&
          outcome.reason.operation === "patch",
      );
  });

  it("fail alone where the store answers with an error for one of them", async () => {
    const { store, session, ids } = await signedIn(3);
    const cause = new Error("of the data");
    store.patchAll = async () => ["done", cause, "missing"];
    const outcomes = await Promise.allSettled(ids.map((id) => session.update(id, { n: 1 })));
    assert.deepEqual(
      outcomes.map((outcome) =>
        outcome.status === "fulfilled"
          ? outcome.value
          : outcome.reason instanceof StoreError && outcome.reason.cause,
      ),
      [true, cause, false],
    );
  });

  it("fail when the store answers for fewer than it was asked", async () => {
    const { store, session, ids } = await signedIn(2);
    store.patchAll = async () => ["done"];
    const [outcome] = await Promise.allSettled(ids.map((id) => session.update(id, { n: 1 })));
    assert.ok(outcome?.status === "rejected");
    assert.match(
      String((outcome.reason as Error).cause),
      /patch of the store gave 1 for 2 keys, one for each is wanted/,
    );
  });
});
