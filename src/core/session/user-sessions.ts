// A user's sessions, for people: the list of devices, sign out there, sign out everywhere. Handles
// name sessions here, and nobody gets from a handle to an id.
import { kindOf } from "../checks.ts";
import { toDeadlines } from "../lifecycle/lifetimes.ts";
import type { ListedSession } from "../lifecycle/operations.ts";
import type { SessionParts } from "../lifecycle/session-context.ts";

// What a key looks like: 8 hex digits, a dot, 43 characters of base64url.
const HANDLE = /^[0-9a-f]{8}\.[\w-]{43}$/;

/** Whether it looks like a handle. The store is asked for nothing else. */
export function isHandle(value: unknown): value is string {
  return typeof value === "string" && HANDLE.test(value);
}

/** Lists and ends the sessions of users. */
export class UserSessions<Data extends object> {
  readonly #parts: Pick<SessionParts<Data>, "store" | "events" | "watcher">;

  constructor(parts: Pick<SessionParts<Data>, "store" | "events" | "watcher">) {
    this.#parts = parts;
  }

  /** Oldest first. `currentKey` is the key of the session that asks. */
  async list(userId: string, currentKey: string | undefined): Promise<ListedSession[]> {
    const found = await this.#parts.store.listByUser(toUser(userId));
    return found.map(({ key, session }) => {
      const device = session.facts?.device;
      return {
        handle: key,
        isCurrent: key === currentKey,
        ...toDeadlines(session),
        ...(device && { device }),
      };
    });
  }

  /** Another user's handle is as unknown as one that there is not (ASVS V7.5.2). */
  async revoke(handle: string, userId: string): Promise<boolean> {
    const { store, events, watcher } = this.#parts;
    const user = toUser(userId);
    if (!isHandle(handle)) return false;
    store.assertKnowsHandles("revoke");
    // One record, however many sessions the user has. A session's user is fixed at creation, so the
    // removal needs no second look.
    const isEnded = await store.whole("remove", async (deadline) => {
      const session = await store.read(handle);
      deadline.assertTime();
      return session?.userId === user && (await store.remove(handle));
    });
    if (!isEnded) return false;
    watcher.ended(handle);
    events.emit("ended", { handle, reason: "revoked" });
    return true;
  }

  async revokeAll(userId: string, except: readonly string[]): Promise<number> {
    const { store, events, watcher } = this.#parts;
    const count = await store.removeByUser(toUser(userId), { except });
    watcher.lookAgain();
    events.emit("revoked", { userId, count });
    return count;
  }
}

/** A number is its text, as in the data. @throws TypeError for what names nobody. */
function toUser(userId: unknown): string {
  if (typeof userId === "number" || typeof userId === "string") return String(userId);
  throw new TypeError(`Cannot find sessions by user: it is ${kindOf(userId)}, a text is wanted`);
}
