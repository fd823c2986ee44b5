// Writes docs/measured/admin.json: how long each admin page takes with a million sessions in each
// store. Sessions are put in by the store once and then copied by the database's own means, or a
// million sign-ins would take the most of an hour. `SESSIONS=20000` for a try.
import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { createPool } from "mysql2/promise";
import { Pool } from "pg";
import { createClient } from "redis";
import { createAdmin } from "../src/admin.ts";
import { MemoryStore, Session, type SessionStore } from "../src/session.ts";
import { MysqlStore } from "../src/stores/mysql.ts";
import { PostgresStore } from "../src/stores/postgres.ts";
import { RedisStore } from "../src/stores/redis.ts";
import { SqliteStore } from "../src/stores/sqlite.ts";
import { startMariadbServer } from "../test/support/mariadb-server.ts";
import { startPostgresServer } from "../test/support/postgres-server.ts";
import { startRedisServer } from "../test/support/redis-server.ts";
import { sqliteClient } from "../test/support/sqlite-clients.ts";
import { temporaryFolder } from "../test/support/temporary-folder.ts";

const SESSIONS = Number(process.env["SESSIONS"] ?? 1_000_000);
// Two sessions of every other user.
const USERS = Math.ceil(SESSIONS / 1.5);
const TIMES = 11;
const AT_ONCE = 500;
const DEVICE = {
  label: "Firefox on Windows",
  ip: "192.0.2.1",
  userAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:150.0) Gecko/20100101 Firefox/150.0",
};
const FILE = "docs/measured/admin.json";

interface Bench {
  store: SessionStore;
  /** Makes many of the one session there is, of the user `user-0`. Without it each is created. */
  copy?(): Promise<unknown>;
  close(): Promise<unknown>;
}

const BENCHES: Record<string, () => Promise<Bench>> = {
  MemoryStore: async () => ({
    store: new MemoryStore({ maxSessions: 2 * SESSIONS }),
    close: async () => {},
  }),
  SqliteStore: async () => {
    const folder = await temporaryFolder();
    const client = (await sqliteClient()).open(join(folder.path, "sessions.db"));
    const store = new SqliteStore({ client, synchronous: "normal", pruneInterval: false });
    await store.migrate();
    return {
      store,
      close: async () => {
        await store.close();
        client.close();
        await folder.remove();
      },
    };
  },
  RedisStore: async () => {
    const server = await startRedisServer({ arguments: ["--maxmemory-policy", "noeviction"] });
    const client = await createClient({ url: server.url }).connect();
    return {
      store: new RedisStore({ client }),
      close: async () => (client.destroy(), server.stop()),
    };
  },
  PostgresStore: async () => {
    const server = await startPostgresServer();
    const pool = new Pool({ connectionString: server.url, max: 10 });
    const store = new PostgresStore({ client: pool, pruneInterval: false });
    await store.migrate();
    const copy = async (): Promise<void> => {
      await pool.query(
        `INSERT INTO harpiats_sessions SELECT (jsonb_populate_record(s, jsonb_build_object('key', lpad(to_hex(n), 8, '0') || '.' || rpad(md5(n::text) || md5('x' || n), 43), 'user_id', 'user-' || (n % ${USERS})))).*
         FROM harpiats_sessions s, generate_series(1, ${SESSIONS - 1}) n`,
      );
      await pool.query("ANALYZE");
    };
    return { store, copy, close: async () => (await pool.end(), server.stop()) };
  },
  MysqlStore: async () => {
    const server = await startMariadbServer({
      settings: { "innodb-buffer-pool-size": "1G", "innodb-log-file-size": "256M" },
    });
    const client = createPool({ ...server.connection, connectionLimit: 10 });
    const store = new MysqlStore({ client, pruneInterval: false });
    await store.migrate();
    const copy = (): Promise<unknown> =>
      client.query(
        `INSERT INTO harpiats_sessions (session_key, version, user_id, user_text, data, facts, revision, created_at, last_seen_at, expires_at, ends_at, epoch)
         SELECT CONCAT(LPAD(LOWER(HEX(seq)), 8, '0'), '.', RPAD(CONCAT(MD5(seq), MD5(CONCAT('x', seq))), 43, '')), version, REPLACE(user_id, 'user-0', CONCAT('user-', seq % ${USERS})), user_text, data, facts, revision, created_at, last_seen_at, expires_at, ends_at, epoch
         FROM harpiats_sessions, seq_1_to_${SESSIONS - 1}`,
      );
    return { store, copy, close: async () => (await client.end(), server.stop()) };
  },
};

async function fill({ copy }: Bench, session: Session): Promise<void> {
  await session.create({ userId: "user-0", role: "member" }, { device: DEVICE });
  if (copy) return void (await copy());
  for (let at = 1; at < SESSIONS; at += AT_ONCE) {
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, SESSIONS - at) }, (_, more) =>
        session.create(
          { userId: `user-${(at + more) % USERS}`, role: "member" },
          { device: DEVICE },
        ),
      ),
    );
  }
}

/** Milliseconds: half of the times took at most the first, all of them at most the second. */
async function timesOf(
  answer: () => Promise<unknown>,
  before: () => Promise<unknown> = async () => {},
): Promise<{ median: number; longest: number }> {
  const times: number[] = [];
  for (let time = 0; time < TIMES; time++) {
    await before();
    const startedAt = performance.now();
    await answer();
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  return {
    median: Math.round((times[TIMES >> 1] ?? 0) * 10) / 10,
    longest: Math.round((times.at(-1) ?? 0) * 10) / 10,
  };
}

async function measure(bench: Bench): Promise<Record<string, unknown>> {
  const session = new Session({ store: bench.store });
  await fill(bench, session);
  let now = Date.now();
  const admin = createAdmin({ session, authorize: () => true, clock: { now: () => now } });
  const ask = async (path: string): Promise<string> => {
    const response = await admin(new Request(`http://admin.test/admin${path}`));
    if (response.status !== 200) throw new Error(`${path} was answered ${response.status}`);
    return response.text();
  };
  const overview = await ask("/");
  const live = /<p class="big">(.*?)<\/p>/.exec(overview)?.[1]?.replace(/<[^>]+>/g, "");
  const first = await session.all.scan(undefined, { limit: 50 });
  // Far from the beginning, as far as a few hundred pages go.
  let cursor = first.cursor ?? "";
  for (let page = 0; page < 100; page++)
    cursor = (await session.all.scan(cursor, { limit: 500 })).cursor ?? cursor;
  const handle = first.sessions[0]?.handle ?? "";
  // Beyond the seconds for which a look at the store is kept.
  const later = async (): Promise<void> => void (now += 10_000);
  const pages = {
    overview: await timesOf(() => ask("/"), later),
    chart: await timesOf(() => ask("/charts/users.svg?look=wide-light")),
    sessions: await timesOf(() => ask("/sessions")),
    "sessions, far in": await timesOf(() => ask(`/sessions?cursor=${encodeURIComponent(cursor)}`)),
    "search by device that nobody has": await timesOf(() => ask("/sessions?by=device&q=none")),
    "one user": await timesOf(() => ask("/user?id=user-7")),
    "one session": await timesOf(() => ask(`/session?handle=${handle}`)),
  };
  admin.close();
  return { live, milliseconds: pages };
}

const only = process.argv.slice(2);
const stores: Record<string, unknown> = {};
for (const [name, open] of Object.entries(BENCHES)) {
  if (only.length > 0 && !only.includes(name)) continue;
  const bench = await open();
  try {
    stores[name] = await measure(bench);
    process.stdout.write(`${name} ${JSON.stringify(stores[name])}\n`);
  } finally {
    await bench.close();
  }
}
const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  date: new Date().toISOString().slice(0, 10),
};
const about = `Written by tools/measure-admin.ts: each page asked ${TIMES} times, made and read whole in the process that also asks, the servers on the same machine.`;
if (only.length === 0)
  writeFileSync(
    FILE,
    `${JSON.stringify({ about, machine, sessions: SESSIONS, users: USERS, stores }, undefined, 2)}\n`,
  );
process.exit();
