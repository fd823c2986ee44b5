// The races suite on a real PostgreSQL. Statements of one store run side by side, on as many connections as the pool has.
import { after, before, describe, it } from "node:test";
import { Pool } from "pg";
import { PostgresStore } from "../../src/stores/postgres.ts";
import { type PostgresServer, skipWithoutPostgres, startPostgresServer } from "../support/postgres-server.ts";
import { raceSuite } from "./race-suite.ts";

describe("PostgresStore", { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  before(async () => void (server = await startPostgresServer()));
  after(() => server.stop());

  raceSuite({ describe, it, before, after }, {
    name: "PostgresStore",
    async open(clock) {
      const client = new Pool({ connectionString: server.url });
      const store = new PostgresStore({ client, clock, pruneInterval: false });
      await store.migrate();
      return { store, close: () => client.end() };
    },
  });
});
