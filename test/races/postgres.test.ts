// The races suite and several processes on a real PostgreSQL. Statements of one store run side by
// side, on as many connections as the pool has.
import { after, before, describe, it } from "node:test";
import { Pool } from "pg";
import postgres from "postgres";
import { PostgresStore } from "../../src/stores/postgres.ts";
import {
  type PostgresServer,
  skipWithoutPostgres,
  startPostgresServer,
} from "../support/postgres-server.ts";
import { watchSuite } from "./multi-process-watch.ts";
import { multiProcessSuite } from "./multi-process.ts";
import { nearCacheSuite } from "./near-cache-suite.ts";
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
      const store = new PostgresStore({
        client,
        clock,
        table: "by_postgres_js",
        pruneInterval: false,
      });
      await store.migrate();
      return { store, close: () => client.end() };
    },
  });

  multiProcessSuite(runner, {
    name: "PostgresStore",
    opener: new URL(
      `../support/postgres-clients.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`,
      import.meta.url,
    ),
    target: () => server.url,
  });
  watchSuite(runner, {
    name: "PostgresStore",
    opener: new URL(
      `../support/postgres-clients.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`,
      import.meta.url,
    ),
    target: () => `${server.url}#notify`,
  });
  nearCacheSuite(runner, {
    name: "PostgresStore",
    async open() {
      const pools = [
        new Pool({ connectionString: server.url }),
        new Pool({ connectionString: server.url }),
      ] as const;
      // Without a listener a connection that is broken would end the process.
      for (const pool of pools) pool.on("error", () => {});
      const [here, elsewhere] = pools.map(
        (client) =>
          new PostgresStore({ client, table: "near", notify: true, pruneInterval: false }),
      ) as [PostgresStore, PostgresStore];
      await here.migrate();
      const breakMessages = (): Promise<unknown> =>
        pools[1].query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN \"near\"'",
        );
      return {
        here,
        elsewhere,
        breakMessages,
        close: () => Promise.all(pools.map((pool) => pool.end())),
      };
    },
  });
});
