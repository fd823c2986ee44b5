// What MysqlStore leaves behind on connections, where calls were given up and where somebody else
// left a transaction open.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Connection, createConnection, createPool, type RowDataPacket } from "mysql2/promise";
import { IdMaker, toStoreKey } from "../../../src/core/ids/session-id.ts";
import { MysqlStore, type MysqlStoreOptions } from "../../../src/stores/mysql.ts";
import {
  type MariadbServer,
  skipWithoutMariadb,
  startMariadbServer,
} from "../../support/mariadb-server.ts";

type Fields = Record<string, unknown>;

describe("MysqlStore and connections", { skip: skipWithoutMariadb() }, () => {
  let server: MariadbServer;
  let watcher: Connection;
  const ids = new IdMaker();
  const newKey = (): string => toStoreKey(ids.make(Math.floor(Date.now() / 1000)));
  const newSession = (userId: string) => ({
    data: {},
    createdAt: Date.now(),
    lastSeenAt: Date.now(),
    expiresAt: Date.now() + 600_000,
    endsAt: Date.now() + 600_000,
    userId,
  });
  const open = async (options: Partial<MysqlStoreOptions> & Pick<MysqlStoreOptions, "client">) => {
    const store = new MysqlStore<Fields>({ pruneInterval: false, ...options });
    await store.migrate();
    return store;
  };
  before(async () => {
    server = await startMariadbServer();
    watcher = await createConnection(server.connection);
  });
  after(async () => {
    await watcher.end();
    await server.stop();
  });

  it("a call that was given up on a connection alone gets into no other call's transaction", async () => {
    const client = await createConnection(server.connection);
    const store = await open({ client, statementTimeout: 1 });
    const [key, other] = [newKey(), newKey()];
    await store.create(key, newSession("ann"));
    await watcher.query("START TRANSACTION");
    await watcher.query("SELECT * FROM harpiats_sessions WHERE session_key = ? FOR UPDATE", [key]);
    const cap = { limit: 1, onLimit: "evict-oldest" } as const;
    await assert.rejects(
      store.create(newKey(), newSession("ann"), cap),
      /did not answer within 1000 ms/,
    );
    const creating = store.create(other, newSession("bob"), cap);
    await watcher.query("ROLLBACK");
    assert.equal((await creating).outcome, "created");
    // What was given up is done as a whole, too: one session has made way for the other.
    assert.equal((await store.listByUser("ann")).length, 1);
    assert.equal((await store.listByUser("bob")).length, 1);
    await client.end();
  });

  for (const [what, call] of [
    ["a change", (store: MysqlStore<Fields>, key: string) => store.remove(key)],
    ["a transaction", (store: MysqlStore<Fields>) => store.removeByUser("carl")],
  ] as const) {
    it(`a pool's connection that came back in the midst of a transaction is given up by ${what}, with what was done on it`, async () => {
      const client = createPool({ ...server.connection, connectionLimit: 1 });
      const store = await open({ client });
      const key = newKey();
      await store.create(key, newSession("carl"));
      const leaked = await client.getConnection();
      await leaked.query("START TRANSACTION");
      await leaked.query("SELECT COUNT(*) FROM harpiats_sessions");
      leaked.release();
      await assert.rejects(call(store, key), /transaction/);
      const [rows] = await client.query<RowDataPacket[]>("SELECT @@in_transaction AS t");
      assert.deepEqual({ ...rows[0] }, { t: 0 });
      assert.ok((await store.read([key]))[0]);
      assert.equal(await store.remove(key), true);
      await client.end();
    });
  }

  const READS: Record<string, (store: MysqlStore<Fields>, key: string) => Promise<boolean>> = {
    read: async (store, key) => (await store.read([key]))[0] !== undefined,
    listByUser: async (store) => (await store.listByUser("dora")).length > 0,
    scan: async (store, key) => {
      for (let cursor: string | undefined; ;) {
        const page = await store.scan(cursor);
        if (page.sessions.some((one) => one.key === key)) return true;
        if (page.cursor === undefined) return false;
        cursor = page.cursor;
      }
    },
  };
  for (const [what, isThere] of Object.entries(READS)) {
    it(`${what} sees what is so now, on a pool whose connections came back with old snapshots`, async () => {
      const client = createPool({ ...server.connection, connectionLimit: 2 });
      const store = await open({ client });
      const aside = await open({ client: createPool(server.connection) });
      const leak = async (): Promise<void> => {
        const leaked = [await client.getConnection(), await client.getConnection()];
        for (const one of leaked) {
          await one.query("START TRANSACTION WITH CONSISTENT SNAPSHOT");
          await one.query("SELECT COUNT(*) FROM harpiats_sessions");
        }
        for (const one of leaked) one.release();
      };
      const [ended, begun] = [newKey(), newKey()];
      await aside.create(ended, newSession("dora"));
      await leak();
      await aside.remove(ended);
      assert.equal(await isThere(store, ended), false);
      await leak();
      await aside.create(begun, newSession("dora"));
      assert.equal(await isThere(store, begun), true);
      await aside.remove(begun);
      await client.end();
    });

    it(`${what} is refused on a lone connection in a transaction, and that goes on`, async () => {
      const client = await createConnection(server.connection);
      const store = await open({ client });
      await client.query("CREATE TABLE IF NOT EXISTS work (done INT) ENGINE=InnoDB");
      const key = newKey();
      await store.create(key, newSession("dora"));
      await client.query("START TRANSACTION");
      await client.query("INSERT INTO work VALUES (1)");
      await assert.rejects(isThere(store, key), /in a transaction/);
      await assert.rejects(isThere(store, newKey()), /in a transaction/);
      await client.query("ROLLBACK");
      assert.equal(await isThere(store, key), true);
      assert.equal(await store.remove(key), true);
      await client.end();
    });
  }
});
