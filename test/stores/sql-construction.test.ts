// What the SQL stores do when they are made: nothing; and whose clients they refuse. No server.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Clock } from "../../src/session.ts";
import { MysqlStore } from "../../src/stores/mysql.ts";
import { PostgresStore } from "../../src/stores/postgres.ts";
import { SqliteStore } from "../../src/stores/sqlite.ts";

const methods = (...names: string[]): Record<string, () => never> =>
  Object.fromEntries(
    names.map((name) => [
      name,
      () => {
        throw new Error(`${name} was called`);
      },
    ]),
  );

// What the compiler refuses, and JavaScript does not.
const STORES: Record<string, (client: unknown, clock?: Clock) => unknown> = {
  PostgresStore: (client, clock) =>
    new PostgresStore({ client: client as never, ...(clock && { clock }) }),
  MysqlStore: (client, clock) =>
    new MysqlStore({ client: client as never, ...(clock && { clock }) }),
  SqliteStore: (client, clock) =>
    new SqliteStore({ client: client as never, ...(clock && { clock }) }),
};
const POOL = { ...methods("query", "connect"), idleCount: 0, totalCount: 0 };
const CLIENTS: Record<string, object[]> = {
  PostgresStore: [
    POOL,
    methods("query", "connect", "on"),
    methods("unsafe", "listen", "reserve", "PostgresError"),
    methods("query", "exec", "listen"),
  ],
  MysqlStore: [methods("getConnection"), methods("execute", "query")],
  SqliteStore: [methods("exec", "prepare")],
};

describe("making a SQL store", () => {
  for (const [name, make] of Object.entries(STORES)) {
    it(`${name} starts no timer, asks no client and draws no random number`, (t) => {
      let scheduled = 0;
      const clock: Clock = { now: () => 0, schedule: () => () => void scheduled++ };
      const schedule = t.mock.method(clock, "schedule");
      const random = t.mock.method(Math, "random");
      const draw = t.mock.method(globalThis.crypto, "getRandomValues");
      for (const client of CLIENTS[name] ?? []) make(client, clock);
      for (const { mock } of [schedule, random, draw]) assert.equal(mock.callCount(), 0);
    });
  }

  it("prunes from its first use on", async (t) => {
    const clock: Clock = { now: () => 0, schedule: () => () => {} };
    const schedule = t.mock.method(clock, "schedule");
    const client = { ...methods("connect"), query: async () => ({ rows: [] }), idleCount: 0 };
    const store = new PostgresStore({ client: client as never, clock, pruneInterval: 100 });
    await store.read(["00000000.x"]);
    await store.read(["00000000.x"]);
    assert.equal(schedule.mock.callCount(), 1);
    const [delay] = schedule.mock.calls[0]?.arguments ?? [];
    assert.ok(Number(delay) >= 90_000 && Number(delay) <= 110_000);
  });

  const FOREIGN: [string, string, object, RegExp][] = [
    ["PostgresStore", "Bun.SQL", methods("unsafe", "listen", "begin", "reserve"), /Bun\.SQL/],
    ["PostgresStore", "a transaction's handle", methods("unsafe", "savepoint"), /transaction/],
    ["PostgresStore", "neon()", methods("query", "transaction"), /a Pool or Client of pg/],
    ["PostgresStore", "a pool of mysql2", methods("getConnection", "execute", "query"), /of pg/],
    [
      "MysqlStore",
      "the package mariadb",
      methods("getConnection", "execute", "query", "batch", "importFile"),
      /package mariadb, expected a pool or connection of mysql2/,
    ],
    ["MysqlStore", "a Pool of pg", POOL, /a pool or connection of mysql2/],
    ["SqliteStore", "libsql's client", methods("execute", "batch"), /better-sqlite3/],
  ];
  for (const [store, name, client, message] of FOREIGN) {
    it(`${store} refuses ${name} by name`, () => {
      assert.throws(() => STORES[store]?.(client), { name: "TypeError", message });
    });
  }

  for (const answer of [{}, { rows: {} }, { rows: [{ key: "x" }] }, { rows: "x" }, undefined]) {
    it(`no session is read from an answer of another kind: ${JSON.stringify(answer)}`, async () => {
      const query = async (): Promise<unknown> => answer;
      const postgres = new PostgresStore({
        client: { ...POOL, totalCount: undefined, query } as never,
        pruneInterval: false,
      });
      const execute = async (): Promise<unknown> => [answer];
      const mysql = new MysqlStore({
        client: { query: execute, execute } as never,
        pruneInterval: false,
      });
      const key = `00000000.${"a".repeat(43)}`;
      for (const store of [postgres, mysql]) {
        await assert.rejects(store.read([key]));
        await assert.rejects(store.read([key, key]));
        await assert.rejects(store.listByUser("ada"));
      }
      await assert.rejects(mysql.remove(key));
    });
  }
});
