// Measures what docs/stores/sqlite.md says in numbers and writes docs/measured/sqlite.json: bytes
// per session in the file, reads, and durable changes one by one and many at a time. Takes about
// half a minute.
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { arch, cpus, platform, totalmem } from "node:os";
import { join } from "node:path";
import { IdMaker, toStoreKey } from "../src/core/ids/session-id.ts";
import type { NewSession } from "../src/session.ts";
import { type SqliteClient, SqliteStore } from "../src/stores/sqlite.ts";
import { type SqliteClientKind, sqliteClients } from "../test/support/sqlite-clients.ts";
import { temporaryFolder } from "../test/support/temporary-folder.ts";

type Fields = Record<string, unknown>;
type Store = SqliteStore<Fields>;

const SESSIONS = 50_000;
const AT_ONCE = 500;
const SECONDS = 1.5;
const FILE = "docs/measured/sqlite.json";

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

const ids = new IdMaker();
const folder = await temporaryFolder();
try {
  const clients = await sqliteClients();
  const sizes = [];
  for (const [shape, data] of Object.entries(SHAPES))
    sizes.push(await sizeOf(clients[0] as SqliteClientKind, shape, data));
  const rates = [];
  for (const client of clients) rates.push(await ratesOf(client));
  const measured = {
    about:
      "Written by tools/measure-sqlite.ts. Sizes are of the file after a checkpoint. Rates are per second, with synchronous = FULL where not said otherwise, on a table of logins.",
    date: new Date().toISOString().slice(0, 10),
    machine: `${platform()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB`,
    node: process.versions.node,
    sizes,
    rates,
  };
  mkdirSync("docs/measured", { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(measured, undefined, 2)}\n`);
  process.stdout.write(`${JSON.stringify(measured, undefined, 2)}\n`);
} finally {
  await folder.remove();
}

function newSession(data: Fields, user: number): NewSession<Fields> {
  const now = Date.now();
  const userId = typeof data["userId"] === "string" ? `${data["userId"]}${user}` : undefined;
  return {
    data: userId === undefined ? data : { ...data, userId },
    createdAt: now,
    lastSeenAt: now,
    expiresAt: now + 86_400_000,
    endsAt: now + 2_592_000_000,
    ...(userId !== undefined && { userId }),
  };
}

async function fill(store: Store, data: Fields): Promise<string[]> {
  const keys = Array.from({ length: SESSIONS }, () =>
    toStoreKey(ids.make(Math.floor(Date.now() / 1000))),
  );
  // Every user has two sessions.
  for (let from = 0; from < SESSIONS; from += AT_ONCE)
    await Promise.all(
      keys
        .slice(from, from + AT_ONCE)
        .map((key, n) => store.create(key, newSession(data, (from + n) >> 1))),
    );
  return keys;
}

async function sizeOf({ open }: SqliteClientKind, shape: string, data: Fields) {
  const path = join(folder.path, `${shape.replaceAll(" ", "-")}.db`);
  const client = open(path);
  const store: Store = new SqliteStore({ client, synchronous: "normal", pruneInterval: false });
  await store.migrate();
  const keys = await fill(store, data);
  const size = (): number => {
    client.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all();
    return Math.round(statSync(path).size / SESSIONS);
  };
  const bytesPerSession = size();
  // A week of touches: the row changes in its place.
  for (let from = 0; from < SESSIONS; from += AT_ONCE) {
    await Promise.all(
      keys
        .slice(from, from + AT_ONCE)
        .map((key) =>
          store.extend(key, { lastSeenAt: Date.now() + 1, expiresAt: Date.now() + 604_800_000 }),
        ),
    );
  }
  const bytesPerTouchedSession = size();
  await store.close();
  client.close();
  return {
    shape,
    jsonBytes: JSON.stringify(newSession(data, 0).data).length,
    bytesPerSession,
    bytesPerTouchedSession,
  };
}

async function ratesOf({ name, open }: SqliteClientKind) {
  const client = open(join(folder.path, `${name.replace(":", "-")}.db`));
  const store: Store = new SqliteStore({ client, pruneInterval: false });
  await store.migrate();
  const keys = await fill(store, LOGIN);
  const key = (n: number): string => keys[(n * 7919) % SESSIONS] as string;
  const rates = {
    client: name,
    rawSelect: await rateOf(1, rawSelect(client, key)),
    readSync: await rateOf(1, (n) => void store.readSync(key(n))),
    patchOneByOne: await rateOf(1, (n) => store.patch(key(n), { set: { n } })),
    patch64AtATime: await rateOf(64, (n) => store.patch(key(n), { set: { n } })),
    patch256AtATime: await rateOf(256, (n) => store.patch(key(n), { set: { n } })),
    createOneByOne: await rateOf(1, (n) => store.create(newKey(), newSession(LOGIN, n))),
    create64AtATime: await rateOf(64, (n) => store.create(newKey(), newSession(LOGIN, n))),
    patchOneByOneNormal: 0,
    patch64AtATimeNormal: 0,
  };
  const normal: Store = new SqliteStore({ client, synchronous: "normal", pruneInterval: false });
  rates.patchOneByOneNormal = await rateOf(1, (n) => normal.patch(key(n), { set: { n } }));
  rates.patch64AtATimeNormal = await rateOf(64, (n) => normal.patch(key(n), { set: { n } }));
  await store.close();
  client.close();
  return rates;
}

function newKey(): string {
  return toStoreKey(ids.make(Math.floor(Date.now() / 1000)));
}

/**
 * What the client does at best: one prepared SELECT of the data by the primary key, and its JSON
 * parsed.
 */
function rawSelect(client: SqliteClient, key: (n: number) => string): (n: number) => void {
  const statement = client.prepare("SELECT data FROM harpiats_sessions WHERE key = ?");
  return (n) => void JSON.parse((statement.get(key(n)) as { data: string }).data);
}

/** How often a task is done in a second, so many at a time. */
async function rateOf(atATime: number, task: (n: number) => unknown): Promise<number> {
  const start = performance.now();
  const until = start + SECONDS * 1000;
  let count = 0;
  const runner = async (): Promise<void> => {
    while (performance.now() < until) {
      const result = task(count++);
      if (result instanceof Promise) await result;
    }
  };
  await Promise.all(Array.from({ length: atATime }, runner));
  return Math.round((count / (performance.now() - start)) * 1000);
}
