// Rows as clients give them: lists where they can, objects otherwise.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type SqliteStatement, SqliteStore } from "../../../src/stores/sqlite.ts";
import { ManualClock } from "../../../src/testing.ts";
import { openSqliteStore, sqliteClient } from "../../support/sqlite-clients.ts";

describe("SqliteStore", () => {
  it("reads the same from a client that knows no rows as lists", async () => {
    const clock = new ManualClock(5);
    const { store, client, close } = await openSqliteStore(await sqliteClient(), clock);
    const session = {
      data: { a: 1 },
      createdAt: 1,
      lastSeenAt: 2,
      expiresAt: 1000,
      endsAt: 2000,
      userId: "ada",
      facts: { authenticatedAt: 3 },
    };
    await store.create("00000000.a", session);
    const prepare = (sql: string): SqliteStatement => {
      const statement = client.prepare(sql);
      return {
        all: (...values) => statement.all(...values),
        get: (...values) => statement.get(...values),
        run: (...values) => statement.run(...values),
      };
    };
    const bare = new SqliteStore({ client: { exec: (sql) => client.exec(sql), prepare }, clock });
    const stored = { ...session, revision: 1 };
    assert.deepEqual(await bare.read(["00000000.a", "00000000.b"]), [stored, undefined]);
    assert.deepEqual(await bare.listByUser("ada"), [{ key: "00000000.a", session: stored }]);
    assert.deepEqual(await bare.scan(), { sessions: [{ key: "00000000.a", session: stored }] });
    await close();
  });

  it("refuses at the first use a client whose rows are arrays", async () => {
    const statement = { all: () => [[5000]], get: () => [5000], run: () => {} };
    const store = new SqliteStore({
      client: { exec: () => {}, prepare: () => statement },
      pruneInterval: false,
    });
    await assert.rejects(store.read(["a"]), /rows are not objects by column name/);
  });
});
