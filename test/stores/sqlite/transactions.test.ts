// SqliteStore on a connection that is in somebody else's transaction, and beside connections that
// are in one.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { IdMaker, toStoreKey } from "../../../src/core/ids/session-id.ts";
import { Session } from "../../../src/session.ts";
import { SqliteStore } from "../../../src/stores/sqlite.ts";
import { databasesOf, sqliteClients } from "../../support/sqlite-clients.ts";

type Fields = Record<string, unknown>;
type Store = SqliteStore<Fields>;

const REFUSED = /in a transaction that the store did not begin/;
const ids = new IdMaker();
const newKey = (): string => toStoreKey(ids.make(Math.floor(Date.now() / 1000)));
const newSession = () => ({
  data: { n: 1 },
  createdAt: Date.now(),
  lastSeenAt: Date.now(),
  expiresAt: Date.now() + 600_000,
  endsAt: Date.now() + 900_000,
  userId: "ada",
});
const later = { lastSeenAt: Date.now(), expiresAt: Date.now() + 700_000 };

const CALLS: Record<string, (store: Store, key: string) => unknown> = {
  create: (store) => store.create(newKey(), newSession()),
  "create within a cap": (store) =>
    store.create(newKey(), newSession(), { limit: 9, onLimit: "deny" }),
  read: (store, key) => store.read([key]),
  readSync: (store, key) => store.readSync(key),
  "readSync of what is not there": (store) => store.readSync(newKey()),
  extend: (store, key) => store.extend(key, later),
  patch: (store, key) => store.patch(key, { set: { n: 2 } }),
  "patch of a revision": (store, key) => store.patch(key, { set: { n: 2 }, ifRevision: 1 }),
  move: (store, key) => store.move(key, newKey()),
  remove: (store, key) => store.remove(key),
  listByUser: (store) => store.listByUser("ada"),
  removeByUser: (store) => store.removeByUser("ada"),
  removeAll: (store) => store.removeAll(),
  scan: (store) => store.scan(),
  count: (store) => store.count(),
};

for (const kind of await sqliteClients()) {
  describe(`SqliteStore and transactions of ${kind.name}`, () => {
    const { connect } = databasesOf(kind, { before, after });
    let files = 0;

    it("refuses every call in a transaction on its own connection, and leaves that alone", async () => {
      const client = connect(`own-${++files}.db`);
      const store = new SqliteStore<Fields>({ client, pruneInterval: false });
      await store.migrate();
      client.exec("CREATE TABLE work (done INTEGER)");
      for (const begin of ["BEGIN", "BEGIN IMMEDIATE", "BEGIN; INSERT INTO work VALUES (1)"]) {
        for (const [call, work] of Object.entries(CALLS)) {
          const key = newKey();
          await store.create(key, newSession());
          // Read before: what is kept of it in the process is no answer either.
          assert.ok(store.readSync(key));
          client.exec(begin);
          await assert.rejects(async () => work(store, key), REFUSED, `${call} after ${begin}`);
          client.exec("ROLLBACK");
          assert.deepEqual(store.readSync(key)?.data, { n: 1 }, `${call} after ${begin}`);
          assert.equal(await store.removeByUser("ada"), 1, `${call} after ${begin}`);
        }
      }
      client.exec("BEGIN; INSERT INTO work VALUES (2)");
      await assert.rejects(store.remove(newKey()), REFUSED);
      client.exec("COMMIT");
      assert.equal(client.prepare("SELECT * FROM work").all().length, 1);
    });

    it("a logout and a login in the application's transaction are refused, not acknowledged", async () => {
      const client = connect(`own-${++files}.db`);
      const store = new SqliteStore<Fields>({ client, pruneInterval: false });
      await store.migrate();
      const session = new Session({ store });
      const id = await session.create({ userId: "1" });
      client.exec("BEGIN");
      for (const work of [
        () => session.delete(id),
        () => session.create({ userId: "2" }),
        () => session.get(id),
      ])
        await assert.rejects(work, { code: "ERR_STORE_UNAVAILABLE" });
      client.exec("ROLLBACK");
      assert.equal(await session.delete(id), true);
    });

    it("outside of WAL mode a change waits for a reader with a running event loop, and no longer than it is told", async () => {
      const file = `delete-${++files}.db`;
      const client = connect(file);
      const store = new SqliteStore<Fields>({ client, busyTimeout: 0.6, pruneInterval: false });
      client.exec(`PRAGMA journal_mode = DELETE; ${store.schema()}`);
      const [key, other] = [newKey(), newKey()];
      await store.create(key, newSession());
      const reader = connect(file);
      reader.exec("BEGIN; SELECT * FROM harpiats_sessions");
      reader.prepare("SELECT * FROM harpiats_sessions").all();
      let longest = 0;
      let last = performance.now();
      const watching = setInterval(() => {
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }, 5);
      const began = performance.now();
      await assert.rejects(store.remove(key), /locked/);
      const waited = performance.now() - began;
      assert.ok(waited >= 550 && waited < 3000, `waited ${waited} ms`);
      assert.deepEqual(store.readSync(key)?.data, { n: 1 });
      const creating = store.create(other, newSession());
      await setTimeout(30);
      // What is not acknowledged is not seen.
      assert.equal(store.readSync(other), undefined);
      reader.exec("COMMIT");
      assert.equal((await creating).outcome, "created");
      clearInterval(watching);
      assert.ok(longest < 400, `the event loop stood still for ${longest} ms`);
    });

    it("outside of WAL mode a read that another process holds up fails soon, and does not stop this one", async () => {
      const file = `delete-${++files}.db`;
      const client = connect(file);
      client.exec("PRAGMA busy_timeout = 5000");
      const store = new SqliteStore<Fields>({ client, pruneInterval: false });
      client.exec(`PRAGMA journal_mode = DELETE; ${store.schema()}`);
      const key = newKey();
      await store.create(key, newSession());
      const writer = connect(file);
      writer.exec("BEGIN EXCLUSIVE");
      const began = performance.now();
      assert.throws(() => store.readSync(key), /locked/);
      assert.ok(performance.now() - began < 2000);
      writer.exec("COMMIT");
      assert.deepEqual(store.readSync(key)?.data, { n: 1 });
    });
  });
}
