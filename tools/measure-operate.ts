// Writes docs/measured/operate.json: `harpiats sessions list` and `count` over a million sessions
// in each store, the time they take and the most memory that the command's process ever had, beside
// the same for a tenth of them. `SESSIONS=20000 ONLY=Redis` for a try. node
// .build/tools/measure-operate.js
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { createPool } from "mysql2/promise";
import { Pool } from "pg";
import { createClient } from "redis";
import { Session } from "../src/session.ts";
import type { openStore } from "../src/stores/open.ts";
import { installPackage } from "../test/support/installed-package.ts";
import { startMariadbServer } from "../test/support/mariadb-server.ts";
import { requireApart } from "../test/support/packages-apart.ts";
import { projectFolder } from "../test/support/project.ts";
import { startPostgresServer } from "../test/support/postgres-server.ts";
import { startRedisServer } from "../test/support/redis-server.ts";
import { spawn } from "../test/support/children.ts";

const SESSIONS = Number(process.env["SESSIONS"] ?? 1_000_000);
const FEW = SESSIONS / 10;
const FILE = `${projectFolder}docs/measured/operate.json`;
const DEVICE = { label: "Firefox on Windows", ip: "192.0.2.1" };
// Said by the command's process when it ends: the most memory that it had, in KB.
const TELLS_MEMORY =
  'data:text/javascript,process.on("exit",()=>process.stderr.write("maxRSS "+process.resourceUsage().maxRSS+"\\n"))';

interface Place {
  url: string;
  /** Makes of the one session there is so many. */
  copy(count: number): Promise<unknown>;
  close(): Promise<unknown>;
}

const installed = await installPackage(["better-sqlite3", "redis", "pg", "mysql2"]);

const PLACES: Record<string, () => Promise<Place>> = {
  SQLite: async () => {
    const path = join(installed.path, "sessions.db");
    const copy = async (count: number): Promise<void> => {
      // What test/support says it is.
      const Database = (await requireApart("better-sqlite3", "better-sqlite3")) as new (
        path: string,
      ) => { exec(sql: string): void; close(): void };
      const database = new Database(path);
      const others =
        "version, data, revision, created_at, last_seen_at, expires_at, ends_at, user_id, facts";
      database.exec(
        `WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count - 1})
         INSERT INTO harpiats_sessions (key, ${others}) SELECT printf('%08x.%043d', n, n), ${others} FROM numbers, (SELECT * FROM harpiats_sessions LIMIT 1)`,
      );
      database.close();
    };
    return { url: `sqlite:${path}`, copy, close: async () => {} };
  },
  Redis: async () => {
    const server = await startRedisServer();
    const client = await createClient({ url: server.url }).connect();
    const script = `local text, ttl = redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])
      for n = tonumber(ARGV[1]), tonumber(ARGV[2]) do redis.call('SET', string.format('harpiats:{%08x}.%043d', n, n), text, 'PX', ttl) end`;
    const copy = async (count: number): Promise<void> => {
      const [key = ""] = (await client.keys("harpiats:{*")).filter(
        (name) => !name.includes("user"),
      );
      for (let from = 1; from < count; from += 10_000)
        await client.eval(script, {
          keys: [key],
          arguments: [String(from), String(Math.min(from + 9999, count - 1))],
        });
    };
    return { url: server.url, copy, close: async () => (client.destroy(), server.stop()) };
  },
  PostgreSQL: async () => {
    const server = await startPostgresServer();
    const pool = new Pool({ connectionString: server.url });
    const copy = (count: number) =>
      pool.query(
        `INSERT INTO harpiats_sessions SELECT (jsonb_populate_record(s, jsonb_build_object('key', lpad(to_hex(n), 8, '0') || '.' || lpad(n::text, 43, '0')))).* FROM harpiats_sessions s, generate_series(1, ${count - 1}) n`,
      );
    return { url: server.url, copy, close: async () => (await pool.end(), server.stop()) };
  },
  MariaDB: async () => {
    const server = await startMariadbServer({
      settings: {
        tmpdir: installed.path,
        "innodb-buffer-pool-size": "1G",
        "innodb-log-file-size": "256M",
      },
    });
    const pool = createPool(server.connection);
    const copy = async (count: number): Promise<void> => {
      const [columns] = (await pool.query({
        sql: "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'harpiats_sessions' AND column_name <> 'session_key'",
        rowsAsArray: true,
      })) as unknown as [string[][]];
      const others = columns.flat().join(", ");
      await pool.query(
        `INSERT INTO harpiats_sessions (session_key, ${others}) SELECT CONCAT(LPAD(LOWER(HEX(seq)), 8, '0'), '.', LPAD(seq, 43, '0')), ${others} FROM harpiats_sessions, seq_1_to_${count - 1}`,
      );
    };
    return {
      url: `mysql://root@127.0.0.1:${server.port}/harpiats`,
      copy,
      close: async () => (await pool.end(), server.stop()),
    };
  },
};

interface Run {
  seconds: number;
  megabytes: number;
  lines: number;
}

/** Runs the published command, and reads what it prints as fast as it comes. */
function command(url: string, ...argv: string[]): Promise<Run & { out: string }> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ["--import", TELLS_MEMORY, installed.bin, "sessions", ...argv, "--store", url],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    let lines = 0;
    let out = "";
    let errors = "";
    child.stdout.on("data", (chunk: Buffer) => {
      for (const byte of chunk) if (byte === 10) lines++;
      out = String(chunk).slice(-100);
    });
    child.stderr.on("data", (chunk: Buffer) => (errors += String(chunk)));
    child.on("close", (code) => {
      const kilobytes = Number(/maxRSS (\d+)/.exec(errors)?.[1]);
      if (code !== 0) reject(new Error(errors));
      else
        resolve({
          seconds: Math.round((performance.now() - startedAt) / 100) / 10,
          megabytes: Math.round(kilobytes / 1024),
          lines,
          out,
        });
    });
  });
}

// What was measured before of the others, where only one is.
const results: { store: string; [name: string]: unknown }[] =
  process.env["ONLY"] && existsSync(FILE)
    ? (JSON.parse(readFileSync(FILE, "utf8")) as { results: { store: string }[] }).results.filter(
        ({ store }) => store !== process.env["ONLY"],
      )
    : [];
const about = `Written by tools/measure-operate.ts. harpiats sessions list --json over all sessions, and over ${FEW} of them: the most memory that its process had, megabytes.`;
const [cpu] = cpus();
const machine = `${process.platform} ${process.arch}, ${cpus().length} × ${cpu?.model}, ${Math.round(totalmem() / 2 ** 30)} GB`;
const save = (): void =>
  writeFileSync(
    FILE,
    `${JSON.stringify({ about, date: new Date().toISOString().slice(0, 10), machine, node: process.versions.node, sessions: SESSIONS, results }, null, 2)}\n`,
  );
try {
  for (const [name, begin] of Object.entries(PLACES)) {
    if (process.env["ONLY"] && process.env["ONLY"] !== name) continue;
    const { url, copy, close } = await begin();
    try {
      // The export of the file named.
      const { openStore: open } = (await installed.load("stores/open.js")) as {
        openStore: typeof openStore;
      };
      const opened = await open(url);
      await new Session({ store: opened.store }).create(
        { userId: "ada", role: "member" },
        { device: DEVICE },
      );
      await opened.close();
      await copy(SESSIONS);
      const few = await command(url, "list", "--json", "--limit", String(FEW));
      const all = await command(url, "list", "--json");
      const counted = await command(url, "count");
      if (all.lines < SESSIONS) throw new Error(`${name} listed ${all.lines} of ${SESSIONS}`);
      results.push({
        store: name,
        listSeconds: all.seconds,
        listMegabytes: all.megabytes,
        listOfFewMegabytes: few.megabytes,
        countSeconds: counted.seconds,
        counted: Number(counted.out),
      });
      process.stdout.write(`${JSON.stringify(results.at(-1))}\n`);
      save();
    } finally {
      await close();
    }
  }
} finally {
  await installed.remove();
}
