// Compiled, not run: clients of mysql2 are taken by MysqlStore as they are.
import type {
  Connection as CallbackConnection,
  Pool as CallbackPool,
  PoolConnection as CallbackPoolConnection,
} from "mysql2";
import type { Connection, Pool, PoolConnection } from "mysql2/promise";
import type { Session } from "../../src/session.ts";
import { type MysqlClient, MysqlStore, type MysqlStoreOptions } from "../../src/stores/mysql.ts";

declare const pool: Pool;
declare const connection: Connection;
declare const poolConnection: PoolConnection;
declare const callbackPool: CallbackPool;
declare const callbackConnection: CallbackConnection;
declare const callbackPoolConnection: CallbackPoolConnection;

export const clients: MysqlClient[] = [
  pool,
  connection,
  poolConnection,
  callbackPool,
  callbackConnection,
  callbackPoolConnection,
];

// The data's type reaches Session, and a store of another is refused.
interface Visit {
  userId: string;
  count: number;
}
export const store = new MysqlStore<Visit>({ client: pool });
export type StoreOf = NonNullable<ConstructorParameters<typeof Session<Visit>>[0]>["store"];
export const visits: StoreOf = store;
// @ts-expect-error: another kind of data
export const others: MysqlStore<{ other: boolean }> = store;
// @ts-expect-error: a client is wanted
export const without: MysqlStoreOptions = {};
