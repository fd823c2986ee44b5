// Measures what docs/stores/postgres.md says in numbers and writes docs/measured/postgres.json:
// bytes per session, how many touches stay off the indexes, what notifications cost. Starts a
// PostgreSQL of its own, with fsync; takes about a minute.
import { mkdirSync, writeFileSync } from "node:fs";
import { arch, cpus, platform, totalmem } from "node:os";
import { Pool } from "pg";
import { IdMaker, toStoreKey } from "../src/core/ids/session-id.ts";
import type { NewSession } from "../src/session.ts";
import { PostgresStore } from "../src/stores/postgres.ts";
import { startPostgresServer } from "../test/support/postgres-server.ts";

type Fields = Record<string, unknown>;

const SESSIONS = 20_000;
const TOUCHES = 5;
const CONNECTIONS = 32;
const PATCHES = 4000;
const FILE = "docs/measured/postgres.json";

const LOGIN = {
  userId: "4f1c2a5e-8b1d-4c60-9a57-1f0f3d0f5c11",
  role: "editor",
  locale: "en-GB",
  signedInAt: "2026-01-01T00:00:00.000Z",
};
const SHAPES: Record<string, Fields> = {
  anonymous: { locale: "en-GB" },
  login: LOGIN,
  "login and 1 KB": {
    ...LOGIN,
    cart: Array.from({ length: 32 }, (_, n) => `article-${n}-${"x".repeat(20)}`),
  },
};

const server = await startPostgresServer({ isDurable: true });
const pool = new Pool({ connectionString: server.url, max: CONNECTIONS });
const ids = new IdMaker();
try {
  const sizes = [];
  for (const [at, [shape, data]] of Object.entries(SHAPES).entries())
    sizes.push({ shape, ...(await sizeOf(`shape_${at}`, data)) });
  const notifying = [];
  for (const connections of [1, CONNECTIONS])
    notifying.push({
      connections,
      patchesPerSecond: await patchRate(false, connections),
      withNotify: await patchRate(true, connections),
    });
  const { rows } = await pool.query("SHOW server_version");
  const measured = {
    about:
      "Written by tools/measure-postgres.ts. Sizes are of the table and its two indexes as PostgreSQL counts them.",
    date: new Date().toISOString().slice(0, 10),
    machine: `${platform()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB`,
    versions: {
      node: process.versions.node,
      postgres: (rows[0] as { server_version: string }).server_version,
    },
    sizes,
    notifying,
  };
  mkdirSync("docs/measured", { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(measured, undefined, 2)}\n`);
  process.stdout.write(`${JSON.stringify(measured, undefined, 2)}\n`);
} finally {
  await pool.end();
  await server.stop();
}

function newSession(data: Fields): NewSession<Fields> {
  const now = Date.now();
  const { userId } = data;
  return {
    data,
    createdAt: now,
    lastSeenAt: now,
    expiresAt: now + 86_400_000,
    endsAt: now + 2_592_000_000,
    ...(typeof userId === "string" && { userId }),
  };
}

/** Runs so many tasks, so many at a time. */
async function inParallel(
  count: number,
  connections: number,
  task: (n: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const runner = async (): Promise<void> => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: connections }, runner));
}

async function filled(
  table: string,
  count: number,
  data: Fields,
  notify = false,
): Promise<{ store: PostgresStore<Fields>; keys: string[] }> {
  const store = new PostgresStore<Fields>({ client: pool, table, notify, pruneInterval: false });
  await store.migrate();
  const keys = Array.from({ length: count }, () =>
    toStoreKey(ids.make(Math.floor(Date.now() / 1000))),
  );
  // Every user has two sessions.
  await inParallel(count, CONNECTIONS, (n) =>
    store.create(
      keys[n] as string,
      newSession(
        typeof data["userId"] === "string"
          ? { ...data, userId: `${data["userId"]}${n >> 1}` }
          : data,
      ),
    ),
  );
  return { store, keys };
}

async function sizeOf(table: string, data: Fields): Promise<Record<string, number>> {
  const { store, keys } = await filled(table, SESSIONS, data);
  const bytes = async (): Promise<number> => {
    const { rows } = await pool.query(`SELECT pg_total_relation_size('${table}') AS size`);
    return Math.round(Number((rows[0] as { size: string }).size) / SESSIONS);
  };
  const bytesPerSession = await bytes();
  const now = Date.now();
  for (let round = 1; round <= TOUCHES; round++) {
    await inParallel(SESSIONS, CONNECTIONS, (n) =>
      store.extend(keys[n] as string, {
        lastSeenAt: now + round,
        expiresAt: now + 86_400_000 + round,
      }),
    );
  }
  // Counters are sent about once a second by each connection that is used.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await Promise.all(Array.from({ length: CONNECTIONS }, () => pool.query("SELECT pg_sleep(0.1)")));
  const { rows } = await pool.query(
    "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = $1",
    [table],
  );
  const { n_tup_upd, n_tup_hot_upd } = rows[0] as { n_tup_upd: string; n_tup_hot_upd: string };
  return {
    jsonBytes: JSON.stringify(data).length,
    bytesPerSession,
    bytesPerTouchedSession: await bytes(),
    touchesOffTheIndexes: Math.round((Number(n_tup_hot_upd) / Number(n_tup_upd)) * 1000) / 1000,
  };
}

async function patchRate(notify: boolean, connections: number): Promise<number> {
  const { store, keys } = await filled(`patched_${notify}_${connections}`, 1000, LOGIN, notify);
  const count = connections === 1 ? PATCHES / 8 : PATCHES;
  const startedAt = performance.now();
  await inParallel(count, connections, (n) =>
    store.patch(keys[n % keys.length] as string, { set: { n } }),
  );
  return Math.round((count / (performance.now() - startedAt)) * 1000);
}
