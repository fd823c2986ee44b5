// Every statement of MysqlStore. What is here is valid on MySQL 8 and on MariaDB from 10.6, in
// every sql_mode, and each condition is in the statement that changes.
//
// Everybody's sessions end with one write: the epoch in a table of one row grows, and a session
// lives only while its own, taken when it was created, is equal to it. A reader never waits for
// that. A change at REPEATABLE READ holds a shared lock on the row until it is committed, so that
// it comes before or after; at READ COMMITTED it may have looked before, and then what it changed
// has the epoch of before all the same. Only what is dead for good (`epoch <`) makes way and is
// pruned.
import { WHERE_ASKED } from "./client.ts";
import { COLUMNS, RECORD_VERSION, SELECTED } from "./record.ts";

const VALUE = "?, JSON_EXTRACT(CONCAT(?), '$')";

/** What {@link statementsOf} `patchRevision` answers as `insertId`; 0 is "missing". */
export const IS_DONE = 1;

/** What is wrong where no epoch is found, for messages. */
export const NO_EPOCH =
  "the table of the epoch is empty, the row that migrate() puts there is wanted";

/** The name of a table as SQL. */
export function quoteTable(table: string): string {
  return table
    .split(".")
    .map((part) => `\`${part}\``)
    .join(".");
}

/** The statements that make the tables. Harmless where they exist. */
export function schemaOf(table: string): string[] {
  const epochs = quoteTable(`${table}_epoch`);
  return [
    `CREATE TABLE IF NOT EXISTS ${quoteTable(table)} (
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
  epoch BIGINT NOT NULL,
  PRIMARY KEY (session_key),
  KEY by_user (user_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4`,
    `CREATE TABLE IF NOT EXISTS ${epochs} (one TINYINT NOT NULL PRIMARY KEY, epoch BIGINT NOT NULL) ENGINE=InnoDB`,
    // It begins at random, so that one that is made anew brings nothing back.
    `INSERT IGNORE INTO ${epochs} (one, epoch) VALUES (1, FLOOR(RAND() * 4503599627370496))`,
  ];
}

/** The statements on a table. Comments say what the parameters are. */
export function statementsOf(table: string) {
  const name = quoteTable(table);
  const epochs = quoteTable(`${table}_epoch`);
  const epoch = `(SELECT epoch FROM ${epochs})`;
  const due = `expires_at > ? AND epoch = ${epoch}`;
  // Only a record of our version is known to be over.
  const over = `version = ${RECORD_VERSION} AND (expires_at <= ? OR epoch < ${epoch})`;
  // CASE, since JSON_TYPE of what is no JSON is an error, and AND keeps no order. What is no
  // session is left alone.
  const live = `${due} AND version = ${RECORD_VERSION} AND CASE WHEN JSON_VALID(data) THEN JSON_TYPE(data) = 'OBJECT' ELSE FALSE END`;
  const others = `version <> ${RECORD_VERSION}`;
  const but = (keys: number): string =>
    keys === 0 ? "" : ` AND session_key NOT IN (${list(keys)})`;
  const facts = "facts = COALESCE(?, facts)";
  const data = (set: number, unset: number): string => {
    const removed = unset === 0 ? "data" : `JSON_REMOVE(data${", ?".repeat(unset)})`;
    return set === 0 ? removed : `JSON_SET(${removed}${`, ${VALUE}`.repeat(set)})`;
  };
  return {
    /** All columns. */
    insert: `INSERT INTO ${name} (${COLUMNS}, epoch) VALUES (${COLUMNS.replace(/\w+/g, "?")}, ${epoch})`,
    /** All columns, the epoch that was read before. */
    insertAt: `INSERT INTO ${name} (${COLUMNS}, epoch) VALUES (${COLUMNS.replace(/\w+/g, "?")}, ?)`,
    /** Key, now. */
    clearOver: `DELETE FROM ${name} WHERE session_key = ? AND ${over}`,
    /** Keys, now. */
    read: (keys: number) =>
      `SELECT ${SELECTED}${WHERE_ASKED} FROM ${name} WHERE session_key IN (${list(keys)}) AND ${due}`,
    // An UPDATE that changes nothing says 0 rows or 1, as the client's flags are; `insertId` says
    // the same everywhere.
    /** Instants, key, now. `insertId` is not 0 if it was live. */
    extend: `UPDATE ${name} SET last_seen_at = GREATEST(last_seen_at, ?), expires_at = GREATEST(expires_at, ?), version = LAST_INSERT_ID(version)
      WHERE session_key = ? AND ${live}`,
    /**
     * Paths to unset, paths and values to set, facts or null for those that are there, key, now.
     */
    patch: (set: number, unset: number) =>
      `UPDATE ${name} SET data = ${data(set, unset)}, ${facts}, revision = revision + 1 WHERE session_key = ? AND ${live}`,
    /**
     * Revision, paths to unset, paths and values to set, revision, facts or null, revision, key,
     * now. `insertId` is `IS_DONE`, 2 for a conflict, or 0.
     */
    patchRevision: (
      set: number,
      unset: number,
    ) => `UPDATE ${name} SET data = IF(revision = ?, ${data(set, unset)}, data),
      facts = IF(revision = ?, COALESCE(?, facts), facts), revision = revision + (LAST_INSERT_ID(IF(revision = ?, ${IS_DONE}, 2)) = ${IS_DONE}) WHERE session_key = ? AND ${live}`,
    /** Key, now. Revision and data; whoever else changes it waits for the end of the transaction. */
    lockOne: `SELECT revision, CONVERT(data USING binary) FROM ${name} WHERE session_key = ? AND ${live} FOR UPDATE`,
    /** Data, facts or null for those that are there, key. */
    replace: `UPDATE ${name} SET data = ?, ${facts}, revision = revision + 1 WHERE session_key = ?`,
    /** For each session its key, paths to unset, paths and values to set; then the keys, now. */
    patchAll: (
      keys: number,
      set: number,
      unset: number,
    ) => `UPDATE ${name} SET data = CASE session_key${` WHEN ? THEN ${data(set, unset)}`.repeat(keys)} ELSE data END,
      revision = revision + 1 WHERE session_key IN (${list(keys)}) AND ${live}`,
    /**
     * For each session its key and when it was seen, then each key and deadline, then the keys,
     * now.
     */
    extendAll: (
      keys: number,
    ) => `UPDATE ${name} SET last_seen_at = GREATEST(last_seen_at, CASE session_key${" WHEN ? THEN ?".repeat(keys)} END),
      expires_at = GREATEST(expires_at, CASE session_key${" WHEN ? THEN ?".repeat(keys)} END) WHERE session_key IN (${list(keys)}) AND ${live}`,
    /** Keys, now. */
    liveKeys: (keys: number) =>
      `SELECT session_key FROM ${name} WHERE session_key IN (${list(keys)}) AND ${live}`,
    /** Parameters: next key, facts (NULL keeps the present ones), key, now. */
    move: `UPDATE ${name} SET session_key = ?, ${facts} WHERE session_key = ? AND ${live}`,
    /** Key, now. */
    remove: `DELETE FROM ${name} WHERE session_key = ? AND ${live}`,
    /** User, now. */
    listByUser: `SELECT ${SELECTED}${WHERE_ASKED} FROM ${name} WHERE user_id = ? AND ${due} ORDER BY created_at, session_key`,
    // A record of another version lives for the processes that wrote it: revoked is revoked.
    /** User, now, keys. */
    removeByUser: (except: number) =>
      `DELETE FROM ${name} WHERE user_id = ? AND (${others} OR ${live})${but(except)}`,
    /** User, keys. */
    removeOthers: (except: number) =>
      `DELETE FROM ${name} WHERE user_id = ? AND ${others}${but(except)}`,
    /**
     * User, now. The epoch, then each rival's key; whoever asks so has to wait for the other to end
     * its transaction. The epoch is read as it was, without a lock: a transaction that waits for
     * its next statement would hold up a removeAll, and behind that everybody who changes anything.
     */
    lockRivals: `(SELECT NULL AS session_key, epoch AS created_at FROM ${epochs}) UNION ALL
      (SELECT session_key, created_at FROM ${name} FORCE INDEX (by_user) WHERE user_id = ? AND ${live} FOR UPDATE)`,
    /** Keys. */
    evict: (keys: number) => `DELETE FROM ${name} WHERE session_key IN (${list(keys)})`,
    /** Key. */
    boundary: (rows: number) =>
      `SELECT session_key${WHERE_ASKED} FROM ${name} WHERE session_key > ? ORDER BY session_key LIMIT 1 OFFSET ${rows - 1}`,
    /** Keys from and to, now. */
    page: `SELECT ${SELECTED}${WHERE_ASKED} FROM ${name} WHERE session_key > ? AND session_key <= ? AND ${due}`,
    removeAll: `UPDATE ${epochs} SET epoch = epoch + 1`,
    /**
     * Keys from and to, now. Keys, and which limit came: 1 for the idle one, 2 for the absolute, 0
     * for what ended with everything.
     */
    over: `SELECT session_key, IF(epoch = ${epoch}, IF(expires_at < ends_at, 1, 2), 0)${WHERE_ASKED} FROM ${name} WHERE session_key > ? AND session_key <= ? AND ${over} ORDER BY session_key`,
    /** Keys, now. */
    prune: (keys: number) => `DELETE FROM ${name} WHERE session_key IN (${list(keys)}) AND ${over}`,
    /** An error where the table is not of this version. */
    isOurs: `SELECT epoch FROM ${name} LIMIT 0`,
  };
}

/**
 * Repeats the last item until there are as many as a power of two, so that few statements do for
 * any number: each is prepared on each connection.
 */
export function padded<T>(items: readonly T[]): T[] {
  const size = items.length === 0 ? 0 : 2 ** Math.ceil(Math.log2(items.length));
  // An item that is not there is asked for only where there is none at all.
  return Array.from(
    { length: size },
    (_, at) => (at < items.length ? items[at] : items.at(-1)) as T,
  );
}

function list(size: number): string {
  return `?${", ?".repeat(size - 1)}`;
}
