// Every meaning of the store contract as a test, for our stores and for anybody's. Which runner
// runs them is the caller's choice; what can be shown in one process is here, what takes several or
// a killed server is not.
import assert from "node:assert/strict";
import { birthOf, IdMaker, toStoreKey } from "../core/ids/session-id.ts";
import type { SessionStore } from "../core/store.ts";
import { isSessionStore, toSessionStore } from "../core/store/three-method-store.ts";
import { batchTests } from "./conformance-batches.ts";
import {
  type Bench,
  LIFETIME,
  type OpenedStore,
  type StoreConformanceOptions,
  type TestRunner,
  type Fields,
} from "./conformance-bench.ts";
import { moveTests } from "./conformance-moves.ts";
import { recordTests } from "./conformance-records.ts";
import { userTests } from "./conformance-users.ts";
import { ManualClock } from "./manual-clock.ts";

/**
 * Runs the conformance suite on a store.
 *
 * A three-method store is held to what {@link toSessionStore} makes of it: no idle limit, no users,
 * no lists.
 */
export function storeConformance(runner: TestRunner, options: StoreConformanceOptions): void {
  const { describe, before, after } = runner;
  const { contract = "SessionStore" } = options;
  const isWhole = contract === "SessionStore";
  describe(`${options.name} keeps the store contract`, () => {
    const clock = new ManualClock();
    const ids = new IdMaker();
    let opened: OpenedStore | undefined;
    let store: SessionStore<Fields> | undefined;
    let users = 0;
    const nextId = (): string => ids.make(Math.floor(clock.now() / 1000));
    const bench: Bench = {
      clock,
      get store() {
        return store as SessionStore<Fields>;
      },
      newId: nextId,
      newKey(sameBirthAs) {
        const birth =
          sameBirthAs === undefined
            ? Math.floor(clock.now() / 1000)
            : isWhole
              ? Number.parseInt(sameBirthAs.slice(0, 8), 16)
              : birthOf(sameBirthAs);
        const id = ids.make(birth);
        return isWhole ? toStoreKey(id) : id;
      },
      newUser: () => `user-${++users}-${nextId().slice(-8)}`,
      session(data = { name: "a" }, more = {}) {
        const now = clock.now();
        return {
          data,
          createdAt: now,
          lastSeenAt: now,
          expiresAt: now + LIFETIME,
          endsAt: now + 10 * LIFETIME,
          ...more,
        };
      },
    };

    before(async () => {
      opened = await options.open(clock);
      assert.equal(
        isSessionStore(opened.store),
        isWhole,
        `${options.name} is to be tested as a ${contract}`,
      );
      store = isSessionStore(opened.store) ? opened.store : toSessionStore(opened.store, { clock });
    });
    after(async () => void (await opened?.close?.()));

    recordTests(runner, bench, isWhole);
    if (isWhole) moveTests(runner, bench);
    if (isWhole) batchTests(runner, bench);
    if (isWhole) userTests(runner, bench);

    runner.it("get, set and delete take ids", async () => {
      const id = bench.newId();
      assert.equal(await bench.store.get(id), undefined);
      await bench.store.set(id, { name: "a", gone: 1 });
      await bench.store.set(id, { name: "b", more: [1] });
      assert.deepEqual(await bench.store.get(id), { name: "b", more: [1] });
      await bench.store.delete(id);
      await bench.store.delete(id);
      assert.equal(await bench.store.get(id), undefined);
    });

    runner.it("get, set and delete take any text", async () => {
      for (const id of ["session123", "", "../etc/passwd", "ä ö", "x".repeat(5000)]) {
        await bench.store.set(id, { id });
        assert.deepEqual(await bench.store.get(id), { id });
        await bench.store.delete(id);
        assert.equal(await bench.store.get(id), undefined);
      }
    });

    if (!isWhole) return;
    runner.it("set by id replaces the data of a session and leaves its deadlines", async () => {
      const id = bench.newId();
      const session = bench.session({ name: "a" });
      await bench.store.create(toStoreKey(id), session);
      await bench.store.set(id, { other: true });
      const [stored] = await bench.store.read([toStoreKey(id)]);
      assert.deepEqual(stored?.data, { other: true });
      assert.equal(stored?.expiresAt, session.expiresAt);
    });
  });
}
