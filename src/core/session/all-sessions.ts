// Everybody's sessions, for operators: `harpiats/admin`, the command. Handles name them; there is
// no way from a handle to an id. Nothing here goes through all sessions: what the store cannot
// answer cheaply it is not asked.
import { assertOptions, type Shape, whole } from "../checks.ts";
import { pickFields } from "../data/changes.ts";
import type { Emitter, SessionEvents } from "../events/events.ts";
import type { Deadlines } from "../lifecycle/lifetimes.ts";
import type { KeyedSession, SessionFacts } from "../store.ts";
import type { GuardedStore } from "../store/guarded-store.ts";
import { isHandle } from "./user-sessions.ts";

const SCAN_OPTIONS = { limit: whole(1) } satisfies Shape;

/** One live session, whoever's it is. */
export interface FoundSession<Data> extends Deadlines {
  /** Names the session, for `revoke`. It is no id and signs nobody in. */
  handle: string;
  userId?: string;
  device?: NonNullable<SessionFacts["device"]>;
  /** What the application keeps in it: not for everybody's eyes. */
  data: Data;
}

/**
 * Finds and ends sessions, whoever's they are. Each rejects with `ERR_STORE_UNSUPPORTED` on a
 * three-method store.
 */
export class AllSessions<Data> {
  readonly #store: GuardedStore<Data>;
  readonly #events: Emitter<SessionEvents>;
  readonly #onEnded: (key: string) => void;

  constructor(
    store: GuardedStore<Data>,
    events: Emitter<SessionEvents>,
    onEnded: (key: string) => void,
  ) {
    this.#store = store;
    this.#events = events;
    this.#onEnded = onEnded;
  }

  /**
   * Pages through the live sessions in no promised order, about `limit` (default 100) at a time. A
   * page may be empty and not the last: there are more as long as there is a `cursor`.
   */
  async scan(
    cursor?: string,
    options: { limit?: number } = {},
  ): Promise<{ sessions: FoundSession<Data>[]; cursor?: string }> {
    assertOptions("scan", options, SCAN_OPTIONS);
    const page = await this.#store.scan(cursor, options);
    return { ...page, sessions: page.sessions.map(toFound) };
  }

  /** The session with this handle, `undefined` where none lives. Looking is no activity. */
  async find(handle: string): Promise<FoundSession<Data> | undefined> {
    if (!isHandle(handle)) return undefined;
    this.#store.assertKnowsHandles("find");
    const session = await this.#store.read(handle);
    return session && toFound({ key: handle, session });
  }

  /** A user's live sessions, oldest first. */
  async ofUser(userId: string): Promise<FoundSession<Data>[]> {
    return (await this.#store.listByUser(userId)).map(toFound);
  }

  /** Ends a session, for the reason `revoked`. @returns whether it was live. */
  async revoke(handle: string): Promise<boolean> {
    if (!isHandle(handle)) return false;
    this.#store.assertKnowsHandles("remove");
    if (!(await this.#store.remove(handle))) return false;
    this.#onEnded(handle);
    this.#events.emit("ended", { handle, reason: "revoked" });
    return true;
  }

  /**
   * About how many sessions there are; `undefined` where the store cannot say without going through
   * them.
   */
  count(): Promise<number | undefined> {
    return this.#store.count();
  }
}

function toFound<Data>({ key, session }: KeyedSession<Data>): FoundSession<Data> {
  const { data, createdAt, lastSeenAt, expiresAt, endsAt, userId, facts } = session;
  return {
    handle: key,
    createdAt,
    lastSeenAt,
    expiresAt,
    endsAt,
    ...(userId !== undefined && { userId }),
    ...(facts?.device && { device: facts.device }),
    data: pickFields(data as Data & object, "visible"),
  };
}
