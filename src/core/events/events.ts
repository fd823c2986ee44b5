// What happened to sessions, told to whoever listens, here or on node:diagnostics_channel. A handle
// is a key, never an id. A listener that throws, rejects or hangs changes nothing (CVE-2021-34428).
import { type Channel, channel } from "node:diagnostics_channel";
import type { StoreChange } from "../store.ts";
import { isHeard } from "./is-heard.ts";

/** Why a session ended. */
export type EndReason = "logout" | "revoked" | "evicted" | "idle" | "absolute" | "superseded-reuse";

/**
 * Why a cookie led to no session. `duplicate`: more than one live session came, or more than four
 * candidates.
 */
export type RefusalReason =
  | "malformed"
  | "bad-signature"
  | "over-age"
  | "unknown"
  | "duplicate"
  | "superseded";

/** Every event and what it carries. */
export interface SessionEvents {
  created: { handle: string; userId?: string };
  updated: { handle: string };
  /** The session has a new id since its `renewEvery` was over. */
  renewed: { handle: string };
  rotated: { handle: string; formerHandle: string };
  ended: { handle: string; reason: EndReason };
  /**
   * All sessions of a user ended at once, but for the excepted; of everybody where there is no
   * `userId`.
   */
  revoked: { userId?: string; count?: number };
  /** No handle for what was not even an id. */
  refused: { reason: RefusalReason; handle?: string };
  /**
   * The store holds something under this handle that is no session of this version. It was left
   * alone.
   */
  unreadable: { handle: string };
  /** Something failed that no request waits for. */
  error: { error: Error };
}

// A store tells its own process as well of whom a login evicted: told once, it is not told again.
const REMEMBERED = 1000;

type Listener<Event> = (event: Event) => unknown;

interface Outlet {
  readonly listeners: Set<Listener<never>>;
  readonly channel: Channel;
}

/**
 * Calls listeners by the name of the event, and publishes it on the channel
 * `harpiats:session:<name>` with the `cookieName`.
 */
export class Emitter<Events> {
  readonly #outlets = new Map<keyof Events, Outlet>();
  readonly #cookieName: string;
  readonly #evicted = new Set<unknown>();
  #onFirst: ((events: Emitter<Events>) => void) | undefined;

  /**
   * @param onFirst called once, when somebody is first found to listen: what costs something can
   * wait for it.
   */
  constructor(cookieName: string, onFirst?: (events: Emitter<Events>) => void) {
    this.#cookieName = cookieName;
    this.#onFirst = onFirst;
  }

  /** @returns a function that ends it. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    if (typeof listener !== "function")
      throw new TypeError(`Cannot listen to ${String(name)}: the listener is not a function`);
    const { listeners } = this.#outletOf(name);
    listeners.add(listener);
    this.has(name);
    return () => void listeners.delete(listener);
  }

  /** Whether making the event is worth the work. */
  has(name: keyof Events): boolean {
    const { listeners, channel } = this.#outletOf(name);
    if (listeners.size === 0 && !isHeard(channel)) return false;
    const onFirst = this.#onFirst;
    this.#onFirst = undefined;
    onFirst?.(this);
    return true;
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    // Of these fields an event has both or none.
    if (!this.has(name) || this.#isKnown(event as Partial<SessionEvents["ended"]>)) return;
    const { listeners, channel } = this.#outletOf(name);
    const publish = (): void => channel.publish({ ...event, cookieName: this.#cookieName });
    for (const listener of [...listeners, publish]) {
      try {
        const result: unknown = (listener as Listener<Events[Name]>)(event);
        // Also another realm's promise, or another library's: what it rejects with would end the
        // process.
        if (result) Promise.resolve(result).catch(ignore);
      } catch {
        // A listener's mistake is not the session's: what happened has happened.
      }
    }
  }

  #isKnown({ handle, reason }: Partial<SessionEvents["ended"]>): boolean {
    if (reason !== "evicted") return false;
    if (this.#evicted.has(handle)) return true;
    if (this.#evicted.size === REMEMBERED) this.#evicted.clear();
    this.#evicted.add(handle);
    return false;
  }

  #outletOf(name: keyof Events): Outlet {
    const known = this.#outlets.get(name);
    if (known) return known;
    const outlet = {
      listeners: new Set<Listener<never>>(),
      channel: channel(`harpiats:session:${String(name)}`),
    };
    this.#outlets.set(name, outlet);
    return outlet;
  }
}

/** Tells a store's subscribers of a change, each whatever the others do with it. */
export function tellSubscribers(
  subscribers: Iterable<(change: StoreChange) => void>,
  change: StoreChange,
): void {
  for (const subscriber of subscribers) {
    try {
      subscriber(change);
    } catch {
      // A subscriber's mistake must not keep a session alive: what happened has happened.
    }
  }
}

/** What a store did by itself, as events. What it was told to do, whoever told it says. */
export function tellStoreChange(events: Emitter<SessionEvents>, change: StoreChange): void {
  if (change.type === "evicted") events.emit("ended", { handle: change.key, reason: "evicted" });
  if (change.type === "expired") events.emit("ended", { handle: change.key, reason: change.limit });
  if (change.type === "unreadable") events.emit("unreadable", { handle: change.key });
}

function ignore(): void {}
