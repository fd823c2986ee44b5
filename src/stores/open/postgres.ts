// Opens a PostgresStore with the client that is installed: pg, or postgres.js.
import {
  type PgPool,
  type PostgresClient,
  type PostgresJsSql,
  PostgresStore,
} from "../postgres.ts";
import { exportOf, loadDriver, type Loaded, type Opening, type OpeningOptions } from "./driver.ts";
import { flagOf } from "./store-url.ts";

interface Connection {
  client: PostgresClient;
  query(sql: string): Promise<unknown[][]>;
  close(): Promise<unknown>;
}

// The data's type is the caller's to say.
// oxlint-disable-next-line typescript/no-explicit-any
export async function openPostgres<Data extends Record<string, any>>(
  options: OpeningOptions,
): Promise<Opening<Data>> {
  const { url, clock, pruneInterval } = options;
  const { name, module } = await loadDriver(
    url,
    ["pg", "postgres"],
    "neither pg nor postgres is installed, npm install pg is wanted",
  );
  const connection = name === "pg" ? withPg(module, options) : withPostgresJs(module, options);
  const store = new PostgresStore<Data>({
    client: options.wrap(connection.client),
    table: url.parameters.get("table"),
    notify: flagOf(url, "notify"),
    prepare: flagOf(url, "prepare"),
    pruneInterval,
    clock,
  });
  return {
    driver: name,
    store,
    connect: async () => void (await connection.query("SELECT 1")),
    migrate: () => store.migrate(),
    schema: () => store.schema(),
    query: (sql) => connection.query(sql),
    async close() {
      store.close();
      await connection.close();
    },
  };
}

function withPg(module: Loaded, { url, connectTimeout, onError }: OpeningOptions): Connection {
  // pg's Pool, by its documentation.
  const Pool = exportOf(module, "Pool") as new (options: object) => PgPool & {
    on(event: "error", listener: (error: Error) => void): unknown;
    end(): Promise<void>;
  };
  const pool = new Pool({
    connectionString: url.target,
    connectionTimeoutMillis: connectTimeout * 1000,
  });
  // A connection that breaks while nothing uses it would end the process. The pool makes another.
  pool.on("error", onError);
  return {
    client: pool,
    query: async (text) => (await pool.query({ text, values: [], rowMode: "array" })).rows,
    close: () => pool.end(),
  };
}

function withPostgresJs(module: Loaded, { url, connectTimeout }: OpeningOptions): Connection {
  // postgres.js is one function.
  const postgres = module["default"] as (
    url: string,
    options: object,
  ) => PostgresJsSql & { end(options: { timeout: number }): Promise<void> };
  const sql = postgres(url.target, {
    connect_timeout: connectTimeout,
    fetch_types: false,
    // Its own grows to 20 s, and all connections count together: an application would be out for
    // long after the server is back.
    backoff: (failures: number) => Math.min(0.1 * 2 ** failures, 1) * (0.5 + Math.random() / 2),
    onnotice: () => {},
  });
  return {
    client: sql,
    query: async (text) => sql.unsafe(text).values(),
    close: () => sql.end({ timeout: connectTimeout }),
  };
}
