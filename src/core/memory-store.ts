// MemoryStore: sessions in this process. Expires by itself, is bounded, and keeps every promise of the contract,
// since each method does its work in one synchronous step.
import { setImmediate } from "node:timers";
import type { Clock } from "./clock.ts";
import { DeadlineHeap } from "./deadline-heap.ts";
import { tellSubscribers } from "./events.ts";
import { IdAccess } from "./id-access.ts";
import { copyJson, kindOf, toJsonObject } from "./json.ts";
import { KeyTable } from "./key-table.ts";
import { ShardedMap } from "./sharded-map.ts";
import type { CreateResult, KeyedSession, NewSession, PatchOutcome, SessionFacts, SessionPatch, SessionStore, StoreChange, StoredSession, UserCap } from "./store.ts";

export interface MemoryStoreOptions {
  /** Sessions kept at most, default 1,000,000. One more evicts the one that expires first, and `ended` tells. */
  maxSessions?: number | undefined;
  /** Default: the machine's. */
  clock?: Clock | undefined;
}

// One session. Every field is there from the beginning, or V8 keeps the later ones in an array of their own.
interface Entry<Data> {
  key: string;
  // Its place among the deadlines, where its instants are, and its neighbour in the table of keys.
  at: number;
  next: Entry<Data> | undefined;
  data: Data;
  revision: number;
  userId: string | undefined;
  facts: SessionFacts | undefined;
}

const DEFAULT_MAX_SESSIONS = 1_000_000;
// Sessions that expire in the same second are swept together.
const SWEEP_EVERY = 1000;
// About a millisecond of work, then others get a turn.
const SWEEP_AT_MOST = 500;
const SCAN_LIMIT = 100;

/**
 * Keeps sessions in this process: for one process, tests and development. They are gone when it ends.
 *
 * Data is kept as JSON would write it, as in every other store, and copied in and out.
 *
 * @throws RangeError for a `maxSessions` that is no whole number from 1.
 */
// The seed's default: data of unknown shape. As the constraint too, or `new Session({ store: new MemoryStore(…) })` infers nothing.
// oxlint-disable-next-line typescript/no-explicit-any
export class MemoryStore<Data extends Record<string, any> = Record<string, any>> extends IdAccess<Data> implements SessionStore<Data> {
  readonly #maxSessions: number;
  #sessions = new KeyTable<Entry<Data>>();
  // Most users have one session: a set for each would double the memory.
  #byUser = new ShardedMap<Entry<Data> | Set<Entry<Data>>>();
  #deadlines = new DeadlineHeap<Entry<Data>>();
  readonly #listeners = new Set<(change: StoreChange) => void>();
  #nextSweepAt = Infinity;
  #cancelSweep: (() => void) | undefined;

  constructor(options: MemoryStoreOptions = {}) {
    super(options.clock);
    const { maxSessions = DEFAULT_MAX_SESSIONS } = options;
    if (!Number.isInteger(maxSessions) || maxSessions < 1) {
      throw new RangeError(`Cannot use maxSessions: it is ${typeof maxSessions === "number" ? maxSessions : kindOf(maxSessions)}, a whole number from 1 is wanted`);
    }
    this.#maxSessions = maxSessions;
  }

  /** How many sessions are kept, those that have expired and are not swept yet included. */
  get size(): number {
    return this.#sessions.size;
  }

  async create(key: string, session: NewSession<Data>, cap?: UserCap): Promise<CreateResult> {
    if (this.#live(key)) return { outcome: "taken", evicted: [] };
    const rivals = cap && session.userId !== undefined ? this.#liveOf(session.userId) : [];
    const excess = cap ? Math.max(rivals.length + 1 - cap.limit, 0) : 0;
    if (excess > 0 && cap?.onLimit === "deny") return { outcome: "denied", evicted: [] };
    const evicted = rivals.slice(0, excess).map((entry) => entry.key);
    for (const victim of evicted) this.#end(victim, { type: "removed", key: victim });
    this.#insert(key, session);
    return { outcome: "created", evicted };
  }

  readSync(key: string, now: number = this.clock.now()): StoredSession<Data> | undefined {
    const entry = this.#live(key, now);
    return entry && this.#toStored(entry);
  }

  async read(keys: readonly string[]): Promise<(StoredSession<Data> | undefined)[]> {
    return keys.map((key) => this.readSync(key));
  }

  async extend(key: string, to: { lastSeenAt: number; expiresAt: number }): Promise<boolean> {
    const entry = this.#live(key);
    if (!entry) return false;
    this.#deadlines.extend(entry, to.lastSeenAt, to.expiresAt);
    return true;
  }

  async patch(key: string, patch: SessionPatch<Data>): Promise<PatchOutcome> {
    const entry = this.#live(key);
    if (!entry) return "missing";
    if (patch.ifRevision !== undefined && patch.ifRevision !== entry.revision) return "conflict";
    const data = { ...entry.data, ...(patch.set && toJsonObject(patch.set)) };
    for (const field of patch.unset ?? []) delete data[field as keyof Data];
    entry.data = data;
    if (patch.facts) entry.facts = copyJson(patch.facts);
    entry.revision++;
    this.#tell({ type: "changed", key });
    return "done";
  }

  async move(key: string, nextKey: string): Promise<boolean> {
    const entry = this.#live(key);
    if (!entry || this.#live(nextKey)) return false;
    // An expired record under the next key has not been swept yet.
    if (this.#sessions.get(nextKey)) this.#expire(nextKey);
    this.#sessions.remove(entry);
    entry.key = nextKey;
    this.#sessions.add(entry);
    this.#tell({ type: "moved", key, nextKey });
    return true;
  }

  async remove(key: string): Promise<boolean> {
    if (!this.#live(key)) return false;
    this.#end(key, { type: "removed", key });
    return true;
  }

  async listByUser(userId: string): Promise<KeyedSession<Data>[]> {
    return this.#liveOf(userId).map((entry) => ({ key: entry.key, session: this.#toStored(entry) }));
  }

  async removeByUser(userId: string, options: { except?: readonly string[] } = {}): Promise<number> {
    const keys = this.#liveOf(userId).map((entry) => entry.key).filter((key) => !options.except?.includes(key));
    for (const key of keys) this.#end(key, { type: "removed", key });
    return keys.length;
  }

  async removeAll(): Promise<void> {
    this.#sessions = new KeyTable();
    this.#byUser = new ShardedMap();
    this.#deadlines = new DeadlineHeap();
    this.#tell({ type: "cleared" });
  }

  async scan(cursor?: string, options: { limit?: number } = {}): Promise<{ sessions: KeyedSession<Data>[]; cursor?: string }> {
    const { limit = SCAN_LIMIT } = options;
    const keys = this.#sessions.keysAfter(cursor, limit);
    const sessions = keys.flatMap((key) => {
      const session = this.readSync(key);
      return session ? [{ key, session }] : [];
    });
    return keys.length < limit ? { sessions } : { sessions, cursor: keys.at(-1) as string };
  }

  async count(): Promise<number> {
    return this.#sessions.size;
  }

  async prune(): Promise<number> {
    let pruned = this.#sweep();
    while (this.#deadlines.nextAt <= this.clock.now()) {
      await new Promise((resolve) => setImmediate(resolve));
      pruned += this.#sweep();
    }
    return pruned;
  }

  async subscribe(listener: (change: StoreChange) => void): Promise<() => Promise<void>> {
    this.#listeners.add(listener);
    return async () => void this.#listeners.delete(listener);
  }

  #live(key: string, now: number = this.clock.now()): Entry<Data> | undefined {
    const entry = this.#sessions.get(key);
    return entry && this.#deadlines.expiresAt(entry) > now ? entry : undefined;
  }

  /** Oldest first. */
  #liveOf(userId: string): Entry<Data>[] {
    const found = this.#byUser.get(userId);
    if (!found) return [];
    const now = this.clock.now();
    const entries = found instanceof Set ? [...found] : [found];
    return entries.filter((entry) => this.#deadlines.expiresAt(entry) > now).sort((a, b) => this.#deadlines.createdAt(a) - this.#deadlines.createdAt(b));
  }

  #insert(key: string, session: NewSession<Data>): void {
    // An expired record under this key has not been swept yet.
    if (this.#sessions.get(key)) this.#expire(key);
    while (this.#sessions.size >= this.#maxSessions) this.#evictOne();
    const { facts } = session;
    const data = toJsonObject(session.data);
    // The data's own copy of the name, where it has one: the same text twice would be kept twice.
    const userId = (Object.values(data).find((value) => value === session.userId) as string | undefined) ?? session.userId;
    const entry: Entry<Data> = { key, at: 0, next: undefined, data, revision: 1, userId, facts: facts && copyJson(facts) };
    this.#sessions.add(entry);
    if (userId !== undefined) this.#index(userId, entry);
    this.#deadlines.add(entry, session);
    this.#planSweep();
  }

  #index(userId: string, entry: Entry<Data>): void {
    const found = this.#byUser.get(userId);
    if (!found) this.#byUser.set(userId, entry);
    else if (found instanceof Set) found.add(entry);
    else this.#byUser.set(userId, new Set([found, entry]));
  }

  #end(key: string, change: StoreChange): void {
    const entry = this.#sessions.get(key);
    // A listener that heard of one end may have brought about others.
    if (!entry) return;
    this.#sessions.remove(entry);
    this.#deadlines.remove(entry);
    if (entry.userId !== undefined) {
      const found = this.#byUser.get(entry.userId);
      if (found instanceof Set && found.size > 1) found.delete(entry);
      else this.#byUser.delete(entry.userId);
    }
    this.#tell(change);
  }

  #expire(key: string): void {
    const { expiresAt, endsAt } = this.#deadlines.instants(this.#sessions.get(key) as Entry<Data>);
    this.#end(key, { type: "expired", key, limit: expiresAt < endsAt ? "idle" : "absolute" });
  }

  #evictOne(): void {
    const entry = this.#earliest() as Entry<Data>;
    if (this.#deadlines.expiresAt(entry) <= this.clock.now()) this.#expire(entry.key);
    else this.#end(entry.key, { type: "evicted", key: entry.key });
  }

  /** The entry that expires first, its place in the heap made true. */
  #earliest(): Entry<Data> | undefined {
    for (;;) {
      const entry = this.#deadlines.next;
      if (!entry || this.#deadlines.expiresAt(entry) === this.#deadlines.nextAt) return entry;
      this.#deadlines.place(entry);
    }
  }

  /** Ends some of what has expired. There is more while the first deadline is past. */
  #sweep(): number {
    const now = this.clock.now();
    let swept = 0;
    for (let looked = 0; looked < SWEEP_AT_MOST && this.#deadlines.nextAt <= now; looked++) {
      const entry = this.#deadlines.next as Entry<Data>;
      if (this.#deadlines.expiresAt(entry) > now) this.#deadlines.place(entry);
      else {
        this.#expire(entry.key);
        swept++;
      }
    }
    return swept;
  }

  #planSweep(): void {
    const at = this.#deadlines.nextAt;
    if (at >= this.#nextSweepAt || at === Infinity) return;
    this.#cancelSweep?.();
    this.#nextSweepAt = at;
    // The clock must not keep a store alive that nobody uses any more.
    const reference = new WeakRef(this);
    const sweepOnTime = (): void => {
      const store = reference.deref();
      if (store) store.#sweepOnTime();
    };
    this.#cancelSweep = this.clock.schedule(Math.max(at - this.clock.now(), 0) + SWEEP_EVERY, sweepOnTime);
  }

  #sweepOnTime(): void {
    this.#sweep();
    this.#nextSweepAt = Infinity;
    if (this.#deadlines.nextAt <= this.clock.now()) setImmediate(() => this.#sweepOnTime());
    else this.#planSweep();
  }

  #toStored(entry: Entry<Data>): StoredSession<Data> {
    const { createdAt, lastSeenAt, expiresAt, endsAt } = this.#deadlines.instants(entry);
    const { data, revision, userId, facts } = entry;
    const stored: StoredSession<Data> = { data: copyJson(data), revision, createdAt, lastSeenAt, expiresAt, endsAt };
    if (userId !== undefined) stored.userId = userId;
    if (facts !== undefined) stored.facts = copyJson(facts);
    return stored;
  }

  #tell(change: StoreChange): void {
    tellSubscribers(this.#listeners, change);
  }
}
