// Every statement of MysqlStore. What is here is valid on MySQL 8 and on MariaDB from 10.6, in every sql_mode, and each
// condition is in the statement that changes.
import { COLUMNS, RECORD_VERSION, SELECTED } from "./_mysql-record.ts";

// Only a record of our version is known to be expired.
const EXPIRED = `version = ${RECORD_VERSION} AND expires_at <= ?`;
// CASE, since JSON_TYPE of what is no JSON is an error, and AND keeps no order. What is no session is left alone.
const LIVE = `expires_at > ? AND version = ${RECORD_VERSION} AND CASE WHEN JSON_VALID(data) THEN JSON_TYPE(data) = 'OBJECT' ELSE FALSE END`;
const VALUE = "?, JSON_EXTRACT(CONCAT(?), '$')";

/** What {@link statementsOf} `patchRevision` answers as `insertId`; 0 is "missing". */
export const IS_DONE = 1;

/** The name of a table as SQL. */
export function quoteTable(table: string): string {
  return table.split(".").map((part) => `\`${part}\``).join(".");
}

/** The DDL. Harmless where the table exists. */
export function schemaOf(table: string): string {
  return `CREATE TABLE IF NOT EXISTS ${quoteTable(table)} (
  session_key CHAR(52) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  version SMALLINT UNSIGNED NOT NULL,
  user_id VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NULL,
  user_text LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  data LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  facts LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  last_seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  PRIMARY KEY (session_key),
  KEY by_user (user_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4`;
}

/** The statements on a table. Comments say what the parameters are. */
export function statementsOf(table: string) {
  const name = quoteTable(table);
  const data = (set: number, unset: number): string => {
    const removed = unset === 0 ? "data" : `JSON_REMOVE(data${", ?".repeat(unset)})`;
    return set === 0 ? removed : `JSON_SET(${removed}${`, ${VALUE}`.repeat(set)})`;
  };
  return {
    /** All columns. */
    insert: `INSERT INTO ${name} (${COLUMNS}) VALUES (${COLUMNS.replace(/\w+/g, "?")})`,
    /** Key, now. */
    clearExpired: `DELETE FROM ${name} WHERE session_key = ? AND ${EXPIRED}`,
    /** Keys, now. */
    read: (keys: number) => `SELECT ${SELECTED} FROM ${name} WHERE session_key IN (${list(keys)}) AND expires_at > ?`,
    // An UPDATE that changes nothing says 0 rows or 1, as the client's flags are; `insertId` says the same everywhere.
    /** Instants, key, now. `insertId` is not 0 if it was live. */
    extend: `UPDATE ${name} SET last_seen_at = GREATEST(last_seen_at, ?), expires_at = GREATEST(expires_at, ?), version = LAST_INSERT_ID(version)
      WHERE session_key = ? AND ${LIVE}`,
    /** Paths to unset, paths and values to set, key, now. */
    patch: (set: number, unset: number) => `UPDATE ${name} SET data = ${data(set, unset)}, revision = revision + 1 WHERE session_key = ? AND ${LIVE}`,
    /** Revision, paths to unset, paths and values to set, revision, key, now. `insertId` is `IS_DONE`, 2 for a conflict, or 0. */
    patchRevision: (set: number, unset: number) => `UPDATE ${name} SET data = IF(revision = ?, ${data(set, unset)}, data),
      revision = revision + (LAST_INSERT_ID(IF(revision = ?, ${IS_DONE}, 2)) = ${IS_DONE}) WHERE session_key = ? AND ${LIVE}`,
    /** Next key, key, now. */
    move: `UPDATE ${name} SET session_key = ? WHERE session_key = ? AND ${LIVE}`,
    /** Key, now. */
    remove: `DELETE FROM ${name} WHERE session_key = ? AND ${LIVE}`,
    /** User, now. */
    listByUser: `SELECT ${SELECTED} FROM ${name} WHERE user_id = ? AND expires_at > ? ORDER BY created_at, session_key`,
    /** User, now, keys. */
    removeByUser: (except: number) => `DELETE FROM ${name} WHERE user_id = ? AND ${LIVE}${except === 0 ? "" : ` AND session_key NOT IN (${list(except)})`}`,
    /** User, now. Whoever asks so has to wait for the other to end its transaction. */
    lockRivals: `SELECT session_key FROM ${name} FORCE INDEX (by_user) WHERE user_id = ? AND ${LIVE} ORDER BY created_at, session_key FOR UPDATE`,
    /** Keys. */
    evict: (keys: number) => `DELETE FROM ${name} WHERE session_key IN (${list(keys)})`,
    /** Key. */
    boundary: (rows: number) => `SELECT session_key FROM ${name} WHERE session_key > ? ORDER BY session_key LIMIT 1 OFFSET ${rows - 1}`,
    /** Keys from and to, now. */
    page: `SELECT ${SELECTED} FROM ${name} WHERE session_key > ? AND session_key <= ? AND expires_at > ?`,
    /** Keys from and to, now. */
    expired: `SELECT session_key FROM ${name} WHERE session_key > ? AND session_key <= ? AND ${EXPIRED} ORDER BY session_key`,
    /** Keys, now. */
    prune: (keys: number) => `DELETE FROM ${name} WHERE session_key IN (${list(keys)}) AND ${EXPIRED}`,
  };
}

/**
 * Repeats the last item until there are as many as a power of two, so that few statements do for any number: each is
 * prepared on each connection.
 */
export function padded<T>(items: readonly T[]): T[] {
  const size = items.length === 0 ? 0 : 2 ** Math.ceil(Math.log2(items.length));
  // An item that is not there is asked for only where there is none at all.
  return Array.from({ length: size }, (_, at) => (at < items.length ? items[at] : items.at(-1)) as T);
}

function list(size: number): string {
  return `?${", ?".repeat(size - 1)}`;
}
