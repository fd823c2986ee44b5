// The races suite and several processes on a real PostgreSQL. Statements of one store run side by side, on as many connections as the pool has.
import { after, before, describe, it } from "node:test";
import { Pool } from "pg";
import postgres from "postgres";
import { PostgresStore } from "../../src/stores/postgres.ts";
import { type PostgresServer, skipWithoutPostgres, startPostgresServer } from "../support/postgres-server.ts";
import { multiProcessSuite } from "./multi-process.ts";
import { watchSuite } from "./multi-process-watch.ts";
import { raceSuite } from "./race-suite.ts";

const runner = { describe, it, before, after };

describe("PostgresStore", { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  before(async () => void (server = await startPostgresServer()));
  after(() => server.stop());

  raceSuite(runner, {
    name: "PostgresStore with pg",
    async open(clock) {
      const client = new Pool({ connectionString: server.url });
      const store = new PostgresStore({ client, clock, pruneInterval: false });
      await store.migrate();
      return { store, close: () => client.end() };
    },
  });

  raceSuite(runner, {
    name: "PostgresStore with postgres.js",
    async open(clock) {
      const client = postgres(server.url, { onnotice() {} });
      const store = new PostgresStore({ client, clock, table: "by_postgres_js", pruneInterval: false });
      await store.migrate();
      return { store, close: () => client.end() };
    },
  });

  multiProcessSuite(runner, {
    name: "PostgresStore",
    opener: new URL(`../support/postgres-clients.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url),
    target: () => server.url,
  });
  watchSuite(runner, {
    name: "PostgresStore",
    opener: new URL(`../support/postgres-clients.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url),
    target: () => `${server.url}#notify`,
  });
});
