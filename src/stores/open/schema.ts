// The SQL of a store's tables by its URL alone: no server is asked, no file is made and no driver is
// loaded.
import { flagOf, type StoreUrl } from "./store-url.ts";

/** What stands for a client: the text of a schema needs none. */
const NO_CLIENT = {
  // A pool of pg is known by it.
  idleCount: 0,
  ...Object.fromEntries(
    ["query", "execute", "getConnection", "connect", "prepare", "exec"].map((method) => [
      method,
      () => {
        throw new Error("Cannot ask a server: only the schema is wanted");
      },
    ]),
  ),
};

/**
 * The SQL that makes what the store at this URL needs; `undefined` where it needs none.
 *
 * @throws TypeError for parameters of the URL that make no sense.
 */
export async function schemaOf(url: StoreUrl): Promise<string | undefined> {
  // None of its methods is called.
  const client = NO_CLIENT as never;
  const options = { client, table: url.parameters.get("table"), pruneInterval: false } as const;
  if (url.kind === "postgres") {
    const { PostgresStore } = await import("../postgres.ts");
    return new PostgresStore({ ...options, notify: flagOf(url, "notify") }).schema();
  }
  if (url.kind === "mysql") {
    const { MysqlStore } = await import("../mysql.ts");
    return new MysqlStore(options).schema();
  }
  if (url.kind === "sqlite") {
    const { SqliteStore } = await import("../sqlite.ts");
    return new SqliteStore(options).schema();
  }
  return undefined;
}
