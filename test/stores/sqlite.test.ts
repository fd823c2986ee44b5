// SqliteStore on real database files, with every client that this runtime has.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { after, before, describe, it } from "node:test";
import { Session, StoreError } from "../../src/session.ts";
import {
  type SqliteClient,
  type SqliteStatement,
  SqliteStore,
  type SqliteStoreOptions,
} from "../../src/stores/sqlite.ts";
import { storeConformance } from "../../src/testing.ts";
import {
  databasesOf,
  openSqliteStore,
  type SqliteClientKind,
  sqliteClients,
} from "../support/sqlite-clients.ts";

const clients = await sqliteClients();

for (const client of clients) {
  storeConformance(
    { describe, it, before, after },
    { name: `SqliteStore with ${client.name}`, open: (clock) => openSqliteStore(client, clock) },
  );
  describe(`SqliteStore with ${client.name}`, () => particulars(client));
}

function particulars(kind: SqliteClientKind): void {
  const { connect, close, pathOf } = databasesOf(kind, { before, after });
  let files = 0;
  const begin = async (options: Partial<SqliteStoreOptions> = {}) => {
    const file = `${++files}.db`;
    const client = connect(file);
    const store = new SqliteStore<Record<string, unknown>>({
      client,
      pruneInterval: false,
      ...options,
    });
    await store.migrate();
    return { file, client, store, session: new Session({ store }) };
  };
  const keysOf = (client: SqliteClient): string[] =>
    client
      .prepare("SELECT key FROM harpiats_sessions ORDER BY key")
      .all()
      .map((row) => (row as { key: string }).key);

  it("keeps data as plain JSON that SQL can ask", async () => {
    const { client, session } = await begin();
    await session.create({ userId: "ann", cart: [{ sku: "x1" }] });
    const row = client
      .prepare(
        "SELECT user_id AS who, json_extract(data, '$.cart[0].sku') AS sku FROM harpiats_sessions",
      )
      .get();
    assert.deepEqual({ ...(row as object) }, { who: "ann", sku: "x1" });
  });

  it("holds no id: a dump of the file authenticates nobody", async () => {
    const { file, client, store, session } = await begin();
    const ids = [await session.create({ userId: "ann" }), await session.create({})];
    ids.push((await session.rotate(ids[0])) as string);
    await store.set(ids[1] as string, { direct: true });
    const names = (await readdir(dirname(pathOf(file)))).filter((name) => name.startsWith(file));
    const dump = Buffer.concat(
      await Promise.all(names.map((name) => readFile(pathOf(name)))),
    ).toString("latin1");
    for (const id of ids) assert.equal(dump.includes(id), false);
    for (const key of keysOf(client)) {
      assert.ok(dump.includes(key));
      assert.equal(
        await session.fromRequest({ headers: { cookie: `session_id=${key}` } }),
        undefined,
      );
    }
  });

  it("two tables in one file know nothing of each other", async () => {
    const { client, session } = await begin();
    const other = new SqliteStore({ client, table: "Other_2", pruneInterval: false });
    await other.migrate();
    const id = await session.create({ userId: "ann" });
    const others = new Session({ store: other });
    assert.equal(await others.get(id), undefined);
    assert.equal(await others.delete(id), false);
    assert.equal(await others.revokeAll("ann"), 0);
    assert.deepEqual(await session.get(id), { userId: "ann" });
  });

  it("users whose names SQLite's texts cannot tell apart are kept apart", async () => {
    const { store, session } = await begin();
    const names = ["\ud800", "\ud801", "\ufffd", "a\u0000b", "a\u0000c", "a"];
    const ids = await Promise.all(names.map((userId) => session.create({ userId })));
    for (const [at, userId] of names.entries())
      assert.deepEqual(
        (await store.listByUser(userId)).map((entry) => entry.session.userId),
        [names[at]],
      );
    assert.equal(await session.revokeAll("\ud800"), 1);
    assert.deepEqual((await Promise.all(ids.map((id) => session.get(id)))).map(Boolean), [
      false,
      true,
      true,
      true,
      true,
      true,
    ]);
  });

  it("what is no session of this version is no session, is told, and stays as it is", async () => {
    const { client, store } = await begin();
    const session = new Session({ store });
    const told: string[] = [];
    session.on("unreadable", ({ handle }) => told.push(handle));
    for (const damage of [
      "version = 2",
      "data = '{'",
      "data = '[1]'",
      "data = 'null'",
      "facts = 'x'",
      "facts = '1'",
      "data = ''",
    ]) {
      const id = await session.create({ userId: "ann", a: 1 });
      const [key] = keysOf(client);
      assert.ok(key);
      client.exec(`UPDATE harpiats_sessions SET ${damage}`);
      const rows = client.prepare("SELECT * FROM harpiats_sessions").all();
      assert.equal(await session.get(id), undefined, damage);
      assert.deepEqual(told.splice(0), [key]);
      const { sessions } = await store.scan();
      assert.deepEqual([sessions, await store.listByUser("ann")], [[], []]);
      const [now, expiresAt] = [Date.now(), Date.now() + 1e9];
      const record = { data: {}, createdAt: now, lastSeenAt: now, expiresAt, endsAt: expiresAt };
      assert.equal((await store.create(key, record)).outcome, "taken");
      assert.equal(
        (
          await store.create(
            key,
            { ...record, userId: "ann" },
            { limit: 1, onLimit: "evict-oldest" },
          )
        ).outcome,
        "taken",
      );
      assert.equal(await store.patch(key, { set: { b: 1 } }), "missing");
      assert.equal(await store.extend(key, { lastSeenAt: now, expiresAt }), false);
      assert.equal(await store.move(key, `${key}x`), false);
      assert.equal(await store.remove(key), false);
      if (damage !== "version = 2") assert.equal(await store.removeByUser("ann"), 0);
      assert.deepEqual(client.prepare("SELECT * FROM harpiats_sessions").all(), rows);
      client.exec("DELETE FROM harpiats_sessions");
      told.length = 0;
    }
  });

  it("revoking all of a user's ends a record of another version too: it lives for those who wrote it", async () => {
    const { client, store, session } = await begin();
    await session.create({ userId: "ann" });
    await session.create({ userId: "bob" });
    const [kept] = await store.listByUser("bob");
    client.exec("UPDATE harpiats_sessions SET version = 2");
    assert.equal(await session.revokeAll("ann"), 0);
    assert.deepEqual(keysOf(client), [kept?.key]);
  });

  it("neither a move nor pruning touches a record of another version", async () => {
    const { client, store, session } = await begin();
    await session.create({});
    client.exec("UPDATE harpiats_sessions SET version = 2, expires_at = 0");
    const [foreign] = keysOf(client) as [string];
    await session.create({ mine: true });
    const mine = keysOf(client).find((key) => key !== foreign) as string;
    assert.equal(await store.move(mine, foreign), false);
    assert.equal(await store.prune(), 0);
    assert.deepEqual(keysOf(client), [foreign, mine].sort());
  });

  it("changes of one turn share a commit, in their order", async () => {
    const { client, store } = await begin();
    const commits = countCommits(client);
    const counted = new Session({
      store: new SqliteStore<Record<string, unknown>>({
        client: commits.client,
        pruneInterval: false,
      }),
    });
    const ids = await Promise.all(Array.from({ length: 100 }, (_, n) => counted.create({ n })));
    assert.equal(commits.count, 1);
    await Promise.all(
      ids.map((id, n) => (n % 2 ? counted.delete(id) : counted.update(id, { m: n }))),
    );
    assert.equal(commits.count, 2);
    assert.deepEqual(await Promise.all(ids.slice(0, 4).map((id) => counted.get(id))), [
      { n: 0, m: 0 },
      undefined,
      { n: 2, m: 2 },
      undefined,
    ]);
    await Promise.all(Array.from({ length: 501 }, () => store.remove("00000000.x")));
  });

  it("one change that fails does not take the others with it, however SQLite ends it", async () => {
    for (const kind of ["ABORT", "ROLLBACK", "FAIL"]) {
      const { client, session } = await begin();
      client.exec(
        `CREATE TRIGGER refuse BEFORE INSERT ON harpiats_sessions WHEN NEW.data LIKE '%poison%' BEGIN SELECT RAISE(${kind}, 'refused'); END`,
      );
      const outcomes = await Promise.allSettled(
        ["a", "poison", "b"].map((name) => session.create({ name })),
      );
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ["fulfilled", "rejected", "fulfilled"],
      );
      const [, refused] = outcomes as [unknown, PromiseRejectedResult];
      assert.ok(
        refused.reason instanceof StoreError && refused.reason.code === "ERR_STORE_UNAVAILABLE",
      );
      assert.equal(keysOf(client).length, 2);
      assert.ok(await session.create({ name: "later" }));
    }
  });

  it("a change waits for another connection's transaction, and everything else goes on", async () => {
    const { file, session } = await begin();
    const id = await session.create({ n: 1 });
    const other = connect(file);
    other.exec("BEGIN IMMEDIATE");
    const order: string[] = [];
    const changed = session.update(id, { n: 2 }).then(() => order.push("changed"));
    // The event loop turns, and reads answer, while the change waits.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.deepEqual(await session.get(id), { n: 1 });
    order.push("released");
    other.exec("COMMIT");
    await changed;
    assert.deepEqual(order, ["released", "changed"]);
    assert.deepEqual(await session.get(id), { n: 2 });
  });

  it("a change that waits too long rejects, and nothing of it is kept", async () => {
    const { file, session } = await begin({ busyTimeout: 0.02 });
    const id = await session.create({ n: 1 });
    const other = connect(file);
    other.exec("BEGIN IMMEDIATE");
    const outcomes = await Promise.allSettled([session.update(id, { n: 2 }), session.delete(id)]);
    for (const outcome of outcomes)
      assert.ok(outcome.status === "rejected" && outcome.reason instanceof StoreError);
    other.exec("COMMIT");
    assert.deepEqual(await session.get(id), { n: 1 });
    assert.equal(await session.update(id, { n: 3 }), true);
  });

  it("a transaction of the caller's is left alone", async () => {
    const { client, session } = await begin();
    const id = await session.create({ n: 1 });
    client.exec("BEGIN; CREATE TABLE mine (x)");
    const outcomes = await Promise.allSettled([
      session.update(id, { n: 2 }),
      session.update(id, { m: 2 }),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["rejected", "rejected"],
    );
    client.exec("COMMIT");
    assert.deepEqual(client.prepare("SELECT * FROM mine").all(), []);
    assert.deepEqual(await session.get(id), { n: 1 });
  });

  it("commits are durable by default, and normal on request", async () => {
    for (const [synchronous, level] of [
      [undefined, 2],
      ["full", 2],
      ["normal", 1],
    ] as const) {
      const { client } = await begin({ synchronous });
      assert.deepEqual(
        { ...(client.prepare("PRAGMA synchronous").get() as object) },
        { synchronous: level },
      );
      assert.deepEqual(
        { ...(client.prepare("PRAGMA journal_mode").get() as object) },
        { journal_mode: "wal" },
      );
    }
  });

  it("migrations may run again and at the same time", async () => {
    const { file, store, session } = await begin();
    const id = await session.create({ n: 1 });
    const others = Array.from(
      { length: 5 },
      () => new SqliteStore({ client: connect(file), pruneInterval: false }),
    );
    await Promise.all([store, ...others].map((one) => one.migrate()));
    assert.deepEqual(await session.get(id), { n: 1 });
    assert.match(store.schema(), /^CREATE TABLE IF NOT EXISTS "harpiats_sessions"/);
  });

  it("without a table, and without a database, every call rejects with a StoreError", async () => {
    const client = connect(`${++files}.db`);
    const session = new Session({ store: new SqliteStore({ client, pruneInterval: false }) });
    const { session: live, client: closing } = await begin();
    const id = await live.create({ n: 1 });
    close(closing);
    const cookie = { headers: { cookie: `session_id=${id}` } };
    for (const call of [
      () => session.create({}),
      () => live.get(id),
      () => live.fromRequest(cookie),
      () => live.update(id, { n: 2 }),
      () => live.delete(id),
    ]) {
      await assert.rejects(
        call,
        (error) =>
          error instanceof StoreError &&
          error.store === "SqliteStore" &&
          error.cause instanceof Error,
      );
    }
  });

  it("prunes by itself, tells of it, and stops when it is closed", async () => {
    const { client, store } = await begin({ pruneInterval: 1 });
    const expired = new Promise((resolve) => void store.subscribe(resolve));
    // The store's own timer keeps no process alive.
    const alive = setInterval(() => {}, 1000);
    const [now, key] = [Date.now(), "00000001.a"];
    const record = {
      data: {},
      createdAt: now,
      lastSeenAt: now,
      expiresAt: now + 20,
      endsAt: now + 1e6,
    };
    for (let n = 0; n < 2500; n += 500) {
      await Promise.all(
        Array.from({ length: 500 }, (_, m) =>
          store.create(`0000000${m % 10}.${n + m}`, { ...record, expiresAt: now + 1e6 }),
        ),
      );
    }
    await store.create(key, record);
    assert.deepEqual(await expired, { type: "expired", key, limit: "idle" });
    clearInterval(alive);
    assert.equal(keysOf(client).length, 2500);
    await store.close();
  });

  it("prune takes what has expired from every page of the table, and tells how many", async () => {
    const { client, store } = await begin();
    const now = Date.now();
    const key = (n: number): string => n.toString(16).padStart(8, "0");
    for (let from = 0; from < 3000; from += 500) {
      const dead = {
        data: {},
        createdAt: now,
        lastSeenAt: now,
        expiresAt: now - 1,
        endsAt: now - 1,
      };
      await Promise.all(
        Array.from({ length: 500 }, (_, n) =>
          store.create(
            key(from + n),
            n % 3 ? dead : { ...dead, expiresAt: now + 1e6, endsAt: now + 1e6 },
          ),
        ),
      );
    }
    assert.equal(await store.prune(), 6 * 333);
    assert.equal(keysOf(client).length, 6 * 167);
    assert.equal(await store.prune(), 0);
  });
}

describe("SqliteStore", () => {
  it("refuses options that make no sense", () => {
    const client: SqliteClient = { exec: () => {}, prepare: () => assert.fail() };
    const refused = (options: object, kind: typeof TypeError | typeof RangeError): void =>
      assert.throws(() => new SqliteStore({ client, ...options }), kind);
    for (const table of [
      "",
      "a b",
      'a"b',
      "1a",
      "sqlite_a",
      "SQLITE_a",
      "x".repeat(64),
      "a.b",
      "ä",
      5,
    ])
      refused({ table }, TypeError);
    for (const wrong of [undefined, null, 5, {}, { exec: () => {} }, { prepare: () => {} }])
      refused({ client: wrong }, TypeError);
    refused({ synchronous: "off" }, TypeError);
    refused({ busyTimeout: "1" }, TypeError);
    for (const busyTimeout of [-1, NaN, Infinity]) refused({ busyTimeout }, RangeError);
    for (const pruneInterval of [0, -1, NaN]) refused({ pruneInterval }, RangeError);
    refused({ pruneInterval: true }, TypeError);
    refused({ tabel: "sessions" }, TypeError);
    for (const options of [undefined, null, client])
      assert.throws(
        () => new SqliteStore(options as never),
        /^TypeError: Invalid option.*SqliteStore/,
      );
  });
});

/** The client itself, with its commits counted. */
function countCommits(client: SqliteClient): { client: SqliteClient; count: number } {
  const counted = {
    count: 0,
    client: {
      exec: (sql: string) => client.exec(sql),
      prepare(sql: string): SqliteStatement {
        const statement = client.prepare(sql);
        if (sql !== "COMMIT") return statement;
        return {
          all: () => assert.fail(),
          get: () => assert.fail(),
          run: () => [statement.run(), counted.count++],
        };
      },
    },
  };
  return counted;
}
