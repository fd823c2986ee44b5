// Changes of many sessions at once on a real MariaDB: how many round trips, and which sessions.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createPool, type Pool } from "mysql2/promise";
import { IdMaker, toStoreKey } from "../../../src/core/ids/session-id.ts";
import { MysqlStore } from "../../../src/stores/mysql.ts";
import { ManualClock } from "../../../src/testing.ts";
import {
  type MariadbServer,
  skipWithoutMariadb,
  startMariadbServer,
} from "../../support/mariadb-server.ts";
import { roundTrips } from "../../support/mariadb-status.ts";

type Fields = Record<string, unknown>;

describe("MysqlStore.patchAll and extendAll", { skip: skipWithoutMariadb() }, () => {
  let server: MariadbServer;
  let client: Pool;
  let watcher: Pool;
  const clock = new ManualClock();
  const ids = new IdMaker();
  const newKey = (): string => toStoreKey(ids.make(Math.floor(clock.now() / 1000)));
  const newSession = () => ({
    data: { a: 1 },
    createdAt: clock.now(),
    lastSeenAt: clock.now(),
    expiresAt: clock.now() + 60_000,
    endsAt: clock.now() + 90_000,
  });
  before(async () => {
    server = await startMariadbServer();
    client = createPool({ ...server.connection, connectionLimit: 1 });
    watcher = createPool({ ...server.connection, connectionLimit: 1 });
  });
  after(async () => {
    await client.end();
    await watcher.end();
    await server.stop();
  });

  it("changes the sessions of one moment in one transaction: four round trips, one more where some have ended", async () => {
    const store = new MysqlStore<Fields>({ client, clock, pruneInterval: false });
    await store.migrate();
    const keys = Array.from({ length: 64 }, newKey);
    for (const key of keys) await store.create(key, newSession());
    const patches = keys.map((key, n) => ({ key, patch: { set: { n } } }));
    const touches = keys.map((key) => ({
      key,
      to: { lastSeenAt: clock.now() + 1, expiresAt: clock.now() + 60_001 },
    }));
    assert.equal(await roundTrips(watcher, () => store.patchAll(patches)), 4);
    // A session that was touched is there, also where nothing had to move.
    assert.deepEqual(
      await store.extendAll(touches),
      keys.map(() => true),
    );
    assert.deepEqual(
      await store.extendAll(touches),
      keys.map(() => true),
    );
    const [gone] = keys;
    await store.remove(gone as string);
    assert.equal(await roundTrips(watcher, () => store.patchAll(patches)), 5);
    assert.deepEqual(
      await store.patchAll(patches),
      keys.map((key) => (key === gone ? "missing" : "done")),
    );
    assert.deepEqual((await store.extendAll(touches)).slice(0, 2), [false, true]);
    // What is of two shapes are two transactions, and what depends on a revision is a statement of
    // its own.
    const shapes = keys.slice(1).map((key, n) => ({
      key,
      patch: n % 2 === 0 ? { set: { n } } : { set: { n }, unset: ["a"] },
    }));
    assert.equal(await roundTrips(watcher, () => store.patchAll(shapes)), 8);
    assert.equal(
      await roundTrips(watcher, () =>
        store.patchAll(
          keys.slice(1, 11).map((key) => ({ key, patch: { set: { n: 0 }, ifRevision: 1 } })),
        ),
      ),
      10,
    );
  });

  it("fails nobody but the one that is too large for the server, and fills no statement up with a large one", async () => {
    await watcher.query("SET GLOBAL max_allowed_packet = 1048576");
    // Connections take the limit over when they are made.
    const pool = createPool({ ...server.connection, connectionLimit: 4 });
    const store = new MysqlStore<Fields>({ client: pool, clock, pruneInterval: false });
    const keys = Array.from({ length: 65 }, newKey);
    for (const key of keys) await store.create(key, newSession());
    const patchAll = (sizeOf: (n: number) => number) =>
      store.patchAll(
        keys.map((key, n) => ({ key, patch: { set: { text: "x".repeat(sizeOf(n)) } } })),
      );
    const textsOf = async (): Promise<unknown[]> =>
      (await store.read(keys)).map(
        (session) => (session?.data["text"] as string | undefined)?.length,
      );
    const outcomes = await patchAll((n) => (n === 3 ? 1_500_000 : 1));
    assert.ok(outcomes[3] instanceof Error);
    assert.deepEqual(
      outcomes.toSpliced(3, 1),
      keys.slice(1).map(() => "done"),
    );
    assert.deepEqual(
      await textsOf(),
      keys.map((_, n) => (n === 3 ? undefined : 1)),
    );
    // 65 are filled up to 128.
    assert.deepEqual(
      await patchAll((n) => (n === 64 ? 100_000 : 10)),
      keys.map(() => "done"),
    );
    assert.deepEqual(
      await patchAll(() => 20_000),
      keys.map(() => "done"),
    );
    assert.deepEqual(
      await textsOf(),
      keys.map(() => 20_000),
    );
    await pool.end();
  });
});
