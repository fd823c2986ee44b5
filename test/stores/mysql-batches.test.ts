// Changes of many sessions at once on a real MariaDB: how many round trips, and which sessions.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createPool, type Pool, type RowDataPacket } from "mysql2/promise";
import { IdMaker, toStoreKey } from "../../src/core/session-id.ts";
import { MysqlStore } from "../../src/stores/mysql.ts";
import { ManualClock } from "../../src/testing.ts";
import { type MariadbServer, skipWithoutMariadb, startMariadbServer } from "../support/mariadb-server.ts";

type Fields = Record<string, unknown>;

describe("MysqlStore.patchAll and extendAll", { skip: skipWithoutMariadb() }, () => {
  let server: MariadbServer;
  let client: Pool;
  let watcher: Pool;
  const clock = new ManualClock();
  const ids = new IdMaker();
  const newKey = (): string => toStoreKey(ids.make(Math.floor(clock.now() / 1000)));
  const newSession = () => ({ data: { a: 1 }, createdAt: clock.now(), lastSeenAt: clock.now(), expiresAt: clock.now() + 60_000, endsAt: clock.now() + 90_000 });
  const questions = async (): Promise<number> => {
    const [rows] = await watcher.query<RowDataPacket[]>("SHOW GLOBAL STATUS LIKE 'Questions'");
    return Number(rows[0]?.["Value"]);
  };
  /** Statements that the server was asked to run. They are prepared already: that is not counted. */
  const roundTrips = async (work: () => Promise<unknown>): Promise<number> => {
    await work();
    const earlier = await questions();
    await work();
    return (await questions()) - earlier - 1;
  };
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
    const touches = keys.map((key) => ({ key, to: { lastSeenAt: clock.now() + 1, expiresAt: clock.now() + 60_001 } }));
    assert.equal(await roundTrips(() => store.patchAll(patches)), 4);
    // A session that was touched is there, also where nothing had to move.
    assert.deepEqual(await store.extendAll(touches), keys.map(() => true));
    assert.deepEqual(await store.extendAll(touches), keys.map(() => true));
    const [gone] = keys;
    await store.remove(gone as string);
    assert.equal(await roundTrips(() => store.patchAll(patches)), 5);
    assert.deepEqual(await store.patchAll(patches), keys.map((key) => (key === gone ? "missing" : "done")));
    assert.deepEqual((await store.extendAll(touches)).slice(0, 2), [false, true]);
    // What is of two shapes are two transactions, and what depends on a revision is a statement of its own.
    const shapes = keys.slice(1).map((key, n) => ({ key, patch: n % 2 === 0 ? { set: { n } } : { set: { n }, unset: ["a"] } }));
    assert.equal(await roundTrips(() => store.patchAll(shapes)), 8);
    assert.equal(await roundTrips(() => store.patchAll(keys.slice(1, 11).map((key) => ({ key, patch: { set: { n: 0 }, ifRevision: 1 } })))), 10);
  });
});
