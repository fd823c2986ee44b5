// MemoryStore: sessions in this process. Expires by itself, is bounded, and keeps every promise of
// the contract, since each method does its work in one synchronous step.
import { setImmediate } from "node:timers";
import { assertOptions, clock, type Shape, whole } from "../checks.ts";
import type { Clock } from "../clock.ts";
import { copyJson, toJsonObject } from "../data/json.ts";
import { tellSubscribers } from "../events/events.ts";
import type {
  CreateResult,
  KeyedSession,
  NewSession,
  PatchOutcome,
  SessionFacts,
  SessionPatch,
  SessionStore,
  StoreChange,
  StoredSession,
  UserCap,
} from "../store.ts";
import { IdAccess } from "../store/id-access.ts";
import { DeadlineHeap } from "./deadline-heap.ts";
import { PackedRecords } from "./packed-records.ts";
import { NONE } from "./record-arena.ts";

/** How large a `MemoryStore` may become, and whose time it goes by. */
export interface MemoryStoreOptions {
  /**
   * Sessions kept at most, default 1,000,000. One more evicts the one that expires first, and
   * `ended` tells.
   */
  maxSessions?: number | undefined;
  /** Default: the machine's. */
  clock?: Clock | undefined;
}

const OPTIONS = { maxSessions: whole(1), clock } satisfies Shape;
const DEFAULT_MAX_SESSIONS = 1_000_000;
// Sessions that expire in the same second are swept together.
const SWEEP_EVERY = 1000;
// About a millisecond of work, then others get a turn.
const SWEEP_AT_MOST = 500;
// Milliseconds, should listeners take their time. Looking at the clock costs as well.
const SWEEP_FOR = 2;
const LOOKS_AT_THE_CLOCK = 16;
const SCAN_LIMIT = 100;

/**
 * Keeps sessions in this process: for one process, tests and development. They are gone when it
 * ends.
 *
 * Data is kept as JSON would write it, as in every other store, and copied in and out.
 *
 * @throws TypeError or RangeError for options that make no sense.
 */
// Harpia's default: data of unknown shape. As the constraint too, or
// `new Session({ store: new MemoryStore(…) })` infers nothing.
// oxlint-disable-next-line typescript/no-explicit-any
export class MemoryStore<Data extends Record<string, any> = Record<string, any>>
  extends IdAccess<Data>
  implements SessionStore<Data>
{
  readonly #maxSessions: number;
  #records = new PackedRecords<Data>();
  #deadlines = new DeadlineHeap();
  readonly #listeners = new Set<(change: StoreChange) => void>();
  readonly #untold = new Set<StoreChange>();
  #nextSweepAt = Infinity;
  #cancelSweep: (() => void) | undefined;

  constructor(options: MemoryStoreOptions = {}) {
    assertOptions("MemoryStore", options, OPTIONS);
    super(options.clock);
    const { maxSessions = DEFAULT_MAX_SESSIONS } = options;
    this.#maxSessions = maxSessions;
  }

  /** How many sessions are kept, those that have expired and are not swept yet included. */
  get size(): number {
    return this.#records.count;
  }

  async create(key: string, session: NewSession<Data>, cap?: UserCap): Promise<CreateResult> {
    if (this.#live(key) !== NONE) return { outcome: "taken", evicted: [] };
    const rivals = cap && session.userId !== undefined ? this.#liveOf(session.userId) : [];
    const excess = cap ? Math.max(rivals.length + 1 - cap.limit, 0) : 0;
    if (excess > 0 && cap?.onLimit === "deny") return { outcome: "denied", evicted: [] };
    const victims = rivals.slice(0, excess);
    const evicted = victims.map((slot) => this.#records.keyOf(slot));
    for (const slot of victims) this.#end(slot, "removed");
    this.#insert(key, session);
    this.#tell();
    return { outcome: "created", evicted };
  }

  readSync(key: string, now: number = this.clock.now()): StoredSession<Data> | undefined {
    const session = this.#records.read(key, now);
    if (session === undefined) this.#live(key);
    return session;
  }

  async read(keys: readonly string[]): Promise<(StoredSession<Data> | undefined)[]> {
    return keys.map((key) => this.readSync(key));
  }

  async extend(key: string, to: { lastSeenAt: number; expiresAt: number }): Promise<boolean> {
    const slot = this.#live(key);
    if (slot === NONE) return false;
    this.#records.extend(slot, to);
    return true;
  }

  async patch(key: string, patch: SessionPatch<Data>): Promise<PatchOutcome> {
    const slot = this.#live(key);
    if (slot === NONE) return "missing";
    if (patch.ifRevision !== undefined && patch.ifRevision !== this.#records.revisionOf(slot))
      return "conflict";
    const data = { ...this.#records.dataOf(slot), ...(patch.set && toJsonObject(patch.set)) };
    for (const field of patch.unset ?? []) delete data[field as keyof Data];
    this.#records.change(slot, key, data, patch.facts && copyJson(patch.facts));
    this.#tell({ type: "changed", key });
    return "done";
  }

  async move(key: string, nextKey: string, facts?: SessionFacts): Promise<boolean> {
    const slot = this.#live(key);
    if (slot === NONE || this.#live(nextKey) !== NONE) return false;
    // An expired record under the next key has not been swept yet.
    this.#expire(nextKey);
    this.#records.move(slot, nextKey, facts);
    this.#tell({ type: "moved", key, nextKey });
    return true;
  }

  async remove(key: string): Promise<boolean> {
    const slot = this.#live(key);
    if (slot === NONE) return false;
    this.#end(slot, "removed");
    this.#tell();
    return true;
  }

  async listByUser(userId: string): Promise<KeyedSession<Data>[]> {
    return this.#liveOf(userId).map((slot) => this.#toKeyed(slot));
  }

  async removeByUser(
    userId: string,
    options: { except?: readonly string[] } = {},
  ): Promise<number> {
    const slots = this.#liveOf(userId).filter(
      (slot) => !options.except?.includes(this.#records.keyOf(slot)),
    );
    for (const slot of slots) this.#end(slot, "removed");
    this.#tell();
    return slots.length;
  }

  async removeAll(): Promise<void> {
    this.#records = new PackedRecords();
    this.#deadlines = new DeadlineHeap();
    this.#tell({ type: "cleared" });
  }

  async scan(
    cursor?: string,
    options: { limit?: number } = {},
  ): Promise<{ sessions: KeyedSession<Data>[]; cursor?: string }> {
    const { limit = SCAN_LIMIT } = options;
    const now = this.clock.now();
    const sessions: KeyedSession<Data>[] = [];
    // A session keeps its slot as long as it lives, whatever key it has.
    for (let slot = Number(cursor ?? NONE) + 1; slot < this.#records.end; slot++) {
      if (this.#records.has(slot) && this.#records.expiresAt(slot) <= now) this.#endExpired([slot]);
      if (!this.#records.has(slot)) continue;
      sessions.push(this.#toKeyed(slot));
      if (sessions.length >= limit) return { sessions, cursor: String(slot) };
    }
    return { sessions };
  }

  async count(): Promise<number> {
    return this.#records.count;
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

  /**
   * The slot of a live session, or none. One that is seen to have expired ends: it would live again
   * if the clock were set back.
   */
  #live(key: string): number {
    const slot = this.#records.find(key);
    if (slot === NONE || this.#records.expiresAt(slot) > this.clock.now()) return slot;
    this.#endExpired([slot]);
    return NONE;
  }

  #endExpired(slots: readonly number[]): void {
    for (const slot of slots) this.#end(slot, "expired");
    // Not in the middle of a method.
    if (this.#untold.size > 0) queueMicrotask(() => this.#tell());
  }

  /** Oldest first. */
  #liveOf(userId: string): number[] {
    const now = this.clock.now();
    const records = this.#records;
    const slots = records.ofUser(userId);
    this.#endExpired(slots.filter((slot) => records.expiresAt(slot) <= now));
    return slots
      .filter((slot) => records.has(slot))
      .sort((a, b) => records.createdAt(a) - records.createdAt(b));
  }

  #insert(key: string, session: NewSession<Data>): void {
    // An expired record under this key has not been swept yet.
    this.#expire(key);
    while (this.#records.count >= this.#maxSessions) this.#evictOne();
    const slot = this.#records.add(key, session);
    this.#deadlines.add(slot, session.expiresAt);
    this.#planSweep();
  }

  #expire(key: string): void {
    const slot = this.#records.find(key);
    if (slot !== NONE) this.#end(slot, "expired");
  }

  /** Ends the session that expires first, once its place in the heap is true. */
  #evictOne(): void {
    for (;;) {
      const slot = this.#deadlines.next;
      const expiresAt = this.#records.expiresAt(slot);
      if (expiresAt === this.#deadlines.nextAt)
        return this.#end(slot, expiresAt <= this.clock.now() ? "expired" : "evicted");
      this.#deadlines.place(slot, expiresAt);
    }
  }

  #end(slot: number, type: "removed" | "expired" | "evicted"): void {
    const records = this.#records;
    // Most stores have no listener, and need no names.
    if (this.#listeners.size > 0) {
      const key = records.keyOf(slot);
      this.#untold.add(
        type === "expired"
          ? {
              type,
              key,
              limit: records.expiresAt(slot) < records.endsAt(slot) ? "idle" : "absolute",
            }
          : { type, key },
      );
    }
    this.#deadlines.remove(slot);
    records.remove(slot);
  }

  /** Ends some of what has expired. There is more while the first deadline is past. */
  #sweep(): number {
    const now = this.clock.now();
    const endsAt = performance.now() + SWEEP_FOR;
    let swept = 0;
    for (let looked = 0; looked < SWEEP_AT_MOST && this.#deadlines.nextAt <= now; looked++) {
      const slot = this.#deadlines.next;
      const expiresAt = this.#records.expiresAt(slot);
      if (expiresAt > now) this.#deadlines.place(slot, expiresAt);
      else {
        this.#end(slot, "expired");
        this.#tell();
        swept++;
      }
      if (looked % LOOKS_AT_THE_CLOCK === 0 && performance.now() > endsAt) break;
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
    this.#cancelSweep = this.clock.schedule(
      Math.max(at - this.clock.now(), 0) + SWEEP_EVERY,
      sweepOnTime,
    );
  }

  #sweepOnTime(): void {
    this.#sweep();
    this.#nextSweepAt = Infinity;
    if (this.#deadlines.nextAt <= this.clock.now()) setImmediate(() => this.#sweepOnTime());
    else this.#planSweep();
  }

  #toKeyed(slot: number): KeyedSession<Data> {
    return { key: this.#records.keyOf(slot), session: this.#records.sessionOf(slot) };
  }

  /** Only when a method has done all that it does: who hears of it may call any method, at once. */
  #tell(last?: StoreChange): void {
    if (last) this.#untold.add(last);
    for (const change of this.#untold) {
      this.#untold.delete(change);
      tellSubscribers(this.#listeners, change);
    }
  }
}
