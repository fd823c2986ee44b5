// How a session becomes a row and comes back. What is no session of this version is told apart, and
// never guessed at.
import type { NewSession, SessionFacts, StoredSession } from "../../core/store.ts";
import { fromSqlText, toSqlText } from "../shared/sql-json.ts";
import type { SqliteValue } from "./client.ts";

/** The version of the rows that this code writes, and the only one that it reads. */
export const RECORD_VERSION = 1;

/** The columns in the order in which {@link toRow} gives their values. */
export const COLUMNS =
  "key, version, data, revision, created_at, last_seen_at, expires_at, ends_at, user_id, facts";

/** The values of a new session's row. `data` is its JSON text. */
export function toRow<Data>(key: string, data: string, session: NewSession<Data>): SqliteValue[] {
  const { createdAt, lastSeenAt, expiresAt, endsAt, userId, facts } = session;
  return [
    key,
    RECORD_VERSION,
    data,
    1,
    createdAt,
    lastSeenAt,
    expiresAt,
    endsAt,
    userId === undefined ? null : toSqlText(userId),
    facts === undefined ? null : JSON.stringify(facts),
  ];
}

/**
 * A row, in the order of {@link COLUMNS}. Numbers may be BigInts, if the caller has told the client
 * so.
 */
export type Row = readonly [
  key: string,
  version: number | bigint,
  data: string,
  revision: number | bigint,
  createdAt: number | bigint,
  lastSeenAt: number | bigint,
  expiresAt: number | bigint,
  endsAt: number | bigint,
  userId: string | null,
  facts: string | null,
];

/** When a row's session ends. */
export function expiryOf(row: Row): number {
  return Number(row[6]);
}

/** The session of a row; `undefined` for what is no session of this version. */
export function toSession<Data>(row: Row): StoredSession<Data> | undefined {
  const [
    ,
    version,
    dataText,
    revision,
    createdAt,
    lastSeenAt,
    expiresAt,
    endsAt,
    userId,
    factsText,
  ] = row;
  if (Number(version) !== RECORD_VERSION) return undefined;
  try {
    const data: unknown = JSON.parse(dataText);
    const facts: unknown = factsText === null ? undefined : JSON.parse(factsText);
    if (!isFields(data) || !(facts === undefined || isFields(facts))) return undefined;
    const session: StoredSession<Data> = {
      // What was stored under this version is what the caller's types say: `toRow` wrote it.
      data: data as Data,
      revision: Number(revision),
      createdAt: Number(createdAt),
      lastSeenAt: Number(lastSeenAt),
      expiresAt: Number(expiresAt),
      endsAt: Number(endsAt),
    };
    if (userId !== null) session.userId = fromSqlText(userId);
    if (facts !== undefined) session.facts = facts as SessionFacts;
    return session;
  } catch {
    return undefined;
  }
}

function isFields(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
