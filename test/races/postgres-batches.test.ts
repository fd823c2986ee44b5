// Batches of changes on a real PostgreSQL: what the server counts for them, what one item does to
// the others, and two processes whose batches hold the same sessions in other orders.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Pool } from "pg";
import { type KeyedPatch, Session } from "../../src/session.ts";
import { PostgresStore } from "../../src/stores/postgres.ts";
import {
  type PostgresServer,
  skipWithoutPostgres,
  startPostgresServer,
} from "../support/postgres-server.ts";
import { heard } from "../support/waits.ts";
import { fork } from "../support/children.ts";

type Fields = Record<string, unknown>;
const ROUNDS = 150;
const SESSIONS = 30;

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/**
 * Batches of some of the sessions, in an order of their own: each adds a field of this process and
 * of this round.
 */
async function hammer(url: string, name: string, keys: readonly string[]): Promise<string[]> {
  const client = new Pool({ connectionString: url });
  const store = new PostgresStore<Fields>({ client, pruneInterval: false });
  const failures: string[] = [];
  const rounds = Array.from({ length: ROUNDS }, (_, round) => round);
  const work = async (): Promise<void> => {
    for (let round = rounds.pop(); round !== undefined; round = rounds.pop()) {
      const some = shuffled(keys);
      const to = { lastSeenAt: Date.now(), expiresAt: Date.now() + 3_600_000 };
      const [outcomes, lives] = await Promise.all([
        store.patchAll(
          some.map((key) => ({ key, patch: { set: { [`${name}${round}`]: round } } })),
        ),
        store.extendAll(shuffled(keys).map((key) => ({ key, to }))),
      ]);
      failures.push(
        ...outcomes.filter((outcome) => outcome !== "done").map(String),
        ...lives.filter((isLive) => !isLive).map(String),
      );
    }
  };
  await Promise.all(Array.from({ length: 4 }, work));
  await client.end();
  return failures;
}

if (process.env["HARPIATS_HAMMER"] && process.send) {
  const { url, keys } = JSON.parse(process.env["HARPIATS_HAMMER"]) as {
    url: string;
    keys: string[];
  };
  process.send(await hammer(url, "child", keys).catch((error: unknown) => [String(error)]));
  process.disconnect();
} else {
  describe("PostgresStore", { skip: skipWithoutPostgres() }, () => {
    let server: PostgresServer;
    let pool: Pool;
    let store: PostgresStore<Fields>;
    before(async () => {
      server = await startPostgresServer();
      pool = new Pool({ connectionString: server.url });
      store = new PostgresStore<Fields>({ client: pool, pruneInterval: false });
      await store.migrate();
      await pool.query("CREATE EXTENSION pg_stat_statements");
    });
    after(async () => {
      await pool.end();
      await server.stop();
    });

    const created = async (count: number): Promise<string[]> => {
      const now = Date.now();
      const keys = Array.from({ length: count }, (_, n) => `batch-${now}-${Math.random()}-${n}`);
      await Promise.all(
        keys.map((key) =>
          store.create(key, {
            data: { n: 0 },
            createdAt: now,
            lastSeenAt: now,
            expiresAt: now + 3_600_000,
            endsAt: now + 7_200_000,
          }),
        ),
      );
      return keys;
    };
    const setAll = (keys: readonly string[], set: Fields): KeyedPatch<Fields>[] =>
      keys.map((key) => ({ key, patch: { set } }));

    it("makes one statement of 64 changes of one turn, and of one alone that for one", async () => {
      const session = new Session<Fields>({ store });
      const ids = await Promise.all(Array.from({ length: 64 }, () => session.create({ n: 0 })));
      await pool.query("SELECT pg_stat_statements_reset()");
      assert.ok((await Promise.all(ids.map((id, n) => session.update(id, { n })))).every(Boolean));
      assert.equal(await session.update(ids[0], { n: 7 }), true);
      const { rows } = await pool.query<{ query: string; calls: string }>(
        "SELECT query, calls FROM pg_stat_statements WHERE query LIKE '%UPDATE%' ORDER BY length(query)",
      );
      assert.deepEqual(
        rows.map(({ query, calls }) => [query.includes("wanted"), calls]),
        [
          [false, "1"],
          [true, "1"],
        ],
      );
      assert.deepEqual(await Promise.all(ids.slice(0, 3).map((id) => session.get(id))), [
        { n: 7 },
        { n: 1 },
        { n: 2 },
      ]);
    });

    it("what one session cannot hold fails that one alone", async () => {
      const keys = await created(20);
      await pool.query(
        "ALTER TABLE harpiats_sessions ADD CONSTRAINT small CHECK (length(data::text) < 10000)",
      );
      const patches = setAll(keys, { n: 1 });
      patches[3] = { key: keys[3] as string, patch: { set: { n: "x".repeat(10_000) } } };
      patches[11] = { key: keys[11] as string, patch: { set: { n: 1, text: "x".repeat(10_000) } } };
      const outcomes = await store
        .patchAll(patches)
        .finally(() => pool.query("ALTER TABLE harpiats_sessions DROP CONSTRAINT small"));
      const codes = outcomes.map((outcome) =>
        outcome instanceof Error ? (outcome as { code?: string }).code : outcome,
      );
      assert.deepEqual(
        codes,
        keys.map((_, at) => (at === 3 || at === 11 ? "23514" : "done")),
      );
      const stored = await store.read(keys);
      assert.deepEqual(
        stored.map((session) => session?.data["n"] === 1),
        keys.map((_, at) => at !== 3 && at !== 11),
      );
      assert.ok(
        stored.every((session, at) => session?.revision === (at === 3 || at === 11 ? 1 : 2)),
      );
    });

    it("takes more than a statement should hold", async () => {
      const keys = await created(6);
      const text = "é".repeat(1_000_000);
      assert.deepEqual(
        await store.patchAll(setAll(keys, { text })),
        keys.map(() => "done"),
      );
      assert.ok(
        (await store.read(keys)).every(
          (session) => session?.data["text"] === text && session.revision === 2,
        ),
      );
    });

    it("two processes with the same sessions in other orders never wait for each other in a circle, and no change is lost", async () => {
      const keys = await created(SESSIONS);
      const child = fork(new URL(import.meta.url), {
        env: { ...process.env, HARPIATS_HAMMER: JSON.stringify({ url: server.url, keys }) },
      });
      const [[failures], own] = await Promise.all([
        heard<[string[]]>(child, "message"),
        hammer(server.url, "parent", keys),
      ]);
      assert.deepEqual([failures, own], [[], []]);
      const fields = ["child", "parent"].flatMap((name) =>
        Array.from({ length: ROUNDS }, (_, round) => [`${name}${round}`, round]),
      );
      for (const session of await store.read(keys)) {
        assert.deepEqual(session?.data, { n: 0, ...Object.fromEntries(fields) });
        assert.equal(session?.revision, 1 + 2 * ROUNDS);
      }
      assert.equal(
        (
          await pool.query(
            "SELECT deadlocks::text FROM pg_stat_database WHERE datname = 'postgres'",
          )
        ).rows[0].deadlocks,
        "0",
      );
    });

    it("a batch brings back nothing that ended meanwhile", async () => {
      for (let round = 0; round < 20; round++) {
        const keys = await created(SESSIONS);
        const ended = keys.filter((_, at) => at % 3 === 0);
        const changing = [shuffled(keys), shuffled(keys), shuffled(keys)].map((some) =>
          store.patchAll(setAll(some, { round })),
        );
        assert.deepEqual(
          await Promise.all(ended.map((key) => store.remove(key))),
          ended.map(() => true),
        );
        const after = await store.patchAll(setAll(keys, { after: true }));
        assert.deepEqual(
          after,
          keys.map((key) => (ended.includes(key) ? "missing" : "done")),
        );
        assert.ok(
          (await Promise.all(changing))
            .flat()
            .every((outcome) => outcome === "done" || outcome === "missing"),
        );
        assert.deepEqual(
          (await store.read(keys)).map((session) => session !== undefined),
          keys.map((key) => !ended.includes(key)),
        );
      }
    });
  });
}
