// From a request to its session: which cookie counts, which ids are worth asking the store for, and what of a visit is
// written. The hot path of the library; it changes nothing but the idle deadline.
import type { Clock } from "./clock.ts";
import type { Emitter, RefusalReason, SessionEvents } from "./events.ts";
import type { GuardedStore } from "./guarded-store.ts";
import type { RequestLike } from "./http-messages.ts";
import type { Lifetimes } from "./lifetimes.ts";
import { isVerifier, type Renewals } from "./renewal.ts";
import { birthOf, ID_LENGTH } from "./session-id.ts";
import type { IdSigner } from "./signed-id.ts";
import type { StoredSession } from "./store.ts";
import type { Transport } from "./transport.ts";

// More cookies with our name than this are nobody's browser (SESS-03).
const MOST_CANDIDATES = 4;

interface ReaderParts<Data> {
  transport: Transport;
  store: GuardedStore<Data>;
  lifetimes: Lifetimes;
  clock: Clock;
  events: Emitter<SessionEvents>;
  signer: IdSigner | undefined;
  renewals: Renewals<Data>;
}

/** A session that was found, and the id that led to it. */
interface Visit<Data> {
  id: string;
  key: string;
  session: StoredSession<Data>;
}

/** Finds the sessions of requests and ids. */
export class SessionReader<Data> {
  readonly #transport: Transport;
  readonly #store: GuardedStore<Data>;
  readonly #lifetimes: Lifetimes;
  readonly #clock: Clock;
  readonly #events: Emitter<SessionEvents>;
  readonly #signer: IdSigner | undefined;
  readonly #renewals: Renewals<Data>;

  constructor(parts: ReaderParts<Data>) {
    this.#transport = parts.transport;
    this.#store = parts.store;
    this.#lifetimes = parts.lifetimes;
    this.#clock = parts.clock;
    this.#events = parts.events;
    this.#signer = parts.signer;
    this.#renewals = parts.renewals;
  }

  /** The key of an id that may be one; the store is not asked for any other. */
  keyOf(value: string | undefined, now: number = this.#clock.now()): string | undefined {
    const id = this.#signer && typeof value === "string" ? this.#signer.verify(value) : value;
    // A renewed id goes on behind the first 32 characters; most do not.
    const first = typeof id === "string" && id.length > ID_LENGTH && isVerifier(id.slice(ID_LENGTH)) ? id.slice(0, ID_LENGTH) : id;
    const birth = birthOf(first);
    if (birth < 0) {
      if (value !== undefined) this.#refuse(this.#signer && birthOf(value?.slice?.(0, ID_LENGTH)) >= 0 ? "bad-signature" : "malformed");
      return undefined;
    }
    const key = this.#store.keyOf(first as string, birth);
    if (!this.#lifetimes.isOverAge(birth, now)) return key;
    this.#refuse("over-age", key);
    return undefined;
  }

  /** An id that {@link keyOf} found good, without its signature. */
  bare(id: string): string {
    return this.#signer ? id.slice(0, id.lastIndexOf(".")) : id;
  }

  /** The session of an id, without taking note. Perhaps from the near cache: what must be certain asks `findNow`. */
  async find(id: string | undefined): Promise<StoredSession<Data> | undefined> {
    const key = this.keyOf(id);
    return key === undefined ? undefined : this.#admitted(key, id as string, this.#store.peek(key, this.#clock.now()) ?? (await this.#store.readNear(key)));
  }

  /**
   * The key of an id that may act on its session without being read first; where ids are renewed, a promise of it: the record has to be asked
   * which of them hold.
   */
  keyToChange(id: string | undefined): string | undefined | Promise<string | undefined> {
    const key = this.keyOf(id);
    if (key === undefined || this.isCertain(id as string)) return key;
    return this.findNow(id).then((session) => session && key);
  }

  /** Whether an id that was found good is enough to act on, without asking the record whether it has been superseded. */
  isCertain(id: string): boolean {
    return this.#renewals.isCertain(this.bare(id));
  }

  /** The session of an id, as the store has it now. */
  async findNow(id: string | undefined): Promise<StoredSession<Data> | undefined> {
    const key = this.keyOf(id);
    return key === undefined ? undefined : this.#admitted(key, id as string, await this.#store.read(key));
  }

  /** A record, if the id that led to it still holds. */
  async #admitted(key: string, id: string, session: StoredSession<Data> | undefined): Promise<StoredSession<Data> | undefined> {
    return session && (await this.#renewals.admits(key, this.bare(id), session)) ? session : undefined;
  }

  /** The data of the session that a request's cookie names. This is activity. */
  async dataOf(req: RequestLike): Promise<Data | undefined> {
    const found = this.visit(req);
    return (found instanceof Promise ? await found : found)?.session.data;
  }

  /** The same with the id and all that is stored. Without a promise where the store answers at once: each costs as much as the rest. */
  visit(req: RequestLike): Visit<Data> | undefined | Promise<Visit<Data> | undefined> {
    const named = this.#transport.read(req);
    return Array.isArray(named) ? this.#choose(named).then((id) => this.#visitAs(id)) : this.#visitAs(named);
  }

  #visitAs(id: string | undefined): Visit<Data> | undefined | Promise<Visit<Data> | undefined> {
    if (id === undefined) return undefined;
    const now = this.#clock.now();
    const key = this.keyOf(id, now);
    if (key === undefined) return undefined;
    const { readSync } = this.#store;
    const found = readSync ? readSync(key, now) : this.#store.peek(key, now);
    // What answers at once has not let time pass: asking for it again would cost as much as finding the session.
    if (found || readSync) return this.#visited(key, id, found, now);
    return this.#store.readNear(key).then((session) => this.#visited(key, id, session, this.#clock.now()));
  }

  /** Judges what was found, and notes the activity. */
  #visited(key: string, id: string, session: StoredSession<Data> | undefined, now: number): Visit<Data> | undefined | Promise<Visit<Data> | undefined> {
    if (session === undefined) {
      this.#refuse("unknown", key);
      return undefined;
    }
    const visit = { id, key, session };
    const isAdmitted = this.#renewals.admits(key, this.bare(id), session);
    const isSeen = isAdmitted === true ? this.#see(key, session, now) : isAdmitted.then((is) => is && this.#see(key, session, now));
    return isSeen === true ? visit : isSeen.then((is) => (is ? visit : undefined));
  }

  /** Of several candidates the one that is live. Their order never decides. */
  async #choose(values: readonly string[]): Promise<string | undefined> {
    const ids = [...new Set(values)].filter((value) => this.keyOf(value) !== undefined);
    if (ids.length <= 1) return ids[0];
    const isTooMany = ids.length > MOST_CANDIDATES;
    const found = isTooMany ? [] : await Promise.all(ids.map((id) => this.find(id)));
    const live = ids.filter((_, at) => found[at]);
    if (live.length === 1) return live[0];
    this.#refuse(isTooMany || live.length > 1 ? "duplicate" : "unknown");
    return undefined;
  }

  /** Notes the activity. `false`: the session ended before this could be noted. */
  #see(key: string, session: StoredSession<Data>, now: number): true | Promise<boolean> {
    const touch = this.#lifetimes.dueTouch(session, now);
    return touch ? this.#store.touch(key, touch) : true;
  }

  #refuse(reason: RefusalReason, key?: string): void {
    if (this.#events.has("refused")) this.#events.emit("refused", { reason, ...(key !== undefined && { handle: this.#store.handleOf(key) }) });
  }
}
