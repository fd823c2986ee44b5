// The ids of sessions, on every store over a real server.
import { randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { Pool } from "pg";
import { MemoryStore } from "../../src/session.ts";
import { EncryptedStore } from "../../src/stores/encrypted.ts";
import { PostgresStore } from "../../src/stores/postgres.ts";
import type { Fields } from "../../src/testing/conformance-bench.ts";
import {
  type MariadbServer,
  skipWithoutMariadb,
  startMariadbServer,
} from "../support/mariadb-server.ts";
import { openMysqlStore } from "../support/mysql-stores.ts";
import {
  type PostgresServer,
  skipWithoutPostgres,
  startPostgresServer,
} from "../support/postgres-server.ts";
import { CLIENTS, openRedisStore } from "../support/redis-clients.ts";
import { type RedisServer, skipWithoutRedis, startRedisServer } from "../support/redis-server.ts";
import { renewalSuite } from "../support/renewal-suite.ts";
import { openSqliteStore, sqliteClient } from "../support/sqlite-clients.ts";

const runner = { describe, it, before, after };

renewalSuite(runner, {
  name: "MemoryStore",
  open: async (clock) => ({ store: new MemoryStore<Fields>({ clock }) }),
});

renewalSuite(runner, {
  name: "EncryptedStore",
  open: async (clock) => ({
    store: new EncryptedStore<Fields>(new MemoryStore<Fields>({ clock }), {
      keys: [randomBytes(32)],
      clock,
    }),
  }),
});

renewalSuite(runner, {
  name: "SqliteStore",
  open: async (clock) => openSqliteStore(await sqliteClient(), clock),
});

describe("On Redis", { skip: skipWithoutRedis() }, () => {
  let server: RedisServer;
  before(async () => void (server = await startRedisServer()));
  after(() => server.stop());
  for (const name of ["node-redis 6", "ioredis 5"])
    renewalSuite(runner, {
      name: `RedisStore with ${name}`,
      open: (clock) => {
        const kind = CLIENTS.find((one) => one.name === name) ?? CLIENTS[0];
        return openRedisStore(kind as (typeof CLIENTS)[number], server.port, {
          clock,
          prefix: `${name.replace(" ", "-")}:`,
        });
      },
    });
});

describe("On PostgreSQL", { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  before(async () => void (server = await startPostgresServer()));
  after(() => server.stop());
  renewalSuite(runner, {
    name: "PostgresStore",
    async open(clock) {
      const client = new Pool({ connectionString: server.url });
      const store = new PostgresStore({ client, clock, pruneInterval: false });
      await store.migrate();
      return { store, close: () => client.end() };
    },
  });
});

describe("On MariaDB", { skip: skipWithoutMariadb() }, () => {
  let server: MariadbServer;
  before(async () => void (server = await startMariadbServer()));
  after(() => server.stop());
  renewalSuite(runner, {
    name: "MysqlStore",
    open: (clock) => openMysqlStore({ connection: server.connection, table: "renewed", clock }),
  });
});
