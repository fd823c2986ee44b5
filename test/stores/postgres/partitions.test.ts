// A table that is partitioned by the birth that keys begin with, as docs/production.md shows it:
// the whole contract, and old partitions that go at once.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { Pool } from "pg";
import { Session } from "../../../src/session.ts";
import { PostgresStore } from "../../../src/stores/postgres.ts";
import { ManualClock, storeConformance } from "../../../src/testing.ts";
import {
  type PostgresServer,
  skipWithoutPostgres,
  startPostgresServer,
} from "../../support/postgres-server.ts";
import { projectFolder } from "../../support/project.ts";

const runner = { describe, it, before, after };
const DAY = 86_400_000;

/** The SQL of the page, for a table of this name. */
async function partitioned(table: string): Promise<string> {
  const page = await readFile(`${projectFolder}docs/production.md`, "utf8");
  const [, sql = ""] = /```sql\n(-- Before the first migrate[\s\S]*?)```/.exec(page) ?? [];
  assert.ok(sql.includes("PARTITION BY RANGE (key)"));
  return sql.replaceAll("harpiats_sessions", table);
}

/** What keys begin with that are born at this time. */
function birthOf(milliseconds: number): string {
  return Math.floor(milliseconds / 1000)
    .toString(16)
    .padStart(8, "0");
}

describe("PostgresStore on a partitioned table", { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  let pool: Pool;
  before(async () => {
    server = await startPostgresServer();
    pool = new Pool({ connectionString: server.url });
  });
  after(async () => {
    await pool.end();
    await server.stop();
  });

  storeConformance(runner, {
    name: "PostgresStore, partitioned by birth",
    async open(clock) {
      const client = new Pool({ connectionString: server.url });
      await client.query(await partitioned("by_birth"));
      const store = new PostgresStore({ client, clock, table: "by_birth", pruneInterval: false });
      await store.migrate();
      return { store, close: () => client.end() };
    },
  });

  it("loses with a partition whose time is over nobody who lives", async () => {
    await pool.query(await partitioned("dropped"));
    const clock = new ManualClock();
    const store = new PostgresStore<{ userId: string }>({
      client: pool,
      clock,
      table: "dropped",
      pruneInterval: false,
    });
    await store.migrate();
    const firstDay = clock.now();
    for (const [name, from] of [
      ["one", firstDay],
      ["two", firstDay + DAY],
    ] as const) {
      await pool.query(
        `CREATE TABLE dropped_${name} PARTITION OF dropped FOR VALUES FROM ('${birthOf(from)}') TO ('${birthOf(from + DAY)}') WITH (fillfactor = 80)`,
      );
    }
    const session = new Session<{ userId: string }>({
      store,
      clock,
      idleTimeout: 86_400,
      absoluteTimeout: 86_400,
    });
    const old = await session.create({ userId: "alice" });
    clock.advance(DAY);
    const young = await session.create({ userId: "alice" });
    const rotated = await session.rotate(young);
    const { rows } = await pool.query(
      "SELECT tableoid::regclass::text AS at, count(*)::int AS count FROM dropped GROUP BY 1 ORDER BY 1",
    );
    assert.deepEqual(rows, [
      { at: "dropped_one", count: 1 },
      { at: "dropped_two", count: 1 },
    ]);
    await pool.query("DROP TABLE dropped_one");
    assert.equal(await session.get(old), undefined);
    assert.deepEqual(await session.get(rotated), { userId: "alice" });
    assert.equal((await session.list("alice")).length, 1);
  });
});
