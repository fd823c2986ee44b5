// Real clients are what PostgresStore takes, without a cast; what is none is refused by the
// compiler. Compiled, never run.
import type { PGlite } from "@electric-sql/pglite";
import type { Client, Pool, PoolClient } from "pg";
import type { Sql } from "postgres";
import { Session } from "../../src/session.ts";
import {
  type PgClient,
  type PgLite,
  type PgPool,
  type PgPoolClient,
  PostgresStore,
  type PostgresJsSql,
} from "../../src/stores/postgres.ts";

interface Data {
  userId: string;
}

declare const pool: Pool;
declare const client: Client;
declare const checkedOut: PoolClient;
declare const sql: Sql;
declare const sqlWithTypes: Sql<{ bigint: bigint }>;
declare const pglite: PGlite;

export const pgPool: PgPool = pool;
export const pgClient: PgClient = client;
export const pgPoolClient: PgPoolClient = checkedOut;
export const postgresJs: PostgresJsSql = sql;
export const postgresJsWithTypes: PostgresJsSql = sqlWithTypes;
export const pgLite: PgLite = pglite;

export const untyped = new Session({ store: new PostgresStore({ client: pool }) });
export const typed: Session<Data>[] = [
  new Session({ store: new PostgresStore<Data>({ client: sql }) }),
  new Session<Data>({ store: new PostgresStore({ client: pglite }) }),
];

// @ts-expect-error a URL is no client
export const ofUrl = new PostgresStore({ client: "postgres://localhost" });
// @ts-expect-error a client has methods
export const ofNothing = new PostgresStore({ client: {} });
