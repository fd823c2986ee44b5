// MysqlStore on pools that are set in every way that matters to locks, for tests in one process and
// in several.
import { createPool, type PoolOptions } from "mysql2/promise";
import type { Clock } from "../../src/session.ts";
import { MysqlStore } from "../../src/stores/mysql.ts";

type Fields = Record<string, unknown>;

/** How transactions see one another, as the session's settings say. */
export const ISOLATION = {
  "REPEATABLE READ": "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
  "READ COMMITTED": "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
  // MariaDB's default from 11.6 on.
  "snapshot isolation": "SET SESSION innodb_snapshot_isolation = ON",
} as const;

export interface OpenMysqlOptions {
  connection: PoolOptions;
  table: string;
  isolation?: keyof typeof ISOLATION;
  clock?: Clock;
}

/** A store on a pool of its own, with its table made. */
export async function openMysqlStore({
  connection,
  table,
  isolation = "REPEATABLE READ",
  clock,
}: OpenMysqlOptions) {
  const client = createPool(connection);
  client.on("connection", (made) => void made.query(ISOLATION[isolation]));
  const store = new MysqlStore<Fields>({ client, table, clock, pruneInterval: false });
  await store.migrate();
  return { store, client, close: () => client.end() };
}

/** For processes of their own: the target is `OpenMysqlOptions` as JSON. */
export async function openForProcess(target: string) {
  return openMysqlStore(JSON.parse(target) as OpenMysqlOptions);
}
