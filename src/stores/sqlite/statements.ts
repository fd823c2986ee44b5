// All SQL of SqliteStore but the transactions' own.
import { COLUMNS, RECORD_VERSION } from "./record.ts";

/**
 * The statements that make the table. Keys begin with the birth, so that new rows go to the end of
 * table and index.
 *
 * Not WITHOUT ROWID: there a row of more than about 1,000 bytes takes a page of its own, 4,790
 * bytes for 1,490, and three times as long to read and write; smaller rows are as fast either way.
 */
export function schemaOf(table: string): string[] {
  return [
    `CREATE TABLE IF NOT EXISTS "${table}" (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  data TEXT NOT NULL,
  revision INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  user_id TEXT,
  facts TEXT
) STRICT`,
    `CREATE INDEX IF NOT EXISTS "${table}_user_id" ON "${table}" (user_id) WHERE user_id IS NOT NULL`,
  ];
}

/** Only a record of our version is known to be expired. */
const EXPIRED = `version = ${RECORD_VERSION} AND expires_at <= ?`;

/** The statements over one table, by what they are for. */
export function statementsOf(table: string) {
  // Of an attached database, or a temporary table, nothing tells that another connection has
  // changed it.
  const name = `main."${table}"`;
  return {
    select: `SELECT ${COLUMNS} FROM ${name} WHERE key = ?`,
    insert: `INSERT INTO ${name} (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (key) DO UPDATE SET ${COLUMNS.split(", ")
        .map((column) => `${column} = excluded.${column}`)
        .join(", ")}
      WHERE ${name}.version = ${RECORD_VERSION} AND ${name}.expires_at <= ? RETURNING 1`,
    extend: `UPDATE ${name} SET last_seen_at = max(last_seen_at, ?), expires_at = max(expires_at, ?) WHERE key = ?`,
    patch: `UPDATE ${name} SET data = ?, facts = coalesce(?, facts), revision = revision + 1 WHERE key = ?`,
    move: `UPDATE ${name} SET key = ?, facts = coalesce(?, facts) WHERE key = ?`,
    delete: `DELETE FROM ${name} WHERE key = ?`,
    // Without a condition SQLite frees whole pages and reads no row.
    deleteAll: `DELETE FROM ${name}`,
    taken: `SELECT 1 FROM ${name} WHERE key = ? AND NOT (${EXPIRED})`,
    byUser: `SELECT ${COLUMNS} FROM ${name} WHERE user_id = ? ORDER BY created_at, key`,
    unreadableOf: `SELECT key FROM ${name} WHERE user_id = ? AND version <> ${RECORD_VERSION}`,
    // the last key of the page before, limit - 1, the first once more. A page ends with the last
    // session of a second of birth, since a rotation may give a session another key within it,
    // before or behind any cursor: "/" comes right behind the dot that ends a birth. The first
    // column is the page's end, if there may be more.
    scan: `WITH page AS (SELECT (SELECT max(key, substr(key, 1, 8) || '/') FROM ${name} WHERE key > ? ORDER BY key LIMIT 1 OFFSET ?) AS last)
      SELECT last, ${COLUMNS} FROM page CROSS JOIN ${name} WHERE key > ? AND key <= coalesce(last, char(1114111)) ORDER BY key`,
    count: `SELECT count(*) AS count FROM ${name}`,
    page: `SELECT key FROM ${name} WHERE key > ? ORDER BY key LIMIT 1 OFFSET ?`,
    expired: `SELECT 1 FROM ${name} WHERE key > ? AND key <= ? AND ${EXPIRED} LIMIT 1`,
    prune: `DELETE FROM ${name} WHERE key > ? AND key <= ? AND ${EXPIRED} RETURNING key, expires_at, ends_at`,
  } as const;
}
