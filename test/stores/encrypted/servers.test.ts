// EncryptedStore keeps the contract on top of stores whose servers merge the fields.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { Pool } from "pg";
import { toStoreKey } from "../../../src/core/ids/session-id.ts";
import { type Clock, Session, type SessionStore } from "../../../src/session.ts";
import { EncryptedStore } from "../../../src/stores/encrypted.ts";
import { PostgresStore } from "../../../src/stores/postgres.ts";
import { storeConformance } from "../../../src/testing.ts";
import type { Fields } from "../../../src/testing/conformance-bench.ts";
import {
  type MariadbServer,
  skipWithoutMariadb,
  startMariadbServer,
} from "../../support/mariadb-server.ts";
import { openMysqlStore } from "../../support/mysql-stores.ts";
import {
  type PostgresServer,
  skipWithoutPostgres,
  startPostgresServer,
} from "../../support/postgres-server.ts";
import { CLIENTS, openRedisStore } from "../../support/redis-clients.ts";
import {
  type RedisServer,
  skipWithoutRedis,
  startRedisServer,
} from "../../support/redis-server.ts";
import { openRedisStatistics } from "../../support/redis-statistics.ts";

const runner = { describe, it, before, after };
const KEY = randomBytes(32);
// What is opened is a whole store, or conformance says so.
const encrypt = <T extends { store: unknown }>({ store, ...rest }: T, clock: Clock) => ({
  ...rest,
  store: new EncryptedStore<Fields>(store as SessionStore<Fields>, { keys: [KEY], clock }),
});

describe("EncryptedStore", { skip: skipWithoutRedis() }, () => {
  let server: RedisServer;
  before(async () => void (server = await startRedisServer()));
  after(() => server.stop());

  it("changes the sessions of one moment with two looks and one script, and again one by one what another change came before", async () => {
    const statistics = await openRedisStatistics(server.url);
    const opened = await openRedisStore(CLIENTS[0] as (typeof CLIENTS)[0], server.port, {
      prefix: "sealed:",
    });
    const beneath = opened.store as unknown as SessionStore<Record<string, string>>;
    const store = new EncryptedStore<Fields>(beneath, { keys: [KEY] });
    const session = new Session<Fields>({ store });
    const made = await Promise.all(Array.from({ length: 64 }, () => session.create({ n: 0 })));
    await session.update(made[0], { n: 1 });
    assert.deepEqual(
      await statistics.during(() => Promise.all(made.map((id) => session.update(id, { n: 1 })))),
      // Core looks whether the ids still hold, and this store what the records are.
      { mget: 2, evalsha: 1 },
    );
    assert.ok(
      (await Promise.all(made.map((id) => session.get(id)))).every((data) => data?.["n"] === 1),
    );

    // Another change of the record, between the look and the patch: of the head alone, as a
    // rotation's, it is none of the session's.
    const keys = made.slice(0, 3).map((id) => toStoreKey(id));
    const [before] = await store.read(keys);
    const raced = new Proxy(beneath, {
      get(target, name) {
        if (name !== "patchAll")
          return typeof Reflect.get(target, name) === "function"
            ? (Reflect.get(target, name) as () => unknown).bind(target)
            : Reflect.get(target, name);
        return async (patches: never) => {
          await store
            .move(keys[0] as string, keys[0]?.replace(/.$/, "-") as string)
            .then(() => store.move(keys[0]?.replace(/.$/, "-") as string, keys[0] as string));
          await store.patch(keys[1] as string, { set: { other: true } });
          return target.patchAll?.(patches);
        };
      },
    });
    const racing = new EncryptedStore<Fields>(raced, { keys: [KEY] });
    const patches = [...keys, toStoreKey(made[3] as string)].map((key, at) => ({
      key,
      patch: {
        set: { n: 2 },
        ifRevision: at === 3 ? 99 : ((at === 0 ? before?.revision : 2) as number),
      },
    }));
    assert.deepEqual(await racing.patchAll?.(patches), ["done", "conflict", "done", "conflict"]);
    assert.deepEqual(
      (await store.read(keys)).map((found) => found?.data),
      [{ n: 2 }, { n: 1, other: true }, { n: 2 }],
    );
    await opened.close?.();
    await statistics.close();
  });

  storeConformance(runner, {
    name: "EncryptedStore on RedisStore",
    open: async (clock) =>
      encrypt(
        await openRedisStore(CLIENTS[0] as (typeof CLIENTS)[0], server.port, { clock }),
        clock,
      ),
  });
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

  storeConformance(runner, {
    name: "EncryptedStore on MysqlStore",
    open: async (clock) =>
      encrypt(
        await openMysqlStore({ connection: server.connection, table: "sealed", clock }),
        clock,
      ),
  });
});
