// The schema of the SQL stores as statements of their own, for clients that take one at a time.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createPool } from "mysql2/promise";
import { Pool } from "pg";
import { type SessionStore, Session } from "../../src/session.ts";
import { MysqlStore } from "../../src/stores/mysql.ts";
import { PostgresStore } from "../../src/stores/postgres.ts";
import { SqliteStore } from "../../src/stores/sqlite.ts";
import { skipWithoutMariadb, startMariadbServer } from "../support/mariadb-server.ts";
import { skipWithoutPostgres, startPostgresServer } from "../support/postgres-server.ts";
import { databasesOf, sqliteClient } from "../support/sqlite-clients.ts";

type Fields = Record<string, unknown>;

async function assertWorks(store: SessionStore<Fields>): Promise<void> {
  const session = new Session({ store, maxPerUser: { limit: 2, onLimit: "evict-oldest" } });
  const ids = [];
  for (let n = 0; n < 3; n++) ids.push(await session.create({ userId: "ada", n }));
  assert.equal(await session.get(ids[0]), undefined);
  assert.equal(await session.update(ids[2], { n: 4 }), true);
  assert.equal(await session.revokeAll("ada"), 2);
}

describe("schemaStatements()", () => {
  it(
    "PostgresStore: each is one statement, twice without harm",
    { skip: skipWithoutPostgres() },
    async () => {
      const server = await startPostgresServer();
      const pool = new Pool({ connectionString: server.url });
      const store = new PostgresStore<Fields>({ client: pool, pruneInterval: false });
      for (const sql of [...store.schemaStatements(), ...store.schemaStatements()])
        // With a value it is of the protocol that takes one statement alone.
        await pool.query({ text: sql, values: [], name: `s${Math.random()}` });
      await assertWorks(store);
      await store.migrate();
      await pool.end();
      await server.stop();
    },
  );

  it(
    "MysqlStore: each is one statement, and many fields are changed in linear time",
    { skip: skipWithoutMariadb() },
    async () => {
      const server = await startMariadbServer();
      const pool = createPool(server.connection);
      const store = new MysqlStore<Fields>({ client: pool, pruneInterval: false });
      for (const sql of [...store.schemaStatements(), ...store.schemaStatements()])
        await pool.query(sql);
      await assertWorks(store);
      const session = new Session<Fields>({ store });
      const id = await session.create({ userId: "ada", f1: "old", gone: 1 });
      const fields = (count: number, value: unknown): Fields =>
        Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, value]));
      const timeOf = async (count: number): Promise<number> => {
        const own = await session.create({ userId: "eve", gone: 1 });
        const began = performance.now();
        assert.equal(await session.update(own, fields(count, began)), true);
        const time = performance.now() - began;
        const expected = { userId: "eve", gone: 1, ...fields(count, began) };
        assert.deepEqual(await session.get(own), expected);
        return time;
      };
      await timeOf(1000);
      await timeOf(8000);
      const [few, many] = [await timeOf(1000), await timeOf(8000)];
      assert.ok(many < 40 * few + 200, `8,000 fields took ${many} ms, 1,000 took ${few} ms`);
      // Of many at once each is there, also beside small ones; a revision is looked at.
      await Promise.all([
        session.update(id, fields(300, "a")),
        session.update(id, { gone: undefined, small: 1 }),
        session.update(id, (data) => ({ n: Number(data["n"] ?? 0) + 1, ...fields(200, "b") })),
        session.update(id, (data) => ({ n: Number(data["n"] ?? 0) + 1 })),
      ]);
      const data = (await session.get(id)) ?? {};
      assert.deepEqual([data["n"], data["small"], "gone" in data], [2, 1, false]);
      await session.delete(id);
      assert.equal(await session.update(id, fields(300, "c")), false);
      await pool.end();
      await server.stop();
    },
  );

  describe("SqliteStore", async () => {
    const { connect } = databasesOf(await sqliteClient(), { before, after });
    it("each is one statement, twice without harm", async () => {
      const client = connect("schema.db");
      const store = new SqliteStore<Fields>({ client, pruneInterval: false });
      for (const sql of [...store.schemaStatements(), ...store.schemaStatements()])
        client.prepare(sql).run();
      await assertWorks(store);
    });
  });
});
