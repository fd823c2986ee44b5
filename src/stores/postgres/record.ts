// A row as a session. What is no session of this version is told apart, and never guessed at.
import type { SessionFacts, StoredSession } from "../../core/store.ts";
import { fromSqlJson, fromSqlText } from "../shared/sql-json.ts";
import { RECORD_VERSION } from "./schema.ts";

/**
 * The columns that {@link toSession} wants, in this order. JSON comes as text, since clients parse
 * it each in its way.
 */
export const COLUMNS =
  "key, user_id, data::text, facts::text, revision, created_at, last_seen_at, expires_at, ends_at, version";

/** The session of a row; `undefined` for what is no session of this version. */
export function toSession<Data>(row: readonly unknown[]): StoredSession<Data> | undefined {
  const [, userId, dataText, factsText, ...columns] = row;
  // A bigint is a text, a number or a BigInt: clients differ, and can be told otherwise.
  const numbers = columns.map(Number);
  const [revision, createdAt, lastSeenAt, expiresAt, endsAt, version] = numbers as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (
    version !== RECORD_VERSION ||
    typeof dataText !== "string" ||
    !numbers.every(Number.isSafeInteger)
  )
    return undefined;
  const data = fromSqlJson(dataText);
  const facts = typeof factsText === "string" ? fromSqlJson(factsText) : undefined;
  if (!isFields(data) || !(facts === undefined || isFields(facts))) return undefined;
  // What was stored under this version is what the caller's types say.
  const session: StoredSession<Data> = {
    data: data as Data,
    revision,
    createdAt,
    lastSeenAt,
    expiresAt,
    endsAt,
  };
  if (typeof userId === "string") session.userId = fromSqlText(userId);
  if (facts !== undefined) session.facts = facts as SessionFacts;
  return session;
}

function isFields(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
