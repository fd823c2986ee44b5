// What SqliteStore keeps of rows that it has read: nobody's change is ever missed, and the file is
// asked once for many reads.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { type SqliteClient, SqliteStore } from "../../../src/stores/sqlite.ts";
import { ManualClock } from "../../../src/testing.ts";
import {
  databasesOf,
  type OpenDatabase,
  type SqliteClientKind,
  sqliteClients,
} from "../../support/sqlite-clients.ts";

for (const client of await sqliteClients())
  describe(`SqliteStore's recent rows with ${client.name}`, () => particulars(client));

function particulars(kind: SqliteClientKind): void {
  const { connect: connectTo } = databasesOf(kind, { before, after });
  let files = 0;

  const begin = async () => {
    const file = `${++files}.db`;
    const connect = (): OpenDatabase => connectTo(file);
    const client = connect();
    const counted = countSelects(client);
    const clock = new ManualClock(1_700_000_000_000);
    const store = new SqliteStore<Record<string, unknown>>({
      client: counted.client,
      clock,
      pruneInterval: false,
    });
    await store.migrate();
    const now = clock.now();
    const add = (key: string, data: object = { name: "Ada" }) =>
      store.create(key, {
        data: { ...data },
        createdAt: now,
        lastSeenAt: now,
        expiresAt: now + 1000,
        endsAt: now + 9000,
      });
    await add("a");
    assert.ok(store.readSync("a"));
    await setImmediate();
    return { client, connect, clock, store, add, counted };
  };
  const nameOf = (store: SqliteStore, key = "a"): unknown => store.readSync(key)?.data["name"];

  it("asks the file for a row once", async () => {
    const { store, counted } = await begin();
    counted.selects = 0;
    for (let turn = 0; turn < 3; turn++) {
      for (let read = 0; read < 5; read++) assert.equal(nameOf(store), "Ada");
      await setImmediate();
    }
    assert.equal(counted.selects, 0);
  });

  it("asks anew after a change of its own for what it changed, and for nothing else", async () => {
    const { store, counted, add } = await begin();
    await add("b");
    await setImmediate();
    counted.selects = 0;
    assert.deepEqual([nameOf(store), counted.selects], ["Ada", 0]);
    assert.deepEqual([nameOf(store, "b"), nameOf(store, "b"), counted.selects], ["Ada", "Ada", 1]);
  });

  it("gives what cannot change what is kept", async () => {
    const { store } = await begin();
    const session = store.readSync("a");
    if (session) Object.assign(session.data, { name: "Eve" });
    assert.equal(nameOf(store), "Ada");
  });

  it("sees another connection's change in the next turn", async () => {
    const { store, connect } = await begin();
    const other = connect();
    assert.equal(nameOf(store), "Ada");
    other.exec(`UPDATE harpiats_sessions SET data = '{"name":"Bea"}'`);
    await setImmediate();
    assert.equal(nameOf(store), "Bea");
    other.exec("DELETE FROM harpiats_sessions");
    await setImmediate();
    assert.equal(store.readSync("a"), undefined);
  });

  it("sees it in the same turn, where that lasts longer than a millisecond", async () => {
    const { store, connect } = await begin();
    const other = connect();
    assert.equal(nameOf(store), "Ada");
    other.exec(`UPDATE harpiats_sessions SET data = '{"name":"Bea"}'`);
    for (const until = performance.now() + 1.5; performance.now() < until;);
    assert.equal(nameOf(store), "Bea");
  });

  it("sees what others do on its own connection", async () => {
    const { store, client, add } = await begin();
    client.exec(`UPDATE harpiats_sessions SET data = '{"name":"Bea"}'`);
    assert.equal(nameOf(store), "Bea");
    await setImmediate();
    client.exec("DELETE FROM harpiats_sessions");
    assert.equal(store.readSync("a"), undefined);
    await add("b");
    assert.equal(nameOf(store, "b"), "Ada");
    await setImmediate();
    client.exec("DROP TABLE harpiats_sessions");
    client.exec(store.schema());
    assert.equal(store.readSync("b"), undefined);
  });

  it("sees a change of another connection that came beside one of its own", async () => {
    const { store, connect, add } = await begin();
    const other = connect();
    await add("b");
    assert.deepEqual([nameOf(store), nameOf(store, "b")], ["Ada", "Ada"]);
    await setImmediate();
    // Between the reading and the transaction of its own change, which begins in the next turn.
    const own = store.patch("b", { set: { name: "Bob" } });
    other.exec(`UPDATE harpiats_sessions SET data = '{"name":"Bea"}' WHERE key = 'a'`);
    await own;
    assert.deepEqual([nameOf(store), nameOf(store, "b")], ["Bea", "Bob"]);
  });

  it("sees each of its own changes at once", async () => {
    const { store, add, clock } = await begin();
    const lives = (key: string): boolean => store.readSync(key) !== undefined;
    await store.patch("a", { set: { name: "Bea" } });
    assert.equal(nameOf(store), "Bea");
    const to = { lastSeenAt: clock.now() + 1, expiresAt: clock.now() + 5000 };
    await store.extend("a", to);
    assert.deepEqual({ ...to, ...store.readSync("a") }, { ...store.readSync("a"), ...to });
    await store.move("a", "b");
    assert.deepEqual([lives("a"), lives("b")], [false, true]);
    await store.remove("b");
    assert.equal(lives("b"), false);
    await add("b", { name: "Cid" });
    assert.equal(nameOf(store, "b"), "Cid");
    await store.removeAll();
    assert.equal(lives("b"), false);
  });

  it("does not see what was taken back", async () => {
    const { store, client } = await begin();
    assert.equal(nameOf(store), "Ada");
    client.exec(
      "CREATE TRIGGER refuse BEFORE UPDATE ON harpiats_sessions WHEN NEW.data LIKE '%Eve%' BEGIN SELECT RAISE(ROLLBACK, 'refused'); END",
    );
    await assert.rejects(store.patch("a", { set: { name: "Eve" } }), /refused/);
    assert.equal(nameOf(store), "Ada");
    const [fine, refused] = await Promise.allSettled([
      store.patch("a", { set: { name: "Bea" } }),
      store.patch("a", { set: { name: "Eve" } }),
    ]);
    assert.deepEqual(
      [fine.status, refused.status, nameOf(store)],
      ["fulfilled", "rejected", "Bea"],
    );
  });

  it("is of the database itself and of none that is attached: whether others have changed that, nobody says", async () => {
    const { client, connect } = await begin();
    const aside = connect();
    const [{ file }] = client.prepare("PRAGMA database_list").all() as [{ file: string }];
    const apart = connectTo(`${files}-apart.db`);
    apart.exec(`ATTACH '${file}' AS sessions`);
    const store = new SqliteStore({ client: apart, pruneInterval: false });
    assert.throws(() => store.readSync("a"), /no such table: main\.harpiats_sessions/);
    await store.migrate();
    assert.equal(store.readSync("a"), undefined);
    aside.exec(
      "CREATE TEMP TABLE harpiats_sessions AS SELECT * FROM main.harpiats_sessions; DELETE FROM main.harpiats_sessions",
    );
    assert.equal(new SqliteStore({ client: aside, pruneInterval: false }).readSync("a"), undefined);
  });

  it("keeps nothing of a transaction of the application's on its connection that was taken back", async () => {
    const { client } = await begin();
    const store = new SqliteStore<Record<string, unknown>>({
      client,
      clock: new ManualClock(1_700_000_000_000),
      pruneInterval: false,
    });
    assert.equal(nameOf(store), "Ada");
    await setImmediate();
    client.exec(`BEGIN; UPDATE harpiats_sessions SET data = '{"name":"Eve"}'`);
    assert.throws(() => nameOf(store), /in a transaction/);
    client.exec("ROLLBACK");
    assert.equal(nameOf(store), "Ada");
    await setImmediate();
    assert.equal(nameOf(store), "Ada");
  });

  it("reads an expired session no more, and one that another connection extended", async () => {
    const { store, connect, clock } = await begin();
    clock.advance(1000);
    assert.equal(store.readSync("a"), undefined);
    connect().exec("UPDATE harpiats_sessions SET expires_at = ends_at");
    await setImmediate();
    assert.equal(nameOf(store), "Ada");
  });

  it("keeps no large data", async () => {
    const { store, add, counted } = await begin();
    await add("large", { name: "x".repeat(3000) });
    counted.selects = 0;
    for (let read = 0; read < 3; read++) assert.equal(String(nameOf(store, "large")).length, 3000);
    assert.equal(counted.selects, 3);
  });
}

/** A client that counts how often it is asked for a session's row. */
function countSelects(client: SqliteClient): { client: SqliteClient; selects: number } {
  const counted = {
    selects: 0,
    client: {
      exec: (sql: string) => client.exec(sql),
      prepare: (sql: string) => {
        const statement = client.prepare(sql);
        if (!sql.startsWith("SELECT key, version")) return statement;
        for (const method of ["get", "values"] as const) {
          const given = statement[method];
          if (typeof given !== "function") continue;
          Object.defineProperty(statement, method, {
            value: (...values: (string | number | null)[]) => {
              counted.selects++;
              return Reflect.apply(given, statement, values);
            },
          });
        }
        return statement;
      },
    },
  };
  return counted;
}
