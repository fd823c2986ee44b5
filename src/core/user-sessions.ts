// A user's sessions, for people: the list of devices, sign out there, sign out everywhere. Handles name sessions here, and
// nobody gets from a handle to an id.
import type { Emitter, SessionEvents } from "./events.ts";
import type { GuardedStore } from "./guarded-store.ts";
import type { Deadlines } from "./lifetimes.ts";
import type { SessionFacts } from "./store.ts";

/** One of a user's live sessions. */
export interface ListedSession extends Deadlines {
  /** Names the session, for `revoke`. Safe to show: it is no id and signs nobody in. */
  handle: string;
  /** Whether it is the session that the list was asked for from. */
  isCurrent: boolean;
  device?: NonNullable<SessionFacts["device"]>;
}

// What a key looks like: 8 hex digits, a dot, 43 characters of base64url.
const HANDLE = /^[0-9a-f]{8}\.[\w-]{43}$/;

/** Whether it looks like a handle. The store is asked for nothing else. */
export function isHandle(value: unknown): value is string {
  return typeof value === "string" && HANDLE.test(value);
}

/** Lists and ends the sessions of users. */
export class UserSessions<Data> {
  readonly #store: GuardedStore<Data>;
  readonly #events: Emitter<SessionEvents>;

  constructor(store: GuardedStore<Data>, events: Emitter<SessionEvents>) {
    this.#store = store;
    this.#events = events;
  }

  /** Oldest first. `currentKey` is the key of the session that asks. */
  async list(userId: string, currentKey: string | undefined): Promise<ListedSession[]> {
    const found = await this.#store.listByUser(userId);
    return found.map(({ key, session }) => {
      const { createdAt, lastSeenAt, expiresAt, endsAt, facts } = session;
      return { handle: key, isCurrent: key === currentKey, createdAt, lastSeenAt, expiresAt, endsAt, ...(facts?.device && { device: facts.device }) };
    });
  }

  /** Another user's handle is as unknown as one that there is not (ASVS V7.5.2). */
  async revoke(handle: string, userId: string): Promise<boolean> {
    if (!isHandle(handle)) return false;
    const own = await this.#store.listByUser(userId);
    // It is the user's as long as it lives: a session never changes hands.
    if (!own.some(({ key }) => key === handle) || !(await this.#store.remove(handle))) return false;
    this.#events.emit("ended", { handle, reason: "revoked" });
    return true;
  }

  async revokeAll(userId: string, except: readonly string[]): Promise<number> {
    const count = await this.#store.removeByUser(userId, { except });
    this.#events.emit("revoked", { userId, count });
    return count;
  }
}
