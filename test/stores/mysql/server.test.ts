// What MysqlStore asks of a real MariaDB: round trips, waits, migrations, pruning; and what it
// refuses.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, it } from "node:test";
import { createPool, type Pool, type RowDataPacket } from "mysql2/promise";
import { IdMaker, toStoreKey } from "../../../src/core/ids/session-id.ts";
import { Session } from "../../../src/session.ts";
import { MysqlStore, type MysqlStoreOptions } from "../../../src/stores/mysql.ts";
import { ManualClock } from "../../../src/testing.ts";
import {
  type MariadbServer,
  skipWithoutMariadb,
  startMariadbServer,
} from "../../support/mariadb-server.ts";
import { roundTrips as countRoundTrips, statusOf } from "../../support/mariadb-status.ts";
import { until } from "../../support/waits.ts";

type Fields = Record<string, unknown>;

describe("MysqlStore and its server", { skip: skipWithoutMariadb() }, () => {
  let server: MariadbServer;
  let client: Pool;
  let watcher: Pool;
  const clock = new ManualClock();
  const ids = new IdMaker();
  const newId = (): string => ids.make(Math.floor(clock.now() / 1000));
  const newKey = (): string => toStoreKey(newId());
  const newSession = (userId?: string) => {
    const now = clock.now();
    return {
      data: { a: 1 },
      createdAt: now,
      lastSeenAt: now,
      expiresAt: now + 60_000,
      endsAt: now + 90_000,
      ...(userId !== undefined && { userId }),
    };
  };
  const open = async (options: Partial<MysqlStoreOptions> = {}) => {
    const store = new MysqlStore<Fields>({ client, clock, pruneInterval: false, ...options });
    await store.migrate();
    return store;
  };
  const roundTrips = (work: () => Promise<unknown>): Promise<number> =>
    countRoundTrips(watcher, work);
  before(async () => {
    server = await startMariadbServer();
    client = createPool({ ...server.connection, connectionLimit: 1 });
    watcher = createPool({ ...server.connection, connectionLimit: 2, multipleStatements: true });
  });
  after(async () => {
    await client.end();
    await watcher.end();
    await server.stop();
  });

  it("takes one round trip for each change, and for the reads of many", async () => {
    const store = await open();
    const keys = Array.from({ length: 30 }, newKey);
    for (const key of keys) await store.create(key, newSession());
    const key = (): string => keys.shift() as string;
    const live = newKey();
    await store.create(live, newSession());
    assert.equal(await roundTrips(() => store.create(newKey(), newSession("ann"))), 1);
    assert.equal(await roundTrips(() => store.read([live])), 1);
    assert.equal(await roundTrips(() => store.read(keys)), 1);
    assert.equal(await roundTrips(() => store.read([])), 0);
    assert.equal(await roundTrips(() => store.read(["no key", "../etc/passwd", ""])), 0);
    assert.equal(
      await roundTrips(() =>
        store.extend(live, { lastSeenAt: clock.now() + 1, expiresAt: clock.now() + 60_001 }),
      ),
      1,
    );
    assert.equal(await roundTrips(() => store.patch(live, { set: { b: 2 }, unset: ["c"] })), 1);
    assert.equal(await roundTrips(() => store.patch(live, { set: { b: 2 }, ifRevision: 1 })), 1);
    assert.equal(
      await roundTrips(() => store.patch(newKey(), { set: { b: 2 }, ifRevision: 1 })),
      1,
    );
    assert.equal(await roundTrips(() => store.move(key(), newKey())), 1);
    assert.equal(await roundTrips(() => store.remove(key())), 1);
    assert.equal(await roundTrips(() => store.listByUser("ann")), 1);
    assert.equal(await roundTrips(() => store.removeAll()), 1);
  });

  it("takes two round trips to end a user's sessions, and five or six to create within a cap", async () => {
    const store = await open();
    assert.equal(await roundTrips(() => store.removeByUser("bob")), 2);
    assert.equal(
      await roundTrips(() =>
        store.create(newKey(), newSession("bob"), { limit: 5, onLimit: "deny" }),
      ),
      5,
    );
    assert.equal(
      await roundTrips(() =>
        store.create(newKey(), newSession("bob"), { limit: 1, onLimit: "evict-oldest" }),
      ),
      6,
    );
    assert.equal(
      await roundTrips(() =>
        store.create(newKey(), newSession("bob"), { limit: 1, onLimit: "deny" }),
      ),
      4,
    );
  });

  it("is asked once for a request with a session, twice with a due touch, never for one without", async () => {
    const store = await open();
    const session = new Session({ store, clock });
    const id = await session.create({ a: 1 });
    const request = (value: string) => ({ headers: { cookie: `session_id=${value}` } });
    assert.equal(await roundTrips(() => session.fromRequest(request(id))), 1);
    const due = async (): Promise<void> => {
      clock.advance(61_000);
      const visited = new Session({ store, clock });
      // Activity is written beside the request: closing waits for it.
      await visited.fromRequest(request(id)).then(() => visited.close());
    };
    assert.equal(await roundTrips(due), 2);
    assert.equal(await roundTrips(() => session.fromRequest({ headers: {} })), 0);
    assert.equal(await roundTrips(() => session.fromRequest(request("malformed"))), 0);
    assert.equal(await roundTrips(() => session.fromRequest(request(new IdMaker().make(1)))), 0);
  });

  it("prepares few statements for any number of keys and fields", async () => {
    const store = await open();
    const key = newKey();
    await store.create(key, newSession());
    const earlier = await statusOf(watcher, "Com_stmt_prepare");
    for (let size = 1; size <= 64; size++) {
      await store.read(Array.from({ length: size }, newKey));
      await store.patch(key, {
        set: Object.fromEntries(Array.from({ length: size }, (_, n) => [`f${n}`, n])),
      });
    }
    const prepared = (await statusOf(watcher, "Com_stmt_prepare")) - earlier;
    assert.ok(prepared <= 14, `${prepared} statements`);
  });

  it("makes its table once, asked by many at the same time", async () => {
    const pools = Array.from({ length: 8 }, () => createPool(server.connection));
    const stores = pools.map(
      (pool) =>
        new MysqlStore<Fields>({ client: pool, clock, table: "made_once", pruneInterval: false }),
    );
    await Promise.all(stores.flatMap((store) => [store.migrate(), store.migrate()]));
    const key = newKey();
    assert.equal(
      (await (stores[0] as MysqlStore<Fields>).create(key, newSession())).outcome,
      "created",
    );
    await Promise.all(stores.map((store) => store.migrate()));
    assert.ok((await (stores[7] as MysqlStore<Fields>).read([key]))[0]);
    await watcher.query((stores[0] as MysqlStore<Fields>).schema());
    await Promise.all(pools.map((pool) => pool.end()));
  });

  it("migrate refuses a table that it did not make, and brings back nothing where the epoch's table was lost", async () => {
    await watcher.query("CREATE TABLE foreign_one (session_key CHAR(52) PRIMARY KEY)");
    await assert.rejects(
      open({ table: "foreign_one" }),
      /^Error: Cannot migrate: there is a table of this name without a column epoch/,
    );
    const store = await open({ table: "robbed" });
    await store.set("name", { n: 1 });
    await watcher.query("DELETE FROM robbed_epoch");
    assert.equal(await store.get("name"), undefined);
    await assert.rejects(store.set("other", {}), /'epoch' cannot be null/);
    await assert.rejects(store.removeAll(), /the table of the epoch is empty/);
    await assert.rejects(
      store.create(newKey(), newSession("u"), { limit: 1, onLimit: "deny" }),
      /the table of the epoch is empty/,
    );
    await store.migrate();
    assert.equal(await store.get("name"), undefined);
  });

  it("tells subscribers of what it does and finds, of nothing that failed and of nothing that others do", async () => {
    const [store, other] = [await open({ table: "told" }), await open({ table: "told" })];
    const changes: unknown[] = [];
    const stop = await store.subscribe((change) => changes.push(change));
    const told = (): unknown[] => changes.splice(0);
    const [key, nextKey, newest, dead, ended] = [newKey(), newKey(), newKey(), newKey(), newKey()];
    const cap = { limit: 1, onLimit: "evict-oldest" } as const;
    await store.create(key, newSession("u"));
    await store.patch(key, { set: { n: 1 } });
    await store.patch(key, { facts: { authenticatedAt: 1 }, ifRevision: 2 });
    await store.move(key, nextKey);
    assert.deepEqual(told(), [
      { type: "changed", key },
      { type: "changed", key },
      { type: "moved", key, nextKey },
    ]);
    await store.create(newest, newSession("u"), cap);
    assert.equal(await store.removeByUser("u", { except: [key] }), 1);
    assert.deepEqual(told(), [
      { type: "evicted", key: nextKey },
      { type: "removed", key: newest },
    ]);
    await store.create(dead, { ...newSession(), expiresAt: clock.now() });
    await store.create(ended, { ...newSession(), expiresAt: clock.now(), endsAt: clock.now() });
    assert.equal(await store.prune(), 2);
    const expired = [
      { type: "expired", key: dead, limit: "idle" },
      { type: "expired", key: ended, limit: "absolute" },
    ];
    assert.deepEqual(
      told()
        .map((change) => JSON.stringify(change))
        .sort(),
      expired.map((change) => JSON.stringify(change)).sort(),
    );
    await store.create(key, newSession());
    await store.removeAll();
    // What has ended with everything was told with it.
    assert.equal(await store.prune(), 1);
    assert.deepEqual(told(), [{ type: "cleared" }]);
    for (const failed of [
      store.patch(key, {}),
      store.patch(key, { ifRevision: 1 }),
      store.move(key, nextKey),
      store.remove(key),
      store.removeByUser("u"),
    ])
      await failed;
    await other.create(key, newSession());
    await store.remove(key);
    assert.deepEqual(told(), [{ type: "removed", key }]);
    await other.set("name", {});
    await stop();
    await store.removeAll();
    assert.deepEqual(told(), []);
  });

  it("scan misses no session that rotates meanwhile", async () => {
    const store = await open({ table: "scanned" });
    const now = clock.now();
    const births = [100, 100, 100, 100, 101, 101, 102, 103, 103, 103].map(
      (behind) => Math.floor(now / 1000) - behind,
    );
    let keys = births.map((birth) => toStoreKey(ids.make(birth)));
    for (const key of keys) await store.create(key, newSession(`owner-${key}`));
    const owners = new Set(keys.map((key) => `owner-${key}`));
    const seen = new Set<string | undefined>();
    let cursor: string | undefined;
    do {
      const page = await store.scan(cursor, { limit: 2 });
      for (const { session } of page.sessions) seen.add(session.userId);
      cursor = page.cursor;
      const next = births.map((birth) => toStoreKey(ids.make(birth)));
      for (const [at, key] of keys.entries()) assert.ok(await store.move(key, next[at] as string));
      keys = next;
    } while (cursor !== undefined);
    assert.deepEqual(seen, owners);
  });

  it("prunes thousands of expired rows in small steps, and only those", async () => {
    const store = await open({ table: "pruned" });
    const dead = Array.from({ length: 12_000 }, newKey);
    const sql =
      "INSERT INTO pruned (session_key, version, data, revision, created_at, last_seen_at, expires_at, ends_at, epoch) VALUES ?";
    const [[row]] = await watcher.query<RowDataPacket[]>("SELECT epoch FROM pruned_epoch");
    await watcher.query(sql, [
      dead.map((key) => [key, 1, "{}", 1, 1, 1, clock.now(), clock.now(), row?.["epoch"]]),
    ]);
    const alive = newKey();
    await store.create(alive, newSession());
    assert.equal(await store.prune(), dead.length);
    assert.equal(await store.prune(), 0);
    assert.ok((await store.read([alive]))[0]);
  });

  it("prunes by itself from time to time until it is closed", async () => {
    const table = "pruning";
    const store = await open({ table, pruneInterval: 10 });
    const counted = async (): Promise<number> => {
      const [rows] = await watcher.query<RowDataPacket[]>(`SELECT COUNT(*) AS n FROM ${table}`);
      return Number(rows[0]?.["n"]);
    };
    await store.create(newKey(), newSession());
    clock.advance(60_000);
    await until("the sessions to be pruned", async () => (await counted()) === 0);
    await store.create(newKey(), newSession());
    const scheduled = clock.scheduled;
    await store.close();
    assert.equal(clock.scheduled, scheduled - 1);
    clock.advance(60_000);
    assert.equal(await counted(), 1);
  });

  it("asks again when a lock was not to be had in time", async () => {
    const impatient = createPool(server.connection);
    impatient.on(
      "connection",
      (made) => void made.query("SET SESSION innodb_lock_wait_timeout = 1"),
    );
    const store = await open({ client: impatient });
    const key = newKey();
    await store.create(key, newSession("carl"));
    const other = await watcher.getConnection();
    await other.query("START TRANSACTION");
    await other.query("SELECT * FROM harpiats_sessions WHERE session_key = ? FOR UPDATE", [key]);
    const patched = store.patch(key, { set: { waited: true } });
    // One wait ends in vain, the next one does not.
    await sleep(1300);
    await other.query("ROLLBACK");
    assert.equal(await patched, "done");
    await other.query("START TRANSACTION");
    await other.query("SELECT * FROM harpiats_sessions WHERE session_key = ? FOR UPDATE", [key]);
    await assert.rejects(store.remove(key), { errno: 1205 });
    await other.query("ROLLBACK");
    other.release();
    assert.ok((await store.read([key]))[0]);
    await impatient.end();
  });

  it("acknowledges nothing that is in somebody's transaction", async () => {
    const manual = createPool({ ...server.connection, connectionLimit: 1 });
    manual.on("connection", (made) => void made.query("SET SESSION autocommit = 0"));
    const store = await open({ client: manual });
    await assert.rejects(store.create(newKey(), newSession()), /autocommit is off/);
    await manual.end();
  });

  it("leaves connections as it found them", async () => {
    const store = await open();
    await store.create(newKey(), newSession("dora"), { limit: 1, onLimit: "deny" });
    await assert.rejects(
      store.create(
        newKey(),
        { ...newSession("dora"), expiresAt: 1e300 },
        { limit: 5, onLimit: "deny" },
      ),
    );
    await store.removeByUser("dora");
    const [rows] = await client.query<RowDataPacket[]>(
      "SELECT @@autocommit AS a, @@in_transaction AS t, @@tx_isolation AS i",
    );
    assert.deepEqual({ ...rows[0] }, { a: 1, t: 0, i: "REPEATABLE-READ" });
  });
});

describe("MysqlStore", () => {
  it("refuses options that make no sense", () => {
    const client = createPool({});
    const wrong: [Record<string, unknown>, RegExp][] = [
      [{ client: undefined }, /^Cannot use this client: got undefined, expected a pool/],
      [
        { client: {} },
        /^Cannot use this client: got an object, expected a pool or connection of mysql2$/,
      ],
      [{ table: "a`b" }, /Invalid option table: /],
      [{ table: "x".repeat(59) }, /Invalid option table: /],
      [{ table: 7 }, /Invalid option table: /],
      [{ pruneInterval: 0 }, /Invalid option pruneInterval: got 0, /],
      [{ statementTimeout: Number.NaN }, /Invalid option statementTimeout: got NaN, /],
      [{ pruneInterval: "9" }, /Invalid option pruneInterval: got a string, /],
      [{ onUnreadable: () => {} }, /Invalid option onUnreadable: /],
    ];
    for (const table of ["", "a.b.c"]) wrong.push([{ table }, /Invalid option table: /]);
    for (const [options, message] of wrong) {
      // Wrong on purpose.
      assert.throws(
        () =>
          new MysqlStore({
            client,
            pruneInterval: false,
            ...options,
          } as unknown as MysqlStoreOptions),
        { message },
      );
    }
  });

  it("refuses keys that no id has, cursors that it did not give and limits that are none", async () => {
    const store = new MysqlStore({ client: createPool({}), pruneInterval: false });
    const session = { data: {}, createdAt: 0, lastSeenAt: 0, expiresAt: 1, endsAt: 1 };
    const key = toStoreKey("any");
    await assert.rejects(store.create("ä", session), TypeError);
    await assert.rejects(store.move(key, "short"), TypeError);
    assert.equal(await store.move("short", key), false);
    assert.equal(await store.remove(`${key} `), false);
    assert.equal(await store.extend("", { lastSeenAt: 1, expiresAt: 1 }), false);
    assert.equal(await store.patch("?", {}), "missing");
    await assert.rejects(store.scan("'"), TypeError);
    await assert.rejects(store.scan(undefined, { limit: 0 }), RangeError);
  });
});
