// PostgresStore on a real PostgreSQL, with pg and postgres.js, and on PGlite: the contract, and
// what is peculiar to it.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { PGlite } from "@electric-sql/pglite";
import { Client, Pool } from "pg";
import postgres from "postgres";
import { PostgresStore, type PostgresStoreOptions } from "../../src/stores/postgres.ts";
import { storeConformance } from "../../src/testing.ts";
import {
  type PostgresServer,
  skipWithoutPostgres,
  startPostgresServer,
} from "../support/postgres-server.ts";

const runner = { describe, it, before, after };

describe("PostgresStore", { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  before(async () => void (server = await startPostgresServer()));
  after(() => server.stop());

  storeConformance(runner, {
    name: "PostgresStore with a Pool of pg",
    async open(clock) {
      const client = new Pool({ connectionString: server.url });
      const store = await migrated(
        new PostgresStore({ client, clock, table: "by_pool", pruneInterval: false }),
      );
      return { store, close: () => client.end() };
    },
  });

  storeConformance(runner, {
    name: "PostgresStore with a Pool of pg and notifications",
    async open(clock) {
      const client = new Pool({ connectionString: server.url });
      const store = await migrated(
        new PostgresStore({
          client,
          clock,
          table: "by_notifying_pool",
          notify: true,
          pruneInterval: false,
        }),
      );
      return { store, close: () => client.end() };
    },
  });

  storeConformance(runner, {
    name: "PostgresStore with a Client of pg",
    async open(clock) {
      const client = new Client({ connectionString: server.url });
      await client.connect();
      const store = await migrated(
        new PostgresStore({
          client,
          clock,
          table: "by_client",
          notify: true,
          prepare: false,
          pruneInterval: false,
        }),
      );
      return { store, close: () => client.end() };
    },
  });

  storeConformance(runner, {
    name: "PostgresStore with postgres.js",
    async open(clock) {
      const client = postgres(server.url, { onnotice() {} });
      await client`CREATE SCHEMA "private"`;
      const store = await migrated(
        new PostgresStore({
          client,
          clock,
          table: "private.sessions",
          notify: true,
          pruneInterval: false,
        }),
      );
      return { store, close: () => client.end() };
    },
  });

  storeConformance(runner, {
    name: "PostgresStore with postgres.js that changes names and values",
    async open(clock) {
      const client = postgres(server.url, {
        transform: postgres.camel,
        types: { bigint: postgres.BigInt },
        fetch_types: false,
        prepare: false,
        onnotice() {},
      });
      const store = await migrated(
        new PostgresStore({ client, clock, table: "by_camels", pruneInterval: false }),
      );
      return { store, close: () => client.end() };
    },
  });

  describe("PostgresStore.migrate", () => {
    it("refuses a table that it did not make, and leaves it as it is", async () => {
      const client = new Pool({ connectionString: server.url });
      await client.query(
        "CREATE TABLE foreign_one (key text PRIMARY KEY); INSERT INTO foreign_one VALUES ('kept')",
      );
      const store = new PostgresStore({ client, table: "foreign_one", pruneInterval: false });
      await assert.rejects(
        store.migrate(),
        /^Error: Cannot migrate: there is a table of this name without a column epoch/,
      );
      assert.deepEqual((await client.query("SELECT * FROM foreign_one")).rows, [{ key: "kept" }]);
      await client.end();
    });

    it("brings back nothing where the epoch's table was lost", async () => {
      const client = new Pool({ connectionString: server.url });
      const store = await migrated(
        new PostgresStore({ client, table: "robbed", pruneInterval: false }),
      );
      await store.set("name", { n: 1 });
      await client.query("DELETE FROM robbed_epoch");
      assert.equal(await store.get("name"), undefined);
      await assert.rejects(store.set("other", {}), /null value in column "epoch"/);
      await assert.rejects(store.removeAll(), /the table of the epoch is empty/);
      await client.query(store.schema());
      assert.equal(await store.get("name"), undefined);
      await client.end();
    });
  });
});

storeConformance(runner, {
  name: "PostgresStore with PGlite",
  async open(clock) {
    const client = await PGlite.create();
    const store = await migrated(
      new PostgresStore({ client, clock, notify: true, pruneInterval: false }),
    );
    return { store, close: () => client.close() };
  },
});

describe("new PostgresStore", () => {
  it("refuses options that make no sense, and says what is wanted", () => {
    const refused = (options: object, expected: RegExp | typeof RangeError): void => {
      // What a caller without types may pass.
      assert.throws(
        () => new PostgresStore({ client: new Pool(), ...options } as PostgresStoreOptions),
        expected,
      );
    };
    refused(
      { client: undefined },
      /^TypeError: Cannot use this client: got undefined, expected a Pool/,
    );
    refused({ client: {} }, /Cannot use this client: got an object, /);
    refused({ client: "postgres://localhost" }, /got a string, .*\(openStore takes a URL\)/);
    refused({ tabel: "x" }, /Invalid option tabel: /);
    for (const table of [
      "",
      'x"; DROP TABLE users; --',
      "a.b.c",
      "Upper",
      "1st",
      "x".repeat(41),
      7,
    ])
      refused({ table }, /Invalid option table: /);
    refused({ notify: "yes" }, /Invalid option notify: /);
    for (const pruneInterval of [0, -1, Number.NaN, 1e9]) refused({ pruneInterval }, RangeError);
    refused({ pruneInterval: "60" }, TypeError);
  });
});

async function migrated<T extends PostgresStore>(store: T): Promise<T> {
  await store.migrate();
  return store;
}
