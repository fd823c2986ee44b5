// node bench/stores/postgres.js: reads of a session per second on a real PostgreSQL, side by side with one prepared SELECT for
// each and with connect-pg-simple, and the statements that a request costs. Needs Node 24 (it starts the tests' own server),
// `npm run build`, and bench's own node_modules. Writes results/stores-postgres.json.
import { mkdirSync, writeFileSync } from "node:fs";
import connectPgSimple from "connect-pg-simple";
import expressSession from "express-session";
import { Session } from "../../dist/session.js";
import { PostgresStore } from "../../dist/stores/postgres.js";
import pg from "pg";
import { startPostgresServer } from "../../test/support/postgres-server.ts";
import { describeRun, versionsOf } from "../machine.js";

const SESSIONS = 5000;
const ROUNDS = 5;
const MILLISECONDS = 700;
const CONCURRENCY = [1, 64, 256];
const DATA = { userId: "4f1c2a5e-8b1d-4c60-9a57-1f0f3d0f5c11", role: "editor", locale: "en-GB", padding: "x".repeat(300) };

const server = await startPostgresServer({ isDurable: true });
const pools = [];
const newPool = () => pools[pools.push(new pg.Pool({ connectionString: server.url, max: 32 })) - 1];

try {
  const observer = newPool();
  await observer.query("CREATE EXTENSION pg_stat_statements");
  const contenders = await setUp();
  await observer.query("VACUUM ANALYZE");
  for (const { read } of contenders) await rate(read, 64);

  const runs = [];
  for (const concurrency of CONCURRENCY) {
    const rates = contenders.map(() => []);
    const statements = contenders.map(() => 0);
    for (let round = 0; round < ROUNDS; round++) {
      // In another order each time, so that no one always comes after the same other.
      for (const at of contenders.map((_, n) => (n + round) % contenders.length)) {
        await observer.query("SELECT pg_stat_statements_reset()");
        const { perSecond, count } = await rate(contenders[at].read, concurrency);
        const { rows } = await observer.query("SELECT COALESCE(sum(calls), 0) AS calls FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%'");
        rates[at].push(perSecond);
        statements[at] += rows[0].calls / count / ROUNDS;
      }
    }
    contenders.forEach(({ name }, at) => runs.push({ name, concurrency, readsPerSecond: median(rates[at]), rounds: rates[at], statementsPerRead: Math.round(statements[at] * 1000) / 1000 }));
  }
  const result = { part: "stores/postgres", ...describeRun({ isQuick: false }), versions: { ...versionsOf(["harpiats", "pg", "connect-pg-simple", "express-session"]), node: process.versions.node }, runs };
  mkdirSync(new URL("../results", import.meta.url), { recursive: true });
  writeFileSync(new URL("../results/stores-postgres.json", import.meta.url), `${JSON.stringify(result, undefined, 2)}\n`);
  console.table(runs.map(({ name, concurrency, readsPerSecond, statementsPerRead }) => ({ name, concurrency, readsPerSecond, statementsPerRead })));
} finally {
  for (const pool of pools) await pool.end();
  await server.stop();
}

async function setUp() {
  const store = new PostgresStore({ client: newPool(), pruneInterval: false });
  await store.migrate();
  // A request a minute writes its activity too. Here all reads are within that minute, however long the run takes.
  const session = new Session({ store, touchInterval: 3600 });
  const ids = await Promise.all(Array.from({ length: SESSIONS }, () => session.create(DATA)));
  const requests = ids.map((id) => ({ headers: { cookie: `session_id=${id}` } }));

  const raw = newPool();
  const keys = (await raw.query("SELECT key FROM harpiats_sessions")).rows.map(({ key }) => key);
  const select = "SELECT data, expires_at FROM harpiats_sessions WHERE key = $1";

  const Store = connectPgSimple(expressSession);
  const peer = new Store({ pool: newPool(), createTableIfMissing: true, pruneSessionInterval: false });
  const call = (method, ...args) => new Promise((resolve, reject) => peer[method](...args, (error, value) => (error instanceof Error ? reject(error) : resolve(value))));
  const record = { ...DATA, cookie: { originalMaxAge: 86_400_000, expires: new Date(Date.now() + 86_400_000).toISOString() } };
  for (let n = 0; n < SESSIONS; n++) await call("set", ids[n], record);

  return [
    { name: "pg, one prepared SELECT each", read: async (n) => (await raw.query({ name: "select", text: select, values: [keys[n]] })).rows[0].data.userId },
    { name: "harpiats, Session.fromRequest", read: async (n) => (await session.fromRequest(requests[n])).userId },
    { name: "connect-pg-simple, get", read: async (n) => (await call("get", ids[n])).userId },
    {
      name: "connect-pg-simple, get and touch, as express-session does",
      async read(n) {
        const found = await call("get", ids[n]);
        await call("touch", ids[n], found);
        return found.userId;
      },
    },
  ];
}

async function rate(read, concurrency) {
  let count = 0;
  const startedAt = performance.now();
  const until = startedAt + MILLISECONDS;
  const reader = async (first) => {
    for (let n = first; performance.now() < until; n += concurrency) {
      if ((await read(n % SESSIONS)) !== DATA.userId) throw new Error("A read gave something else than was stored");
      count++;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, n) => reader(n)));
  return { count, perSecond: Math.round((count / (performance.now() - startedAt)) * 1000) };
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
