// How a session is written in Redis, and how its key is. A record is one JSON document that also
// has lines: a head that scripts rewrite, then one field of the data a line, so that no script ever
// takes a value apart.
import { Buffer } from "node:buffer";
import { toJsonObject } from "../../core/data/json.ts";
import type { NewSession, SessionPatch, StoredSession } from "../../core/store.ts";

/**
 * What is under a key: a session; nothing of ours to see (one of another epoch, a pointer to a
 * rotated one, the mark of an ended one); or not ours at all.
 */
export type RecordReading<Data> = StoredSession<Data> | "unreadable" | undefined;

interface Parsed {
  harpia?: unknown;
  movedTo?: unknown;
  ended?: unknown;
  revision?: unknown;
  createdAt?: unknown;
  lastSeenAt?: unknown;
  expiresAt?: unknown;
  endsAt?: unknown;
  epoch?: unknown;
  facts?: unknown;
  userId?: unknown;
  data?: unknown;
}

/**
 * The key in Redis. The birth is the hash tag: keys of one birth are in one slot, and rotation
 * keeps the birth.
 */
export function toRedisKey(prefix: string, key: string): string {
  return `${prefix}{${key.slice(0, 8)}}${key.slice(8)}`;
}

/**
 * The key of a session, of its key in Redis; `undefined` for one that is not made by
 * {@link toRedisKey}.
 */
export function fromRedisKey(prefix: string, redisKey: string): string | undefined {
  const match = /^\{([^{}]{8})\}([^{}]+)$/.exec(
    redisKey.startsWith(prefix) ? redisKey.slice(prefix.length) : "",
  );
  return match ? `${match[1]}${match[2]}` : undefined;
}

/**
 * The key of a user's index. The user is the hash tag, in the characters of a URL: any text is
 * well-formed there.
 */
export function toIndexKey(prefix: string, userId: string): string {
  return `${prefix}user:{${encodeURIComponent(JSON.stringify(userId).slice(1, -1))}}`;
}

/**
 * An entry of the user's index: the key that a session began with, which rotation leaves alone, and
 * when it was created.
 */
export function toEntry(key: string, createdAt: number): string {
  // Hexadecimal keeps it within 64 characters: Redis packs short entries tightly.
  return `${key}:${Math.trunc(createdAt).toString(16)}`;
}

/** When the session of an entry was created. */
export function createdAtOf(entry: string): number {
  return Number.parseInt(entry.slice(entry.lastIndexOf(":") + 1), 16);
}

/** The key of an entry. */
export function keyOf(entry: string): string {
  return entry.slice(0, entry.lastIndexOf(":"));
}

/**
 * The first record of a session, before and after the number of its epoch. `change` names the
 * change that made it.
 */
export function formatRecord(session: NewSession<unknown>, change: string): [string, string] {
  const { createdAt, lastSeenAt, expiresAt, endsAt, facts, userId } = session;
  const deadlines = `"createdAt":${createdAt},"lastSeenAt":${lastSeenAt},"expiresAt":${expiresAt},"endsAt":${endsAt}`;
  const others = `${facts === undefined ? "" : `,"facts":${JSON.stringify(facts)}`}${userId === undefined ? "" : `,"userId":${JSON.stringify(userId)}`}`;
  const fields = formatFields(session.data).map(([name, value]) => name + value);
  return [
    `{"harpia":1,"revision":1,${deadlines},"epoch":`,
    `,"change":"${change}"${others},"data":{\n${fields.join(",\n")}\n}}`,
  ];
}

/**
 * Fields as they stand in a record: the name with its colon, and the value. JSON has no line breaks
 * of its own.
 */
export function formatFields(data: unknown): [name: string, value: string][] {
  return Object.entries(toJsonObject(data) as object).map(([name, value]) => [
    formatName(name),
    JSON.stringify(value),
  ]);
}

/** Names and values as they stand in a record; one without a value is to be taken away. */
export type PatchFields = readonly (readonly [name: string, value: string])[];

/** What a patch changes of the data. */
export function formatPatchFields({
  set,
  unset,
}: Pick<SessionPatch<unknown>, "set" | "unset">): PatchFields {
  const fields = set ? formatFields(set) : [];
  if (unset) for (const name of unset) fields.push([formatName(name), ""]);
  return fields;
}

/**
 * What a change is made of: the record's revision, the name of the change that made it, and all
 * that follows that name. The deadlines before it are the server's: a touch may move them meanwhile.
 */
export interface Base {
  revision: number;
  change: string;
  tail: string;
}

const HEAD =
  /^\{"harpia":1,"revision":(\d+),"createdAt":-?\d+,"lastSeenAt":-?\d+,"expiresAt":-?\d+,"endsAt":-?\d+,"epoch":\d+,"change":"([\dA-Za-z-]*)"/;
// Begin and end the lines of the fields. No name and no value has a line break: JSON escapes them.
const DATA = ',"data":{\n';
const END = "\n}}";

/** @returns `undefined` for what is no record of a session. */
export function toBase(text: string): Base | undefined {
  const [head, revision, change] = HEAD.exec(text) ?? [];
  if (head === undefined || change === undefined) return undefined;
  const tail = text.slice(head.length);
  const lines = tail.indexOf("\n") + 1;
  // The line break before the end may be the one behind the head.
  const isWhole = tail.startsWith(DATA, lines - DATA.length) && tail.endsWith(END);
  return isWhole ? { revision: Number(revision), change, tail } : undefined;
}

/** The record after a change. @param change the name of the change. */
export function changedRecord(
  { revision, tail }: Base,
  change: string,
  { fields, facts }: { fields: PatchFields; facts: object | undefined },
): Base {
  const lines = tail.indexOf("\n") + 1;
  const head = tail.slice(0, lines - DATA.length);
  const body = changedFields(tail.slice(lines, -END.length), fields);
  const next = facts === undefined ? head : withFacts(head, facts);
  return { revision: revision + 1, change, tail: `${next}${DATA}${body}${END}` };
}

// A name with its colon, at the beginning of a line.
const NAME = /^"(?:[^"\\]|\\.)*":/;

/** In one pass, however many fields there are: no value is decoded. */
function changedFields(body: string, fields: PatchFields): string {
  if (fields.length === 0) return body;
  const changes = new Map(fields);
  const lines: string[] = [];
  for (const line of body === "" ? [] : body.split(",\n")) {
    const name = NAME.exec(line)?.[0] ?? line;
    const value = changes.get(name);
    if (value === undefined) lines.push(line);
    else if (value !== "") lines.push(name + value);
    changes.delete(name);
  }
  for (const [name, value] of changes) if (value !== "") lines.push(name + value);
  return lines.join(",\n");
}

const USER = ',"userId":"';

/** What stands before the data, with other facts. */
function withFacts(head: string, facts: object): string {
  const origin = /^,"origin":"[\w.-]+"/.exec(head)?.[0] ?? "";
  // The user comes last. The facts before may have a field of that name, and no text of theirs can
  // look like one: JSON escapes its quotes.
  const user = head.endsWith('"') ? head.lastIndexOf(USER) : -1;
  return `${origin},"facts":${JSON.stringify(facts)}${user < origin.length ? "" : head.slice(user)}`;
}

export function formatName(name: string): string {
  return `${JSON.stringify(name)}:`;
}

/**
 * Reads what is under a key. Never throws: whatever it is, it is data from outside.
 *
 * @param now the present epoch. A session of another one has ended.
 */
export function parseRecord<Data>(text: string, now: string | undefined): RecordReading<Data> {
  const parsed = parseJson(text);
  if (parsed?.harpia !== 1) return "unreadable";
  const { revision, createdAt, lastSeenAt, expiresAt, endsAt, epoch, facts, userId, data } = parsed;
  if (typeof parsed.movedTo === "string" || typeof parsed.ended === "string") return undefined;
  const isWhole = Number.isSafeInteger;
  // Written out: a list for each record that is read would cost more than the six looks.
  if (
    !isWhole(revision) ||
    !isWhole(createdAt) ||
    !isWhole(lastSeenAt) ||
    !isWhole(expiresAt) ||
    !isWhole(endsAt) ||
    !isWhole(epoch) ||
    !isObject(data)
  )
    return "unreadable";
  if (
    (facts !== undefined && !isObject(facts)) ||
    (userId !== undefined && typeof userId !== "string")
  )
    return "unreadable";
  if (String(epoch) !== now) return undefined;
  // Each was checked above.
  const session = {
    data,
    revision,
    createdAt,
    lastSeenAt,
    expiresAt,
    endsAt,
  } as StoredSession<Data>;
  if (userId !== undefined) session.userId = userId;
  if (facts !== undefined) session.facts = facts;
  return session;
}

/** A reply of a client as text: one that maps replies to buffers is as good as another. */
export function toText(reply: unknown): string {
  return Buffer.isBuffer(reply) ? reply.toString() : String(reply);
}

function parseJson(text: string): Parsed | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
