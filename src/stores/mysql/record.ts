// How a session becomes a row and comes back. What is no session of this version is told apart, and
// never guessed at.
import { createHash } from "node:crypto";
import type { NewSession, SessionFacts, StoredSession } from "../../core/store.ts";
import type { MysqlValue } from "./client.ts";
import { fromFieldsJson, toAscii, toFieldsJson } from "./fields.ts";

/** The version of the rows that this code writes, and the only one that it reads. */
export const RECORD_VERSION = 1;

/** The columns in the order in which {@link toRow} gives their values. */
export const COLUMNS =
  "session_key, version, user_id, user_text, data, facts, revision, created_at, last_seen_at, expires_at, ends_at";

// With the revision before them.
const INSTANTS = 5;

/** The same for reading. As bytes, data comes through every connection's character set whole. */
export const SELECTED = COLUMNS.replace("data", "CONVERT(data USING binary)");

// A user's id that an ASCII column compares to the letter: it ignores spaces at the end. The mark
// is that of a hash.
const PLAIN_USER = /^(?!#)[!-~](?:[ -~]{0,253}[!-~])?$/;

/**
 * What the index knows a user by: the id itself where it is plain ASCII of up to 255 characters,
 * otherwise its SHA-256.
 */
export function toUserColumn(userId: string): string {
  return PLAIN_USER.test(userId)
    ? userId
    : `#${createHash("sha256").update(JSON.stringify(userId)).digest("base64url")}`;
}

/** The values of a new session's row. `data` is plain JSON. */
export function toRow(key: string, data: object, session: NewSession<unknown>): MysqlValue[] {
  const { createdAt, lastSeenAt, expiresAt, endsAt, userId, facts } = session;
  const user = userId === undefined ? null : toUserColumn(userId);
  const userText = userId === undefined || user === userId ? null : toAscii(JSON.stringify(userId));
  return [
    key,
    RECORD_VERSION,
    user,
    userText,
    toFieldsJson(data),
    toFactsColumn(facts),
    1,
    createdAt,
    lastSeenAt,
    expiresAt,
    endsAt,
  ];
}

/** Facts as the column has them; `null` for none. */
export function toFactsColumn(facts: SessionFacts | undefined): string | null {
  return facts === undefined ? null : toAscii(JSON.stringify(facts));
}

/** The key of a row that was read. */
export function keyOf(row: readonly unknown[]): string {
  return toText(row[0]) as string;
}

/** The session of a row; `undefined` for what is no session of this version. */
export function toSession<Data>(row: readonly unknown[]): StoredSession<Data> | undefined {
  const [, version, user, userText, data, facts, ...rest] = row;
  if (Number(version) !== RECORD_VERSION) return undefined;
  // A BIGINT is a text where the caller has told mysql2 so. A statement may add a column of its own.
  const numbers = rest.slice(0, INSTANTS).map(Number);
  if (!numbers.every(Number.isSafeInteger)) return undefined;
  const [revision, createdAt, lastSeenAt, expiresAt, endsAt] = numbers as [
    number,
    number,
    number,
    number,
    number,
  ];
  try {
    // What was stored under this version is what the caller's types say.
    const session: StoredSession<Data> = {
      data: fromFieldsJson(toText(data) ?? "") as Data,
      revision,
      createdAt,
      lastSeenAt,
      expiresAt,
      endsAt,
    };
    const userId: unknown =
      typeof userText === "string" ? JSON.parse(userText) : (toText(user) ?? undefined);
    if (userId !== undefined && typeof userId !== "string") return undefined;
    if (userId !== undefined) session.userId = userId;
    const factsText = toText(facts);
    // As `data`.
    if (factsText !== undefined) session.facts = fromFacts(factsText) as SessionFacts;
    return session;
  } catch {
    return undefined;
  }
}

function fromFacts(text: string): object {
  const facts: unknown = JSON.parse(text);
  if (typeof facts !== "object" || facts === null || Array.isArray(facts))
    throw new SyntaxError("Cannot read facts: an object is wanted");
  return facts;
}

/** Texts come as texts or as bytes. */
export function toText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("utf8")
    : undefined;
}
