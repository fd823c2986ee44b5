// Opens a SqliteStore with the SQLite that the runtime has, or better-sqlite3.
import { mkdir, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type SqliteClient, SqliteStore } from "../sqlite.ts";
import { exportOf, loadDriver, type Opening, type OpeningOptions } from "./driver.ts";

const MEMORY = ":memory:";
// Sessions are nobody else's to read.
const OWNER_ALONE = { folder: 0o700, file: 0o600 };
const CLASSES: Record<string, string> = {
  "bun:sqlite": "Database",
  "node:sqlite": "DatabaseSync",
  "better-sqlite3": "default",
};

// The data's type is the caller's to say.
// oxlint-disable-next-line typescript/no-explicit-any
export async function openSqlite<Data extends Record<string, any>>(
  options: OpeningOptions,
): Promise<Opening<Data>> {
  const { url, clock, pruneInterval, isCreating } = options;
  const path = url.target;
  const synchronous = url.parameters.get("synchronous");
  if (synchronous !== undefined && synchronous !== "full" && synchronous !== "normal")
    throw new TypeError(
      "Cannot open a store: parameter synchronous of its URL is neither full nor normal",
    );
  const isThere = path === MEMORY || (await isFile(path));
  const isBun = process.versions["bun"] !== undefined;
  const { name, module } = await loadDriver(
    url,
    isBun ? ["bun:sqlite"] : ["node:sqlite", "better-sqlite3"],
    `${runtimeName()} has no node:sqlite and better-sqlite3 is not installed, Node 22.13 or later or npm install better-sqlite3 is wanted`,
  );
  if (!isThere && !isCreating) throw new Error("there is no such file");
  if (!isThere) await makeFile(path);
  // Its constructor takes a path, whichever it is.
  const Database = exportOf(module, CLASSES[name] as string) as new (
    path: string,
  ) => SqliteClient & { close(): unknown };
  const client = new Database(path);
  const store = new SqliteStore<Data>({
    client: options.wrap(client),
    table: url.parameters.get("table"),
    synchronous,
    pruneInterval,
    clock,
  });
  // Rows are objects by column name.
  const query = async (sql: string): Promise<unknown[][]> =>
    client
      .prepare(sql)
      .all()
      .map((row) => Object.values(row as object));
  return {
    driver: name,
    store,
    // A file that is no database is found out at the first look into it.
    connect: async () => void (await query("SELECT count(*) FROM sqlite_schema")),
    migrate: () => store.migrate(),
    schema: () => store.schema(),
    query,
    async close() {
      await store.close();
      client.close();
    },
  };
}

/**
 * Whether there is a file.
 *
 * @throws Error for something else: to open a named pipe waits for its other end, in a thread that
 * the process cannot end.
 */
async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: unknown) => {
    if (Object(error).code !== "ENOENT") throw error;
  });
  if (!found || found.isFile()) return found !== undefined;
  const kinds = { "a folder": found.isDirectory(), "a named pipe": found.isFIFO() };
  const [kind] = Object.entries({ ...kinds, "a socket": found.isSocket(), "a device": true }).find(
    ([, isSo]) => isSo,
  ) as [string, boolean];
  throw new Error(`there is ${kind}, expected a file`);
}

/** SQLite gives its log the rights of the file. */
async function makeFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: OWNER_ALONE.folder });
  await (await open(path, "a", OWNER_ALONE.file)).close();
}

function runtimeName(): string {
  const { deno } = process.versions as { deno?: string };
  return deno === undefined ? `Node ${process.versions.node}` : `Deno ${deno}`;
}
