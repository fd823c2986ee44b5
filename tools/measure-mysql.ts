// Measures what docs/stores/mysql.md says in numbers and writes docs/measured/mysql.json: bytes per
// session, what a cap costs, how long pruning takes. Starts a MariaDB of its own that waits for the
// disk; takes about a minute.
import { mkdirSync, writeFileSync } from "node:fs";
import { arch, cpus, platform, totalmem } from "node:os";
import { createPool, type RowDataPacket } from "mysql2/promise";
import { IdMaker, toStoreKey } from "../src/core/ids/session-id.ts";
import type { NewSession, UserCap } from "../src/session.ts";
import { MysqlStore } from "../src/stores/mysql.ts";
import { startMariadbServer } from "../test/support/mariadb-server.ts";

type Fields = Record<string, unknown>;

const SESSIONS = 20_000;
const TOUCHES = 5;
const CONNECTIONS = 32;
const LOGINS = 5000;
const DAY = 86_400_000;
const FILE = "docs/measured/mysql.json";

const LOGIN = {
  userId: "4f1c2a5e-8b1d-4c60-9a57-1f0f3d0f5c11",
  role: "editor",
  locale: "en-GB",
  signedInAt: "2026-01-01T00:00:00.000Z",
};
const CART = Array.from({ length: 32 }, (_, n) => `article-${n}-${"x".repeat(20)}`);
const SHAPES: Record<string, Fields> = {
  anonymous: { locale: "en-GB" },
  login: LOGIN,
  "login and 1 KB": { ...LOGIN, cart: CART },
};

const server = await startMariadbServer({
  isDurable: true,
  settings: { "innodb-buffer-pool-size": "256M", "innodb-log-file-size": "128M" },
});
const client = createPool({ ...server.connection, connectionLimit: CONNECTIONS });
const ids = new IdMaker();
try {
  const sizes = [];
  for (const [at, [shape, data]] of Object.entries(SHAPES).entries())
    sizes.push({ shape, ...(await sizeOf(`shape_${at}`, data)) });
  const logins = {
    connections: CONNECTIONS,
    perSecond: await loginRate(),
    perSecondWithCap: await loginRate({ limit: 5, onLimit: "evict-oldest" }),
  };
  const [rows] = await client.query<RowDataPacket[]>("SELECT VERSION() AS version");
  const measured = {
    about:
      "Written by tools/measure-mysql.ts. Sizes are of the table and its two indexes as InnoDB counts their pages.",
    date: new Date().toISOString().slice(0, 10),
    machine: `${platform()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB`,
    versions: { node: process.versions.node, mariadb: String(rows[0]?.["version"]) },
    sizes,
    logins,
    pruning: await pruning(),
  };
  mkdirSync("docs/measured", { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(measured, undefined, 2)}\n`);
  process.stdout.write(`${JSON.stringify(measured, undefined, 2)}\n`);
} finally {
  await client.end();
  await server.stop();
}

function newSession(data: Fields, lifetime = DAY): NewSession<Fields> {
  const now = Date.now();
  const { userId } = data;
  return {
    data,
    createdAt: now,
    lastSeenAt: now,
    expiresAt: now + lifetime,
    endsAt: now + 30 * DAY,
    ...(typeof userId === "string" && { userId }),
  };
}

function newKeys(count: number): string[] {
  return Array.from({ length: count }, () => toStoreKey(ids.make(Math.floor(Date.now() / 1000))));
}

/** Runs so many tasks, so many at a time. @returns seconds. */
async function inParallel(
  count: number,
  connections: number,
  task: (n: number) => Promise<unknown>,
): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  const runner = async (): Promise<void> => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: connections }, runner));
  return (performance.now() - startedAt) / 1000;
}

async function madeStore(table: string): Promise<MysqlStore<Fields>> {
  const store = new MysqlStore<Fields>({ client, table, pruneInterval: false });
  await store.migrate();
  return store;
}

async function sizeOf(table: string, data: Fields): Promise<Record<string, number>> {
  const store = await madeStore(table);
  const keys = newKeys(SESSIONS);
  // Every user has two sessions.
  await inParallel(SESSIONS, CONNECTIONS, (n) =>
    store.create(
      keys[n] as string,
      newSession(
        typeof data["userId"] === "string"
          ? { ...data, userId: `${data["userId"]}${n >> 1}` }
          : data,
      ),
    ),
  );
  const bytes = async (): Promise<number> => {
    await client.query(`ANALYZE TABLE ${table}`);
    const [rows] = await client.query<RowDataPacket[]>(
      "SELECT data_length + index_length AS size FROM information_schema.tables WHERE table_name = ?",
      [table],
    );
    return Math.round(Number(rows[0]?.["size"]) / SESSIONS);
  };
  const bytesPerSession = await bytes();
  const now = Date.now();
  for (let round = 1; round <= TOUCHES; round++) {
    await inParallel(SESSIONS, CONNECTIONS, (n) =>
      store.extend(keys[n] as string, { lastSeenAt: now + round, expiresAt: now + DAY + round }),
    );
  }
  return {
    jsonBytes: JSON.stringify(data).length,
    bytesPerSession,
    bytesPerTouchedSession: await bytes(),
  };
}

/** Logins of some of many users who have a session each, every one committed to the disk. */
async function loginRate(cap?: UserCap): Promise<number> {
  const store = await madeStore(cap ? "capped_logins" : "logins");
  const userOf = (n: number): Fields => ({ ...LOGIN, userId: toStoreKey(`user ${n}`).slice(-20) });
  const before = newKeys(SESSIONS);
  await inParallel(SESSIONS, CONNECTIONS, (n) =>
    store.create(before[n] as string, newSession(userOf(n))),
  );
  const keys = newKeys(LOGINS);
  const seconds = await inParallel(LOGINS, CONNECTIONS, (n) =>
    store.create(keys[n] as string, newSession(userOf((n * 7919) % SESSIONS)), cap),
  );
  return Math.round(LOGINS / seconds);
}

/** A walk past living sessions, and one that deletes half of them. */
async function pruning(): Promise<Record<string, number>> {
  const store = await madeStore("pruned");
  const keys = newKeys(SESSIONS);
  const soon = Date.now() + 20_000;
  await inParallel(SESSIONS, CONNECTIONS, (n) =>
    store.create(keys[n] as string, newSession(LOGIN, n % 2 ? DAY : soon - Date.now())),
  );
  const walkSeconds = await inParallel(1, 1, () => store.prune());
  await new Promise((resolve) => setTimeout(resolve, Math.max(soon - Date.now(), 0)));
  let deleted = 0;
  const deleteSeconds = await inParallel(1, 1, async () => void (deleted = await store.prune()));
  return {
    rows: SESSIONS,
    walkMilliseconds: Math.round(walkSeconds * 1000),
    deleted,
    deleteMilliseconds: Math.round(deleteSeconds * 1000),
  };
}
