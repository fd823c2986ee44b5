// EncryptedStore keeps the contract on top of stores whose servers merge the fields.
import { randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { Pool } from "pg";
import type { Clock, SessionStore } from "../../src/session.ts";
import { EncryptedStore } from "../../src/stores/encrypted.ts";
import { PostgresStore } from "../../src/stores/postgres.ts";
import { storeConformance } from "../../src/testing.ts";
import type { Fields } from "../../src/testing/conformance-bench.ts";
import { type MariadbServer, skipWithoutMariadb, startMariadbServer } from "../support/mariadb-server.ts";
import { openMysqlStore } from "../support/mysql-stores.ts";
import { type PostgresServer, skipWithoutPostgres, startPostgresServer } from "../support/postgres-server.ts";
import { CLIENTS, openRedisStore } from "../support/redis-clients.ts";
import { type RedisServer, skipWithoutRedis, startRedisServer } from "../support/redis-server.ts";

const runner = { describe, it, before, after };
const KEY = randomBytes(32);
// What is opened is a whole store, or conformance says so.
const encrypt = <T extends { store: unknown }>({ store, ...rest }: T, clock: Clock) => ({ ...rest, store: new EncryptedStore<Fields>(store as SessionStore<Fields>, { keys: [KEY], clock }) });

describe("EncryptedStore", { skip: skipWithoutRedis() }, () => {
  let server: RedisServer;
  before(async () => void (server = await startRedisServer()));
  after(() => server.stop());

  storeConformance(runner, { name: "EncryptedStore on RedisStore", open: async (clock) => encrypt(await openRedisStore(CLIENTS[0] as (typeof CLIENTS)[0], server.port, { clock }), clock) });
});

describe("EncryptedStore", { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  before(async () => void (server = await startPostgresServer()));
  after(() => server.stop());

  storeConformance(runner, {
    name: "EncryptedStore on PostgresStore",
    async open(clock) {
      const client = new Pool({ connectionString: server.url });
      const store = new PostgresStore({ client, clock, pruneInterval: false });
      await store.migrate();
      return encrypt({ store, close: () => client.end() }, clock);
    },
  });
});

describe("EncryptedStore", { skip: skipWithoutMariadb() }, () => {
  let server: MariadbServer;
  before(async () => void (server = await startMariadbServer()));
  after(() => server.stop());

  storeConformance(runner, { name: "EncryptedStore on MysqlStore", open: async (clock) => encrypt(await openMysqlStore({ connection: server.connection, table: "sealed", clock }), clock) });
});
