// Measures what docs/production.md says of PostgreSQL's table under touches and writes
// docs/measured/postgres-bloat.json: how large it grows and how much is written to the log, with
// and without room on its pages, with an index on the deadline, and while a transaction stays open.
// Starts a PostgreSQL of its own, with fsync; takes about a minute.
import { mkdirSync, writeFileSync } from "node:fs";
import { arch, cpus, platform, totalmem } from "node:os";
import { Pool } from "pg";
import { IdMaker, toStoreKey } from "../src/core/ids/session-id.ts";
import { PostgresStore } from "../src/stores/postgres.ts";
import { startPostgresServer } from "../test/support/postgres-server.ts";

const SESSIONS = 10_000;
const ROUNDS = 20;
// Touches of different sessions in one statement, to be quick about it. Each makes a row version of
// its own.
const AT_ONCE = 25;
const FILE = "docs/measured/postgres-bloat.json";
const DATA = {
  userId: "4f1c2a5e-8b1d-4c60-9a57-1f0f3d0f5c11",
  role: "editor",
  locale: "en-GB",
  signedInAt: "2026-01-01T00:00:00.000Z",
};

interface Variant {
  name: string;
  fillfactor: number;
  index?: boolean;
  /** Somebody's transaction stays open all the while, such as a report's or a forgotten one's. */
  open?: boolean;
}

const VARIANTS: readonly Variant[] = [
  { name: "as it is made: fillfactor 80, no index on the deadline", fillfactor: 80 },
  { name: "fillfactor 100", fillfactor: 100 },
  { name: "fillfactor 50", fillfactor: 50 },
  { name: "fillfactor 80, an index on expires_at", fillfactor: 80, index: true },
  { name: "fillfactor 80, a transaction open all the while", fillfactor: 80, open: true },
];

const server = await startPostgresServer({ isDurable: true });
const pool = new Pool({
  connectionString: server.url,
  max: 8,
  options: "-c synchronous_commit=off",
});
try {
  const variants = [];
  for (const [at, variant] of VARIANTS.entries())
    variants.push(await measure(`bloat_${at}`, variant));
  const { rows } = await pool.query("SHOW server_version");
  const measured = {
    about: `Written by tools/measure-bloat.ts. ${SESSIONS} sessions of a login, each touched ${ROUNDS} times in random order, without autovacuum; then VACUUM, and half as many touches more. Bytes are for one session, with all indexes; log bytes for one touch.`,
    date: new Date().toISOString().slice(0, 10),
    machine: `${platform()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB`,
    versions: {
      node: process.versions.node,
      postgres: (rows[0] as { server_version: string }).server_version,
    },
    variants,
  };
  mkdirSync("docs/measured", { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(measured, undefined, 2)}\n`);
  process.stdout.write(`${JSON.stringify(measured, undefined, 2)}\n`);
} finally {
  await pool.end();
  await server.stop();
}

async function measure(
  table: string,
  { name, fillfactor, index = false, open = false }: Variant,
): Promise<object> {
  const store = new PostgresStore<typeof DATA>({ client: pool, table, pruneInterval: false });
  await store.migrate();
  await pool.query(
    `ALTER TABLE ${table} SET (fillfactor = ${fillfactor}, autovacuum_enabled = false)`,
  );
  if (index) await pool.query(`CREATE INDEX ${table}_expires_at ON ${table} (expires_at)`);
  const keys = await fill(store);
  const holder = await pool.connect();
  if (open)
    await holder.query("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM pg_class LIMIT 1");
  const bytesNew = await bytesOf(table);
  const from = await logPosition();
  await touch(table, keys, 1);
  const bytesAfterOne = await bytesOf(table);
  await touch(table, keys, ROUNDS - 1);
  const logBytesPerTouch = Math.round(((await logPosition()) - from) / (SESSIONS * ROUNDS));
  const bytesAfterAll = await bytesOf(table);
  const hot = await shareOfHot(table);
  await holder.query("ROLLBACK");
  holder.release();
  await pool.query(`VACUUM ${table}`);
  await touch(table, keys, ROUNDS / 2);
  return {
    name,
    bytesNew,
    bytesAfterOne,
    bytesAfterAll,
    bytesAfterVacuumAndMore: await bytesOf(table),
    touchesOffTheIndexes: hot,
    logBytesPerTouch,
  };
}

async function fill(store: PostgresStore<typeof DATA>): Promise<string[]> {
  const ids = new IdMaker();
  const now = Date.now();
  const keys = Array.from({ length: SESSIONS }, () => toStoreKey(ids.make(Math.floor(now / 1000))));
  let next = 0;
  const filler = async (): Promise<void> => {
    while (next < keys.length) {
      const at = next++;
      const userId = `${DATA.userId}${at >> 1}`;
      await store.create(keys[at] as string, {
        data: { ...DATA, userId },
        userId,
        createdAt: now,
        lastSeenAt: now,
        expiresAt: now + 86_400_000,
        endsAt: now + 2_592_000_000,
      });
    }
  };
  await Promise.all(Array.from({ length: 7 }, filler));
  return keys;
}

/** Touches every session so many times, as the store's `extend` does. */
async function touch(table: string, keys: readonly string[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const order = shuffle(keys);
    const now = Date.now();
    for (let at = 0; at < order.length; at += AT_ONCE) {
      await pool.query({
        name: `touch ${table}`,
        text: `UPDATE ${table} SET last_seen_at = GREATEST(last_seen_at + 1, $2::bigint), expires_at = GREATEST(expires_at + 1, $2::bigint + 86400000) WHERE key = ANY($1::text[])`,
        values: [order.slice(at, at + AT_ONCE), now],
      });
    }
  }
}

function shuffle<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

async function bytesOf(table: string): Promise<number> {
  const { rows } = await pool.query(`SELECT pg_total_relation_size('${table}') AS size`);
  return Math.round(Number((rows[0] as { size: string }).size) / SESSIONS);
}

async function logPosition(): Promise<number> {
  const { rows } = await pool.query(
    "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS bytes",
  );
  return Number((rows[0] as { bytes: string }).bytes);
}

async function shareOfHot(table: string): Promise<number> {
  // Counters are sent about once a second by each connection that is used.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await Promise.all(Array.from({ length: 7 }, () => pool.query("SELECT pg_sleep(0.1)")));
  const { rows } = await pool.query(
    "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = $1",
    [table],
  );
  const { n_tup_upd, n_tup_hot_upd } = rows[0] as { n_tup_upd: string; n_tup_hot_upd: string };
  return Math.round((Number(n_tup_hot_upd) / Number(n_tup_upd)) * 1000) / 1000;
}
