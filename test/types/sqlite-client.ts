// Real clients are what SqliteStore takes, without a cast; what is none is refused by the compiler.
// Compiled, never run.
/// <reference path="../../node_modules/@types/node24/sqlite.d.ts" />
/// <reference path="../../node_modules/bun-types/sqlite.d.ts" />
import type { DatabaseSync } from "node:sqlite";
import type { Database as BunDatabase } from "bun:sqlite";
import type { Database as BetterDatabase } from "better-sqlite3";
import { Session } from "../../src/session.ts";
import { type SqliteClient, SqliteStore } from "../../src/stores/sqlite.ts";

interface Data {
  userId: string;
}

declare const better: BetterDatabase;
declare const node: DatabaseSync;
declare const bun: BunDatabase;

export const clients: SqliteClient[] = [better, node, bun];

export const stores = [
  new SqliteStore({ client: better }),
  new SqliteStore<Data>({
    client: node,
    table: "sessions",
    synchronous: "normal",
    busyTimeout: 1,
    pruneInterval: false,
  }),
];

export const session = new Session<Data>({ store: new SqliteStore({ client: bun }) });

// @ts-expect-error a statement is no database
export const statement = new SqliteStore({ client: better.prepare("SELECT 1") });

// @ts-expect-error there is no such mode
export const off = new SqliteStore({ client: better, synchronous: "off" });
