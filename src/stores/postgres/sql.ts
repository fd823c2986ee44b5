// Every statement that PostgresStore sends, for one table. Each is one atomic step in one
// transaction of its own.
//
// They rely on READ COMMITTED: an UPDATE or DELETE that waited for another change looks at the row
// again as it is then. Every parameter is a text with a cast, so that all clients send it and infer
// its type alike.
import { createHash } from "node:crypto";
import type { Statement } from "./port.ts";
import { COLUMNS } from "./record.ts";
import {
  epochOf,
  quoteName,
  RECORD_VERSION,
  toEpochTable,
  toFunctions,
  toSchema,
  toSchemaStatements,
} from "./schema.ts";

/** What the table's name, where it was given one, and its options make of the statements. */
export interface SqlOptions {
  /** `name` or `schema.name`, checked. */
  table: string;
  /** The channel that changes are told on. */
  channel: string | undefined;
}

/** The statements of one table. The comment of each says its parameters. */
export function toStatements({ table, channel }: SqlOptions) {
  const at = quoteName(table);
  const functions = toFunctions(table);
  const told = channel === undefined ? "NULL::text" : `'${channel}'`;
  const epoch = epochOf(table);
  const isDue = (now: string): string => `expires_at > ${now}::text::bigint AND epoch = ${epoch}`;
  const isLive = (now: string): string =>
    `${isDue(now)} AND version = ${RECORD_VERSION} AND jsonb_typeof(data) = 'object'`;
  // Of a record whose version is ours. See stores/postgres/schema.ts for why no epoch that is
  // merely another counts.
  const isOver = (now: string): string =>
    `(expires_at <= ${now}::text::bigint OR epoch < ${epoch})`;
  // The notification is sent by the statement that makes the change, and so if and only if the
  // change is committed.
  const telling = (change: string, payload: string): string =>
    channel === undefined
      ? change
      : `WITH changed AS (${change}) SELECT key, pg_notify(${told}, ${payload})::text FROM changed`;
  const set =
    "data = (data - $2::text::text[]) || $3::text::jsonb, facts = COALESCE($4::text::jsonb, facts), revision = revision + 1";
  // Of several sessions: lists of one length with what is wanted of each, `wanted`, and the rows of
  // those that live. Rows are locked in the order of their keys, so that no two of these wait for
  // each other, and what was seen under the lock stays true: every condition is asked of `locked`.
  // A condition in the UPDATE would be asked of the rows as they were when the statement began.
  const lockAll = (columns: readonly string[], now: string): string => `
    wanted AS MATERIALIZED (SELECT * FROM unnest(${columns.map((_, at) => `$${at + 1}::text::text[]`).join(", ")}) AS wanted (${columns.join(", ")})),
    locked AS MATERIALIZED (SELECT key, revision FROM ${at} WHERE key = ANY (ARRAY(SELECT key FROM wanted)) AND ${isLive(now)} ORDER BY key FOR NO KEY UPDATE)`;

  const isThere = [
    ...[at, toEpochTable(table)].map((name) => `to_regclass('${name}')`),
    ...functions.signatures.map((signature) => `to_regprocedure('${signature}')`),
  ];
  const hasEpoch = `EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('${at}') AND attname = 'epoch' AND NOT attisdropped)`;

  return {
    /** The row count that autovacuum or ANALYZE last estimated; NULL before their first run. */
    count: reading(
      "count",
      `SELECT CASE WHEN reltuples >= 0 THEN reltuples::bigint::text END FROM pg_class WHERE oid = to_regclass('${at}')`,
    ),
    /** key, now */
    readOne: reading(
      "read_one",
      `SELECT ${COLUMNS} FROM ${at} WHERE key = $1::text AND ${isDue("$2")}`,
    ),
    /**
     * list of keys, now. Unpacked by a query of its own, the list's length is unknown to the
     * planner, which then keeps one plan for all.
     */
    readMany: reading(
      "read_many",
      `SELECT ${COLUMNS} FROM ${at} WHERE key = ANY (ARRAY(SELECT unnest($1::text::text[]))) AND ${isDue("$2")}`,
    ),
    /** key, user_id, data, facts, created_at, last_seen_at, expires_at, ends_at, now */
    create: statement(
      "create",
      `INSERT INTO ${at} AS present (key, user_id, data, facts, created_at, last_seen_at, expires_at, ends_at, epoch, revision, version)
      VALUES ($1::text, $2::text, $3::text::jsonb, $4::text::jsonb, $5::text::bigint, $6::text::bigint, $7::text::bigint, $8::text::bigint, ${epoch}, 1, ${RECORD_VERSION})
      ON CONFLICT (key) DO UPDATE SET user_id = excluded.user_id, data = excluded.data, facts = excluded.facts, created_at = excluded.created_at,
        last_seen_at = excluded.last_seen_at, expires_at = excluded.expires_at, ends_at = excluded.ends_at, epoch = excluded.epoch, revision = 1
      WHERE (present.expires_at <= $9::text::bigint OR present.epoch < excluded.epoch) AND present.version = ${RECORD_VERSION} AND jsonb_typeof(present.data) = 'object'
      RETURNING key`,
    ),
    /** as `create`, then the cap's limit and whether the oldest make way */
    createWithin: statement(
      "create_within",
      `SELECT outcome, evicted FROM ${functions.create}($1::text, $2::text, $3::text::jsonb, $4::text::jsonb, $5::text::bigint, $6::text::bigint,
      $7::text::bigint, $8::text::bigint, $9::text::bigint, $10::text::bigint, $11::text::boolean, ${told})`,
    ),
    /** key, last_seen_at, expires_at, now */
    extend: statement(
      "extend",
      `UPDATE ${at} SET last_seen_at = GREATEST(last_seen_at, $2::text::bigint), expires_at = GREATEST(expires_at, $3::text::bigint)
      WHERE key = $1::text AND ${isLive("$4")} RETURNING key`,
    ),
    /** key, list of fields to unset, data to set, facts or null for those that are there, now */
    patch: statement(
      "patch",
      telling(
        `UPDATE ${at} SET ${set} WHERE key = $1::text AND ${isLive("$5")} RETURNING key`,
        "'changed ' || key",
      ),
    ),
    /**
     * as `patch`, then the revision. Answers `done`, `conflict`, nothing for missing, or `unsure`:
     * the record had this revision when the statement began, and was changed or ended before its
     * turn came.
     */
    patchExactly: statement(
      "patch_exactly",
      `WITH changed AS (UPDATE ${at} SET ${set} WHERE key = $1::text AND ${isLive("$5")} AND revision = $6::text::bigint RETURNING key)
      SELECT CASE WHEN EXISTS (SELECT FROM changed) THEN 'done' ELSE
        (SELECT CASE WHEN revision = $6::text::bigint THEN 'unsure' ELSE 'conflict' END FROM ${at} WHERE key = $1::text AND ${isLive("$5")}) END
      ${channel === undefined ? "" : `, (SELECT pg_notify(${told}, 'changed ' || key)::text FROM changed)`}`,
    ),
    /**
     * lists of keys, of `last_seen_at`, of `expires_at`; now. Answers the keys of those that live.
     */
    extendAll: statement(
      "extend_all",
      `WITH ${lockAll(["key", "seen", "expires"], "$4")}
      UPDATE ${at} AS present SET last_seen_at = GREATEST(last_seen_at, seen::bigint), expires_at = GREATEST(expires_at, expires::bigint)
      FROM locked JOIN wanted USING (key) WHERE present.key = locked.key RETURNING present.key`,
    ),
    /**
     * lists of keys, of lists of fields to unset, of data to set, of facts or nulls, of revisions
     * or nulls; now. Answers keys, each with `done` or `conflict`; what is missing is not among
     * them. Nothing is `unsure`: it is decided under the row's lock.
     */
    patchAll: statement(
      "patch_all",
      `WITH ${lockAll(["key", "removed", "fields", "new_facts", "if_revision"], "$6")},
      changed AS (UPDATE ${at} AS present SET data = (data - removed::text[]) || fields::jsonb, facts = COALESCE(new_facts::jsonb, facts),
        revision = present.revision + 1 FROM locked JOIN wanted USING (key)
        WHERE present.key = locked.key AND (if_revision IS NULL OR if_revision::bigint = locked.revision) RETURNING present.key)
      SELECT key, 'done'${channel === undefined ? "" : `, pg_notify(${told}, 'changed ' || key)::text`} FROM changed
      UNION ALL SELECT key, 'conflict'${channel === undefined ? "" : ", NULL"} FROM locked JOIN wanted USING (key) WHERE if_revision::bigint <> locked.revision`,
    ),
    /** key, nextKey, now, facts or null for those that are there. A unique violation: nextKey is taken. */
    move: statement(
      "move",
      telling(
        `UPDATE ${at} SET key = $2::text, facts = COALESCE($4::text::jsonb, facts) WHERE key = $1::text AND ${isLive("$3")} RETURNING key`,
        "'moved ' || $1::text || ' ' || key",
      ),
    ),
    /** key, now */
    removeOver: statement(
      "remove_over",
      `DELETE FROM ${at} WHERE key = $1::text AND ${isOver("$2")} AND version = ${RECORD_VERSION} RETURNING key`,
    ),
    /** key, now */
    remove: statement(
      "remove",
      telling(
        `DELETE FROM ${at} WHERE key = $1::text AND ${isLive("$2")} RETURNING key`,
        "'removed ' || key",
      ),
    ),
    /** user_id, now */
    listByUser: reading(
      "list_by_user",
      `SELECT ${COLUMNS} FROM ${at} WHERE user_id = $1::text AND ${isDue("$2")} ORDER BY created_at, key`,
    ),
    /** user_id, list of keys to keep, now. Answers the keys of those that were live. */
    removeByUser: statement(
      "remove_by_user",
      `SELECT ${functions.removeByUser}($1::text, $2::text::text[], $3::text::bigint, ${told})`,
    ),
    /**
     * the last key of the page before, limit, now. A page ends with the last session of a second of
     * birth, since a rotation may give a session another key within it, before or behind any
     * cursor. The first column is that second, if there may be more; a page without a session is
     * one row of nothing else.
     */
    scan: reading(
      "scan",
      `WITH last AS (SELECT left(key, 8) AS birth FROM ${at} WHERE key > $1::text ORDER BY key OFFSET $2::text::bigint - 1 LIMIT 1)
      SELECT birth, ${COLUMNS} FROM (SELECT (SELECT birth FROM last) AS birth) AS page
      LEFT JOIN ${at} ON key > $1::text AND key < COALESCE(birth || '/', '~') AND ${isDue("$3")} ORDER BY key`,
    ),
    /** Answers one row. */
    removeAll: statement(
      "remove_all",
      `WITH changed AS (UPDATE ${toEpochTable(table)} SET epoch = epoch + 1 RETURNING true AS is_done)
      SELECT is_done${channel === undefined ? "" : `, pg_notify(${told}, 'cleared')::text`} FROM changed`,
    ),
    /**
     * the last key of the page before, limit, now. Answers how many rows it looked at, the last of
     * them, how many it deleted, and which of them had expired: the others were told of when
     * everything ended.
     */
    prune: statement(
      "prune",
      `WITH page AS MATERIALIZED (SELECT key, ${isOver("$3")} AND version = ${RECORD_VERSION} AS is_dead FROM ${at}
        WHERE key > $1::text ORDER BY key LIMIT $2::text::bigint),
      dead AS MATERIALIZED (SELECT key FROM ${at} WHERE key = ANY (ARRAY(SELECT key FROM page WHERE is_dead)) AND ${isOver("$3")}
        FOR UPDATE SKIP LOCKED),
      gone AS (DELETE FROM ${at} WHERE key = ANY (ARRAY(SELECT key FROM dead)) AND ${isOver("$3")}
        RETURNING CASE WHEN epoch = ${epoch} THEN key || CASE WHEN expires_at < ends_at THEN ' idle' ELSE ' absolute' END END AS what)
      SELECT (SELECT count(*) FROM page), (SELECT max(key) FROM page), (SELECT count(*) FROM gone), (SELECT string_agg(what, ',') FROM gone)
      ${channel === undefined ? "" : `, (SELECT count(pg_notify(${told}, 'expired ' || what)::text) FROM gone WHERE what IS NOT NULL)`}`,
    ),
    /**
     * Answers whether all that `schema` makes is there, and whether there is a table of that name
     * that it did not make.
     */
    isMigrated: reading(
      "is_migrated",
      `SELECT ${isThere.map((name) => `${name} IS NOT NULL`).join(" AND ")} AND ${hasEpoch}, to_regclass('${at}') IS NOT NULL AND NOT ${hasEpoch}`,
    ),
    /** Several statements, without parameters. */
    schema: toSchema(table),
    /** The same, one by one. */
    schemaStatements: toSchemaStatements(table),
  };
}

/** A list of texts as PostgreSQL writes an array of them. */
export function toTextArray(texts: readonly (string | null)[]): string {
  return `{${texts.map((text) => (text === null ? "NULL" : `"${text.replace(/[\\"]/g, "\\$&")}"`)).join(",")}}`;
}

// pg wants another name for every other text, on whatever connection it meets it.
function statement(name: string, text: string, reads = false): Statement {
  const line = text.replace(/\s+/g, " ").trim();
  return {
    name: `harpiats_${name}_${createHash("sha256").update(line).digest("hex").slice(0, 12)}`,
    text: line,
    reads,
  };
}

function reading(name: string, text: string): Statement {
  return statement(name, text, true);
}
