// The SQLite clients that this runtime has, each opened the way its users open it.
import { join } from "node:path";
import type { Clock } from "../../src/session.ts";
import { type SqliteClient, SqliteStore } from "../../src/stores/sqlite.ts";
import { requireApart } from "./packages-apart.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** An open database, with the close that every client has. */
export interface OpenDatabase extends SqliteClient {
  close(): unknown;
}

export interface SqliteClientKind {
  name: "better-sqlite3" | "node:sqlite" | "bun:sqlite";
  open(path: string): OpenDatabase;
}

type Constructor = new (path: string) => OpenDatabase;

/**
 * The clients that there are here: better-sqlite3 on Node, node:sqlite on Node 22.13 and Deno,
 * bun:sqlite on Bun.
 */
export async function sqliteClients(): Promise<SqliteClientKind[]> {
  if (process.versions["bun"] !== undefined) {
    const { Database } = (await load("bun:sqlite")) as { Database: Constructor };
    return [kind("bun:sqlite", Database)];
  }
  const kinds: SqliteClientKind[] = [];
  const builtIn = await load("node:sqlite").catch(() => undefined);
  if (builtIn)
    kinds.push(kind("node:sqlite", (builtIn as { DatabaseSync: Constructor }).DatabaseSync));
  if (process.versions["deno"] === undefined) {
    const database = await betterSqlite(kinds.length > 0);
    if (database) kinds.push(kind("better-sqlite3", database));
  }
  return kinds;
}

/** The client that tests of what is not the client's take. */
export async function sqliteClient(): Promise<SqliteClientKind> {
  const [first] = await sqliteClients();
  if (!first)
    throw new Error("Cannot test SqliteStore: no SQLite client can be loaded on this runtime");
  return first;
}

/** A store on a file of its own, made ready, as the shared suites want it. */
export async function openSqliteStore({ open }: SqliteClientKind, clock: Clock) {
  const folder = await temporaryFolder();
  const client = open(join(folder.path, "sessions.db"));
  const store = new SqliteStore<Record<string, unknown>>({ client, clock });
  await store.migrate();
  const close = async (): Promise<void> => {
    await store.close();
    client.close();
    await folder.remove();
  };
  return { store, client, close };
}

/**
 * For the suite of several processes: a store on a file that they share. Each migrates it, all at
 * the same time.
 */
export async function openForProcess(path: string) {
  const client = (await sqliteClient()).open(path);
  const store = new SqliteStore<Record<string, unknown>>({ client });
  await store.migrate();
  const close = async (): Promise<void> => {
    await store.close();
    client.close();
  };
  return { store, close };
}

function kind(name: SqliteClientKind["name"], Database: Constructor): SqliteClientKind {
  return { name, open: (path) => new Database(path) };
}

/** By a name that the compiler does not look up: not every runtime has it. */
function load(name: string): Promise<unknown> {
  return import(name);
}

/**
 * @param isSpare whether there is another client: better-sqlite3 built for another Node is left out
 * then.
 */
async function betterSqlite(isSpare: boolean): Promise<Constructor | undefined> {
  const Database = (await requireApart("better-sqlite3", "better-sqlite3")) as Constructor;
  try {
    new Database(":memory:").close();
    return Database;
  } catch (error) {
    if (isSpare && (error as { code?: string }).code === "ERR_DLOPEN_FAILED") return undefined;
    throw error;
  }
}

interface SuiteHooks {
  before(task: () => Promise<void>): void;
  after(task: () => Promise<void>): void;
}

/**
 * Opens databases in a folder that is there for the tests of a suite. Whatever was opened is closed
 * after them.
 */
export function databasesOf({ open }: SqliteClientKind, { before, after }: SuiteHooks) {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const opened = new Set<OpenDatabase>();
  const close = (client: OpenDatabase): void => {
    if (opened.delete(client)) client.close();
  };
  before(async () => void (folder = await temporaryFolder()));
  after(async () => {
    opened.forEach(close);
    await folder.remove();
  });
  const pathOf = (file: string): string => join(folder.path, file);
  const connect = (file: string): OpenDatabase => {
    const client = open(pathOf(file));
    opened.add(client);
    return client;
  };
  return { connect, close, pathOf };
}
