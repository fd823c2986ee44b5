// The races suite, and several processes, on a PostgreSQL behind PgBouncer: statements of one store
// meet on connections that are not its own.
import { after, before, describe, it } from "node:test";
import { Pool } from "pg";
import postgres from "postgres";
import { PostgresStore } from "../../src/stores/postgres.ts";
import {
  type PgbouncerServer,
  skipWithoutPgbouncer,
  startPgbouncer,
} from "../support/pgbouncer-server.ts";
import {
  type PostgresServer,
  skipWithoutPostgres,
  startPostgresServer,
} from "../support/postgres-server.ts";
import { multiProcessSuite } from "./multi-process.ts";
import { allPairs, isExhaustive, pairsOfAll, raceSuite } from "./race-suite.ts";

const runner = { describe, it, before, after };
const pairs = isExhaustive ? pairsOfAll() : allPairs(["increment", "login", "revoke all", "renew"]);

describe(
  "PostgresStore behind PgBouncer",
  { skip: skipWithoutPostgres() || skipWithoutPgbouncer() },
  () => {
    let server: PostgresServer;
    let bouncer: PgbouncerServer;
    before(async () => {
      server = await startPostgresServer();
      bouncer = await startPgbouncer(server);
    });
    after(async () => {
      await bouncer.stop();
      await server.stop();
    });

    raceSuite(
      runner,
      {
        name: "PostgresStore with pg",
        async open(clock) {
          const client = new Pool({ connectionString: bouncer.url("transaction") });
          const store = new PostgresStore({ client, clock, pruneInterval: false });
          await store.migrate();
          return { store, close: () => client.end() };
        },
      },
      pairs,
    );

    raceSuite(
      runner,
      {
        name: "PostgresStore with postgres.js",
        async open(clock) {
          const client = postgres(bouncer.url("statement"), { fetch_types: false, onnotice() {} });
          const store = new PostgresStore({
            client,
            clock,
            table: "by_postgres_js",
            pruneInterval: false,
          });
          await store.migrate();
          return { store, close: () => client.end() };
        },
      },
      pairs,
    );

    if (!isExhaustive) return;
    multiProcessSuite(runner, {
      name: "PostgresStore",
      opener: new URL(
        `../support/postgres-clients.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`,
        import.meta.url,
      ),
      target: () => bouncer.url("transaction"),
    });
  },
);
