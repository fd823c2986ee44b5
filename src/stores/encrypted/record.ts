// A session as it lies encrypted in another store, and back. What does not open is told apart, and
// never guessed at. Why it is so: the head of encrypted.ts.
import { toJsonObject } from "../../core/data/json.ts";
import type { NewSession, SessionFacts, SessionPatch, StoredSession } from "../../core/store.ts";
import type { BoundKeys, KeyRing } from "./keys.ts";

/** What the other store gets for data: texts. */
export type Sealed = Record<string, string>;

/** A record that was opened, and what it takes to change it. */
export interface Opened<Data> {
  session: StoredSession<Data>;
  /** The revision in the other store: it counts changes of the head as well. */
  storedRevision: number;
  /**
   * The keys under which the record is genuine. To the first its fields are bound, or to the one it
   * lies under.
   */
  keys: readonly string[];
  /** Whether everything in it is bound to the key it lies under, and sealed with the newest key. */
  isCurrent: boolean;
}

// The head's field. A field of the caller's that begins with it gets one more.
const HEAD = "~";
const FACTS = JSON.stringify(["facts"]);
// A move that failed or crashed leaves its key in the head. So many at the same moment there are
// not.
const MOST_KEYS = 64;

/** A new session for the other store. */
export function sealNew<Data>(
  ring: KeyRing,
  key: string,
  session: NewSession<Data>,
): NewSession<Sealed> {
  const own = ring.boundTo(key);
  const data = {
    ...sealFields(own, toJsonObject(session.data) as object),
    [HEAD]: sealHead(own, "", 0, session),
  };
  return { ...session, data, facts: sealFacts(own, session.facts) };
}

/** A change of fields, for the other store. */
export function sealPatch<Data>(
  ring: KeyRing,
  key: string,
  { set, unset, facts }: SessionPatch<Data>,
): SessionPatch<Sealed> {
  const own = ring.boundTo(key);
  return {
    ...(set && { set: sealFields(own, toJsonObject(set)) }),
    ...(unset && { unset: unset.map(toStoredName) }),
    ...(facts && { facts: sealFacts(own, facts) }),
  };
}

/**
 * The change that makes a record genuine under another key too, without making it anything else.
 */
export function sealMove<Data>(
  ring: KeyRing,
  key: string,
  nextKey: string,
  opened: Opened<Data>,
): SessionPatch<Sealed> {
  const own = ring.boundTo(key);
  const { session, keys, storedRevision, isCurrent } = opened;
  // Others may be about to move it from this key: whichever is first, the record is genuine where
  // it comes to lie.
  const others =
    keys[0] === key
      ? keys
          .slice(1)
          .filter((other) => other !== nextKey)
          .slice(1 - MOST_KEYS)
      : [];
  // This change is no change of the session's.
  const changes = storedRevision - session.revision + 1;
  const head = sealHead(own, [key, ...others, nextKey].join(" "), changes, session);
  if (isCurrent) return { set: { [HEAD]: head }, ifRevision: storedRevision };
  return {
    set: { ...sealFields(own, session.data as object), [HEAD]: head },
    facts: sealFacts(own, session.facts),
    ifRevision: storedRevision,
  };
}

/**
 * The session of a record; `undefined` for what was not sealed for this key, whole and unchanged.
 */
export function open<Data>(
  ring: KeyRing,
  key: string,
  stored: StoredSession<Sealed>,
): Opened<Data> | undefined {
  const { [HEAD]: head, ...fields } = stored.data;
  // The head vouches for the absolute limit; the deadline before it is anybody's who can write.
  if (typeof head !== "string" || !(stored.expiresAt <= stored.endsAt)) return undefined;
  const listed = head.slice(0, Math.max(head.lastIndexOf(" "), 0));
  const keys = listed === "" ? [key] : listed.split(" ");
  const [first = key] = keys;
  if (!keys.includes(key)) return undefined;
  const origin = ring.boundTo(first);
  const changes = origin.open(
    listed === "" ? head : head.slice(listed.length + 1),
    purposeOfHead(listed, stored),
  );
  if (changes === undefined) return undefined;

  const own = first === key ? origin : ring.boundTo(key);
  const opener = new Opener(ring.newest, first === key ? [own] : [own, origin]);
  const data = Object.entries(fields).map(([name, value]): [string, unknown] => [
    fromStoredName(name),
    opener.open(value, purposeOfField(fromStoredName(name))),
  ]);
  const facts = opener.open((stored.facts as { sealed?: unknown } | undefined)?.sealed, FACTS);
  if (opener.hasFailed) return undefined;
  // As sealed by sealNew and sealPatch: what was stored is what the caller's types say.
  const { facts: _sealed, ...rest } = stored;
  const session: StoredSession<Data> = {
    ...rest,
    data: Object.fromEntries(data) as Data,
    revision: stored.revision - Number(changes),
  };
  if (facts !== null) session.facts = facts as SessionFacts;
  return {
    session,
    storedRevision: stored.revision,
    keys,
    isCurrent: first === key && opener.isNewest,
  };
}

/** Opens the values of one record with the keys that they may be bound to. */
class Opener {
  readonly #newest: string;
  #candidates: readonly BoundKeys[];
  hasFailed = false;
  isNewest = true;

  constructor(newest: string, candidates: readonly BoundKeys[]) {
    this.#newest = newest;
    this.#candidates = candidates;
  }

  open(value: unknown, purpose: string): unknown {
    if (typeof value === "string") {
      for (const keys of this.#candidates) {
        const text = keys.open(value, purpose);
        if (text === undefined) continue;
        // Most of a record is bound to the same key: the next value is tried with it first.
        this.#candidates = [keys, ...this.#candidates.filter((other) => other !== keys)];
        this.isNewest &&= value.startsWith(this.#newest);
        return JSON.parse(text);
      }
    }
    this.hasFailed = true;
    return undefined;
  }
}

function sealFields(own: BoundKeys, fields: object): Sealed {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      toStoredName(name),
      own.seal(JSON.stringify(value), purposeOfField(name)),
    ]),
  );
}

/**
 * Facts for the other store, bound to the key that the record will lie under. That there are none
 * is sealed too: who takes them away must not turn back a renewal, or a limit of the session's own.
 */
export function sealFacts(own: BoundKeys, facts: SessionFacts | undefined): SessionFacts {
  // A store keeps facts whole and never looks inside.
  return { sealed: own.seal(JSON.stringify(facts ?? null), FACTS) } as SessionFacts;
}

/**
 * @param listed the keys under which the record is genuine. Empty: only its own key.
 */
function sealHead(
  own: BoundKeys,
  listed: string,
  changes: number,
  session: NewSession<unknown>,
): string {
  const head = own.seal(String(changes), purposeOfHead(listed, session));
  return listed === "" ? head : `${listed} ${head}`;
}

/** What the head vouches for: all that never changes but the data. */
function purposeOfHead(
  listed: string,
  {
    userId = null,
    createdAt,
    endsAt,
  }: Pick<NewSession<unknown>, "createdAt" | "endsAt"> & { userId?: string | null },
): string {
  return JSON.stringify(["session", listed, userId, createdAt, endsAt]);
}

// JSON tells two lone surrogates apart, UTF-8 does not.
function purposeOfField(name: string): string {
  return JSON.stringify(["data", name]);
}

function toStoredName(name: string): string {
  return name.startsWith(HEAD) ? HEAD + name : name;
}

function fromStoredName(name: string): string {
  return name.startsWith(HEAD) ? name.slice(HEAD.length) : name;
}
