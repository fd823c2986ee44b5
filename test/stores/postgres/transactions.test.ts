// PostgresStore on connections that are in somebody else's transaction: nothing is acknowledged
// there that a rollback takes back, and nothing is read there that has ended since.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { PGlite } from "@electric-sql/pglite";
import { Client, Pool } from "pg";
import postgres from "postgres";
import { IdMaker, toStoreKey } from "../../../src/core/ids/session-id.ts";
import { Session } from "../../../src/session.ts";
import { type PostgresClient, PostgresStore } from "../../../src/stores/postgres.ts";
import {
  type PgbouncerServer,
  skipWithoutPgbouncer,
  startPgbouncer,
} from "../../support/pgbouncer-server.ts";
import {
  type PostgresServer,
  skipWithoutPostgres,
  startPostgresServer,
} from "../../support/postgres-server.ts";

type Fields = Record<string, unknown>;
type Store = PostgresStore<Fields>;

const REFUSED = /in a transaction that the store did not begin|sessions need the isolation level/;
const ids = new IdMaker();
const newKey = (): string => toStoreKey(ids.make(Math.floor(Date.now() / 1000)));
const newSession = (userId = "ada") => ({
  data: { n: 1 },
  createdAt: Date.now(),
  lastSeenAt: Date.now(),
  expiresAt: Date.now() + 600_000,
  endsAt: Date.now() + 900_000,
  userId,
});

/** Everything that a store does, as what it does to a session that is there. */
const CALLS: Record<string, (store: Store, key: string) => Promise<unknown>> = {
  create: (store) => store.create(newKey(), newSession()),
  "create within a cap": (store) =>
    store.create(newKey(), newSession(), { limit: 100, onLimit: "deny" }),
  read: (store, key) => store.read([key]),
  "read of many": (store, key) => store.read([key, newKey()]),
  "read of what is not there": (store) => store.read([newKey()]),
  extend: (store, key) =>
    store.extend(key, { lastSeenAt: Date.now(), expiresAt: Date.now() + 700_000 }),
  extendAll: (store, key) =>
    store.extendAll(
      [key, newKey()].map((of) => ({
        key: of,
        to: { lastSeenAt: Date.now(), expiresAt: Date.now() + 700_000 },
      })),
    ),
  patch: (store, key) => store.patch(key, { set: { n: 2 } }),
  "patch of a revision": (store, key) => store.patch(key, { set: { n: 2 }, ifRevision: 1 }),
  patchAll: (store, key) =>
    store.patchAll([key, newKey()].map((of) => ({ key: of, patch: { set: { n: 2 } } }))),
  move: (store, key) => store.move(key, newKey()),
  remove: (store, key) => store.remove(key),
  listByUser: (store) => store.listByUser("ada"),
  removeByUser: (store) => store.removeByUser("ada"),
  removeAll: (store) => store.removeAll(),
  scan: (store) => store.scan(),
  count: (store) => store.count(),
  prune: (store) => store.prune(),
  migrate: (store) => store.migrate(),
};

/** A client with one connection, on which anybody may begin a transaction. */
interface Shared {
  client: PostgresClient;
  run(sql: string): Promise<unknown>;
  close(): Promise<unknown>;
}

describe("PostgresStore in somebody else's transaction", { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  let pool: Pool;
  let store: Store;
  let tables = 0;
  before(async () => {
    server = await startPostgresServer();
    pool = new Pool({ connectionString: server.url });
    store = new PostgresStore<Fields>({ client: pool, pruneInterval: false });
    await store.migrate();
  });
  after(async () => {
    await pool.end();
    await server.stop();
  });

  const ofClient = async (url: string): Promise<Shared> => {
    const client = new Client({ connectionString: url });
    await client.connect();
    return { client, run: (sql) => client.query(sql), close: () => client.end() };
  };
  const ofPostgresJs = async (url: string): Promise<Shared> => {
    const client = postgres(url, { max: 1, onnotice() {} });
    return { client, run: async (sql) => client.unsafe(sql), close: () => client.end() };
  };
  const KINDS: [string, () => Promise<Shared>][] = [
    ["a Client of pg", () => ofClient(server.url)],
    ["postgres.js with one connection", () => ofPostgresJs(server.url)],
    [
      "a PGlite",
      async () => {
        const client = await PGlite.create();
        return { client, run: (sql) => client.exec(sql), close: () => client.close() };
      },
    ],
  ];
  for (const [name, open] of KINDS) {
    it(`refuses every call on ${name}, and changes nothing`, async () => {
      const { client, run, close } = await open();
      const table = `shared_${++tables}`;
      const shared = new PostgresStore<Fields>({ client, table, pruneInterval: false });
      await shared.migrate();
      for (const begin of ["BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN; SELECT 1"]) {
        for (const [call, work] of Object.entries(CALLS)) {
          const key = newKey();
          await shared.create(key, newSession());
          await run(begin);
          await assert.rejects(work(shared, key), REFUSED, `${call} after ${begin}`);
          await run("ROLLBACK");
          assert.deepEqual((await shared.read([key]))[0]?.data, { n: 1 }, `${call} after ${begin}`);
          assert.equal(await shared.removeByUser("ada"), 1, `${call} after ${begin}`);
        }
      }
      // Nor does a refusal spoil the transaction.
      await run("CREATE TABLE IF NOT EXISTS work (done int)");
      await run("BEGIN");
      await assert.rejects(shared.read([newKey()]), REFUSED);
      await run("INSERT INTO work VALUES (1)");
      await run("COMMIT");
      assert.deepEqual(await shared.read([newKey()]), [undefined]);
      await close();
    });
  }

  it("a logout and a login in the application's transaction are refused, not acknowledged", async () => {
    const { client, run, close } = await ofClient(server.url);
    const session = new Session({
      store: new PostgresStore<Fields>({ client, pruneInterval: false }),
    });
    const id = await session.create({ userId: "1" });
    await run("BEGIN");
    await assert.rejects(session.delete(id), { code: "ERR_STORE_UNAVAILABLE" });
    await assert.rejects(session.create({ userId: "2" }), { code: "ERR_STORE_UNAVAILABLE" });
    await run("ROLLBACK");
    assert.equal(await session.delete(id), true);
    await close();
  });

  it("knows of a transaction that began before the store was made", async () => {
    const { client, run, close } = await ofClient(server.url);
    await run("BEGIN");
    const key = newKey();
    await store.create(key, newSession());
    const late = new PostgresStore<Fields>({ client, pruneInterval: false });
    await assert.rejects(late.remove(key), /transaction/);
    await run("ROLLBACK");
    assert.equal(await late.remove(key), true);
    await close();
  });

  const LEAKS: [
    string,
    () => {
      client: PostgresClient;
      leak(begin: string): Promise<unknown>;
      end(): Promise<unknown>;
    },
  ][] = [
    [
      "a Pool of pg",
      () => {
        const client = new Pool({ connectionString: server.url, max: 2 });
        const leak = async (begin: string): Promise<void> => {
          const held = [await client.connect(), await client.connect()];
          for (const connection of held) await connection.query(begin);
          for (const connection of held) connection.release();
        };
        return { client, leak, end: () => client.end() };
      },
    ],
    [
      "postgres.js",
      () => {
        const client = postgres(server.url, { max: 2, onnotice() {} });
        const leak = async (begin: string): Promise<void> => {
          const held = [await client.reserve(), await client.reserve()];
          for (const connection of held) await connection.unsafe(`ROLLBACK; ${begin}`);
          for (const connection of held) connection.release();
        };
        return { client, leak, end: () => client.end() };
      },
    ],
  ];
  for (const [name, open] of LEAKS) {
    it(`leaves connections of ${name} that came back in a transaction, and what it acknowledges holds`, async () => {
      const { client, leak, end } = open();
      const leaking = new PostgresStore<Fields>({ client, pruneInterval: false });
      for (const begin of [
        "START TRANSACTION",
        "START TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM harpiats_sessions",
      ]) {
        for (const [call, work] of Object.entries(CALLS).filter(([of]) => of !== "removeAll")) {
          await store.removeAll();
          const [key, other] = [newKey(), newKey()];
          await store.create(key, newSession());
          await store.create(other, newSession("bob"));
          await leak(begin);
          // To an old snapshot it lives.
          assert.equal(await store.remove(other), true);
          assert.deepEqual(await leaking.read([other]), [undefined], begin);
          await leak(begin);
          await work(leaking, key);
          const seen = await Promise.all([store.read([key]), store.listByUser("ada")]);
          const isKept = ["move", "remove", "removeByUser"].includes(call);
          assert.equal(seen[0][0] === undefined, isKept, `${call} after ${begin}`);
          assert.equal(
            seen[1].length,
            call.startsWith("create") ? 2 : ["remove", "removeByUser"].includes(call) ? 0 : 1,
            `${call} after ${begin}`,
          );
          if (call.startsWith("patch"))
            assert.deepEqual(seen[0][0]?.data, { n: 2 }, `${call} after ${begin}`);
        }
      }
      await end();
    });

    it(`goes on with ${name} after a connection came back in a failed transaction`, async () => {
      const { client, leak, end } = open();
      const leaking = new PostgresStore<Fields>({ client, pruneInterval: false });
      const key = newKey();
      await store.create(key, newSession());
      await leak("START TRANSACTION");
      // Fails on one of them.
      const held =
        "totalCount" in client
          ? await (client as Pool).connect()
          : await (client as postgres.Sql).reserve();
      await assert.rejects(
        "unsafe" in held ? held.unsafe("SELECT 1 / 0").values() : held.query("SELECT 1 / 0"),
        /division/,
      );
      held.release();
      assert.deepEqual((await leaking.read([key]))[0]?.data, { n: 1 });
      assert.equal(await leaking.remove(key), true);
      assert.deepEqual(await store.read([key]), [undefined]);
      await end();
    });
  }

  it("postgres.js: the handle of a transaction, or of a reserved connection, is refused at construction", async () => {
    const client = postgres(server.url, { max: 2, onnotice() {} });
    // What the compiler refuses already.
    const make = (handle: unknown) =>
      new PostgresStore({ client: handle as PostgresClient, pruneInterval: false });
    await client.begin(async (transaction) =>
      assert.throws(() => make(transaction), /postgres\.js/),
    );
    const reserved = await client.reserve();
    assert.throws(() => make(reserved), /postgres\.js/);
    reserved.release();
    await client.end();
  });

  it("postgres.js: texts of every kind reach the server whole", async () => {
    const client = postgres(server.url, { onnotice() {} });
    const written = new PostgresStore<Fields>({ client, table: "texts", pruneInterval: false });
    await written.migrate();
    for (const standard of ["on", "off"]) {
      await client.unsafe(`ALTER ROLE CURRENT_USER SET standard_conforming_strings = ${standard}`);
      const own = postgres(server.url, { onnotice() {} });
      const other = new PostgresStore<Fields>({
        client: own,
        table: "texts",
        pruneInterval: false,
      });
      for (const text of [
        "'",
        "''",
        "\\",
        "\\'",
        "$1",
        "$2$",
        "%",
        "\n\r\t",
        "E'\\\\'",
        "ü€😀",
        "\ud800",
        "\u0000",
        "'; DROP TABLE texts; --",
        "\\x41",
        '{"a"}',
      ]) {
        const key = newKey();
        await other.create(key, { ...newSession(text), data: { [text]: text } });
        assert.equal(
          await other.patch(key, { set: { [`${text}2`]: [text] }, facts: { text } as object }),
          "done",
        );
        const [read] = await other.read([key]);
        assert.deepEqual(
          [read?.data, read?.userId, read?.facts],
          [{ [text]: text, [`${text}2`]: [text] }, text, { text }],
        );
        assert.equal((await other.listByUser(text)).length, 1);
        assert.equal(await other.removeByUser(text), 1);
      }
      await own.end();
    }
    await client.unsafe("ALTER ROLE CURRENT_USER RESET standard_conforming_strings");
    await client.end();
  });

  describe("behind PgBouncer", { skip: skipWithoutPgbouncer() }, () => {
    let bouncer: PgbouncerServer;
    before(async () => void (bouncer = await startPgbouncer(server)));
    after(() => bouncer.stop());
    for (const mode of ["session", "transaction"] as const) {
      for (const [name, open] of [
        ["a Client of pg", ofClient],
        ["postgres.js with one connection", ofPostgresJs],
      ] as const) {
        it(`refuses every call on ${name} in ${mode} mode`, async () => {
          const { client, run, close } = await open(bouncer.url(mode));
          const shared = new PostgresStore<Fields>({
            client,
            table: `shared_${++tables}`,
            prepare: false,
            pruneInterval: false,
          });
          await shared.migrate();
          for (const [call, work] of Object.entries(CALLS)) {
            const key = newKey();
            await shared.create(key, newSession());
            await run("BEGIN");
            await assert.rejects(work(shared, key), REFUSED, call);
            await run("ROLLBACK");
            assert.equal(await shared.removeByUser("ada"), 1, call);
          }
          await close();
        });
      }
    }
  });
});
