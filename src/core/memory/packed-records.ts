// What a record of MemoryStore consists of, and where in its bytes each part lies. Records are
// found by key and by user. Says nothing about which of them are live.
import { copyJson, toJsonText } from "../data/json.ts";
import type { NewSession, SessionFacts, StoredSession } from "../store.ts";
import { type Recent, RecentRecords } from "./recent-records.ts";
import { ARENA_BYTES, NONE, RecordArena } from "./record-arena.ts";
import { hashOf, SlotTable } from "./slot-table.ts";
import { UserRings } from "./user-rings.ts";

// Floats of 8 bytes each, behind what is the arena's.
const CREATED_AT = ARENA_BYTES / 8;
const LAST_SEEN_AT = CREATED_AT + 1;
const EXPIRES_AT = CREATED_AT + 2;
const ENDS_AT = CREATED_AT + 3;
// Integers of 4 bytes each.
const USER_HASH = (ENDS_AT + 1) * 2;
const RING_AFTER = USER_HASH + 1;
const RING_BEFORE = USER_HASH + 2;
const REVISION = USER_HASH + 3;
const KEY_LENGTH = USER_HASH + 4;
const TEXT_BYTES = USER_HASH + 5;
const IS_WIDE = USER_HASH + 6;
// The key, one byte for each character; behind it the content as JSON.
const KEY = (USER_HASH + 7) * 4;

/** What a record holds as text: `[data]`, `[data, userId]` or `[data, userId, facts]`. */
type Content<Data> = readonly [
  data: Data,
  userId?: string | null | undefined,
  facts?: SessionFacts | undefined,
];

/** Records as bytes, by slots. */
export class PackedRecords<Data> {
  readonly #arena = new RecordArena();
  readonly #keys = new SlotTable();
  readonly #users = new UserRings(
    this.#arena,
    { hash: USER_HASH, after: RING_AFTER, before: RING_BEFORE },
    (slot, userId) => this.#contentOf(slot)[1] === userId,
  );
  readonly #recent = new RecentRecords<Data>((recent) => this.#settle(recent));

  get count(): number {
    return this.#arena.count;
  }

  /** Every slot in use is below. */
  get end(): number {
    return this.#arena.end;
  }

  has(slot: number): boolean {
    return this.#arena.has(slot);
  }

  /** The slot of a key, or none. */
  find(key: string): number {
    let slot = this.#keys.first(hashOf(key));
    while (slot !== NONE && !this.#isAt(slot, key)) slot = this.#keys.after(slot);
    return slot;
  }

  ofUser(userId: string): number[] {
    return this.#users.of(userId);
  }

  /** Adds a record. There must be none with this key. @returns its slot. */
  add(key: string, session: NewSession<Data>): number {
    const text = textOf(toJsonText(session.data), session.userId, session.facts);
    const isWide = isWideText(text);
    const slot = this.#arena.add(KEY + key.length + bytesOf(text, isWide));
    this.#arena.setFloat(slot, CREATED_AT, session.createdAt);
    this.#arena.setFloat(slot, LAST_SEEN_AT, session.lastSeenAt);
    this.#arena.setFloat(slot, EXPIRES_AT, session.expiresAt);
    this.#arena.setFloat(slot, ENDS_AT, session.endsAt);
    this.#arena.setInteger(slot, REVISION, 1);
    this.#write(slot, key, text, isWide);
    this.#keys.add(slot, hashOf(key));
    if (session.userId === undefined) this.#users.skip(slot);
    else this.#users.add(slot, session.userId);
    return slot;
  }

  remove(slot: number): void {
    this.#recent.forget(slot);
    this.#keys.remove(slot);
    this.#users.remove(slot);
    this.#arena.remove(slot);
    if (this.count === 0) this.#recent.clear();
  }

  /** Gives a record another key, which none has, and other facts where there are any. */
  move(slot: number, key: string, facts?: SessionFacts): void {
    const recent = this.#recent.get(slot);
    if (recent?.isUnwritten) this.#settle(recent);
    const text = facts === undefined ? this.#textOf(slot) : this.#textWith(slot, facts);
    const isWide =
      facts === undefined ? this.#arena.integer(slot, IS_WIDE) === 1 : isWideText(text);
    this.#recent.forget(slot);
    this.#keys.remove(slot);
    this.#arena.resize(slot, KEY + key.length + bytesOf(text, isWide));
    this.#write(slot, key, text, isWide);
    this.#keys.add(slot, hashOf(key));
  }

  /**
   * Gives a record other data, and other facts where there are any, and the next revision. They are
   * kept: nobody may change them.
   */
  change(slot: number, key: string, data: Data, newFacts?: SessionFacts): void {
    const { userId, facts: oldFacts } = this.#kept(slot);
    const facts = newFacts ?? oldFacts;
    this.#arena.setInteger(slot, REVISION, this.revisionOf(slot) + 1);
    this.#recent.put(
      { key, slot, session: this.#stored(slot, data, userId, facts), isUnwritten: true },
      this.end,
    );
  }

  keyOf(slot: number): string {
    return this.#arena.text(slot, KEY, this.#arena.integer(slot, KEY_LENGTH), "latin1");
  }

  revisionOf(slot: number): number {
    return this.#arena.integer(slot, REVISION);
  }

  createdAt(slot: number): number {
    return this.#arena.float(slot, CREATED_AT);
  }

  expiresAt(slot: number): number {
    return this.#arena.float(slot, EXPIRES_AT);
  }

  endsAt(slot: number): number {
    return this.#arena.float(slot, ENDS_AT);
  }

  /** Moves activity later, never earlier. */
  extend(slot: number, to: { lastSeenAt: number; expiresAt: number }): void {
    const lastSeenAt = Math.max(this.#arena.float(slot, LAST_SEEN_AT), to.lastSeenAt);
    const expiresAt = Math.max(this.expiresAt(slot), to.expiresAt);
    this.#arena.setFloat(slot, LAST_SEEN_AT, lastSeenAt);
    this.#arena.setFloat(slot, EXPIRES_AT, expiresAt);
    const recent = this.#recent.get(slot);
    if (recent) Object.assign(recent.session, { lastSeenAt, expiresAt });
  }

  /** The session of a key, if it has not expired, as an object of the caller's own. */
  read(key: string, now: number): StoredSession<Data> | undefined {
    const slot = this.find(key);
    if (slot === NONE) return undefined;
    const recent = this.#recent.get(slot);
    if (recent) return recent.session.expiresAt > now ? copyOf(recent.session) : undefined;
    if (this.expiresAt(slot) <= now) return undefined;
    const session = this.sessionOf(slot);
    if (!this.#recent.note(slot, this.end)) return session;
    this.#recent.put({ key, slot, session, isUnwritten: false }, this.end);
    return copyOf(session);
  }

  /** The session in a slot, as an object of the caller's own. */
  sessionOf(slot: number): StoredSession<Data> {
    const recent = this.#recent.get(slot);
    if (recent) return copyOf(recent.session);
    return this.#stored(slot, ...this.#contentOf(slot));
  }

  /** What a session holds: not to be changed. */
  dataOf(slot: number): Data {
    return this.#kept(slot).data;
  }

  #isAt(slot: number, key: string): boolean {
    const recent = this.#recent.get(slot);
    // The key that is remembered spares a look at the record's bytes.
    if (recent) return recent.key === key;
    return (
      this.#arena.integer(slot, KEY_LENGTH) === key.length && this.#arena.hasText(slot, KEY, key)
    );
  }

  #stored(slot: number, ...[data, userId, facts]: Content<Data>): StoredSession<Data> {
    const floats = this.#arena.floatsOf(slot);
    const at = this.#arena.wordOf(slot);
    const stored: StoredSession<Data> = {
      data,
      revision: this.revisionOf(slot),
      // There are as many floats as the record's words.
      createdAt: floats[at + CREATED_AT] as number,
      lastSeenAt: floats[at + LAST_SEEN_AT] as number,
      expiresAt: floats[at + EXPIRES_AT] as number,
      endsAt: floats[at + ENDS_AT] as number,
    };
    if (typeof userId === "string") stored.userId = userId;
    if (facts !== undefined) stored.facts = facts;
    return stored;
  }

  #kept(slot: number): StoredSession<Data> {
    return this.#recent.get(slot)?.session ?? this.sessionOf(slot);
  }

  #contentOf(slot: number): Content<Data> {
    // It was made by `textOf`.
    return JSON.parse(this.#textOf(slot)) as Content<Data>;
  }

  #write(slot: number, key: string, text: string, isWide: boolean): void {
    this.#arena.setInteger(slot, KEY_LENGTH, key.length);
    this.#arena.setText(slot, KEY, key, "latin1");
    this.#writeText(slot, key.length, text, isWide);
  }

  /** Puts into a record what was remembered of it alone. */
  #settle({ slot, key, session: { data, userId, facts } }: Recent<Data>): void {
    const text = textOf(JSON.stringify(data), userId, facts);
    const isWide = isWideText(text);
    this.#arena.resize(slot, KEY + key.length + bytesOf(text, isWide));
    this.#writeText(slot, key.length, text, isWide);
  }

  #writeText(slot: number, keyLength: number, text: string, isWide: boolean): void {
    this.#arena.setInteger(slot, TEXT_BYTES, bytesOf(text, isWide));
    this.#arena.setInteger(slot, IS_WIDE, Number(isWide));
    this.#arena.setText(slot, KEY + keyLength, text, encodingOf(isWide));
  }

  #textWith(slot: number, facts: SessionFacts): string {
    const [data, userId] = this.#contentOf(slot);
    return textOf(JSON.stringify(data), userId ?? undefined, facts);
  }

  #textOf(slot: number): string {
    const arena = this.#arena;
    return arena.text(
      slot,
      KEY + arena.integer(slot, KEY_LENGTH),
      arena.integer(slot, TEXT_BYTES),
      encodingOf(arena.integer(slot, IS_WIDE) === 1),
    );
  }
}

function copyOf<Data>({
  data,
  revision,
  createdAt,
  lastSeenAt,
  expiresAt,
  endsAt,
  userId,
  facts,
}: StoredSession<Data>): StoredSession<Data> {
  const copy: StoredSession<Data> = {
    data: copyJson(data),
    revision,
    createdAt,
    lastSeenAt,
    expiresAt,
    endsAt,
  };
  if (userId !== undefined) copy.userId = userId;
  if (facts !== undefined) copy.facts = copyJson(facts);
  return copy;
}

function textOf(data: string, userId: string | undefined, facts: SessionFacts | undefined): string {
  if (facts !== undefined)
    return `[${data},${JSON.stringify(userId ?? null)},${JSON.stringify(facts)}]`;
  return userId === undefined ? `[${data}]` : `[${data},${JSON.stringify(userId)}]`;
}

function isWideText(text: string): boolean {
  return /[^\0-\u00FF]/.test(text);
}

function bytesOf(text: string, isWide: boolean): number {
  return isWide ? text.length * 2 : text.length;
}

function encodingOf(isWide: boolean): "latin1" | "utf16le" {
  return isWide ? "utf16le" : "latin1";
}
