// PostgresStore on a real PostgreSQL, with pg and postgres.js, and on PGlite: the contract, and what is peculiar to it.
import { after, before, describe, it } from "node:test";
import { Pool } from "pg";
import { PostgresStore } from "../../src/stores/postgres.ts";
import { storeConformance } from "../../src/testing.ts";
import { type PostgresServer, skipWithoutPostgres, startPostgresServer } from "../support/postgres-server.ts";

const runner = { describe, it, before, after };

describe("PostgresStore", { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  before(async () => void (server = await startPostgresServer()));
  after(() => server.stop());

  storeConformance(runner, {
    name: "PostgresStore with pg",
    async open(clock) {
      const client = new Pool({ connectionString: server.url });
      const store = new PostgresStore({ client, clock, pruneInterval: false });
      await store.migrate();
      return { store, close: () => client.end() };
    },
  });
});
