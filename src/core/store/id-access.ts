// Harpia's three methods, which take ids, on top of the contract's methods, which take keys.
// Written once for every store of ours. `Session` does not call them.
import { DEFAULT_ABSOLUTE } from "../checks.ts";
import { type Clock, systemClock } from "../clock.ts";
import { toJsonObject } from "../data/json.ts";
import { birthOf, toStoreKey } from "../ids/session-id.ts";
import type {
  CreateResult,
  NewSession,
  PatchOutcome,
  SessionPatch,
  SessionStore,
  StoredSession,
  UserCap,
} from "../store.ts";
import { retryOnConflict } from "./retry-on-conflict.ts";

/**
 * A store that answers `get`, `set` and `delete` by id: `store.get(await session.create(data))`
 * gives the data.
 */
export abstract class IdAccess<Data> implements Pick<SessionStore<Data>, "get" | "set" | "delete"> {
  protected readonly clock: Clock;

  constructor(clock: Clock = systemClock) {
    this.clock = clock;
  }

  abstract create(key: string, session: NewSession<Data>, cap?: UserCap): Promise<CreateResult>;
  abstract read(keys: readonly string[]): Promise<(StoredSession<Data> | undefined)[]>;
  abstract patch(key: string, patch: SessionPatch<Data>): Promise<PatchOutcome>;
  abstract remove(key: string): Promise<boolean>;

  /** The data of a live session, by id. */
  // NoInfer, or in `new Session({ store: new MemoryStore() })` TypeScript would take the store's
  // data for `undefined`.
  async get(id: string): Promise<NoInfer<Data> | undefined> {
    const [session] = await this.read([toStoreKey(id)]);
    return session?.data;
  }

  /**
   * Puts data under an id, whatever was there: a live session keeps its deadlines and its user, and
   * a new one lives 30 days. Any text can be an id here. For direct use: it makes what is missing,
   * as `Session` never does.
   *
   * @throws StoreError `ERR_STORE_CONFLICT` where the id is taken by what is no session, or 1,000
   * other changes came first.
   */
  async set(id: string, data: Data): Promise<void> {
    const key = toStoreKey(id);
    const fields = toJsonObject(data);
    const attempt = async (): Promise<true | "conflict"> => {
      const [session] = await this.read([key]);
      if (!session)
        return (
          (await this.create(key, this.#begin(id, fields))).outcome === "created" || "conflict"
        );
      const unset = Object.keys(session.data as object).filter(
        (field) => !Object.hasOwn(fields as object, field),
      );
      // One that ended since is made anew by the next attempt.
      return (
        (await this.patch(key, { set: fields, unset, ifRevision: session.revision })) === "done" ||
        "conflict"
      );
    };
    await retryOnConflict(attempt, {
      what: "set this id, which may be taken by what is no session",
      store: this.constructor.name,
      operation: "set",
    });
  }

  /** Ends a session, by id. */
  async delete(id: string): Promise<void> {
    await this.remove(toStoreKey(id));
  }

  #begin(id: string, data: Data): NewSession<Data> {
    const now = this.clock.now();
    const birth = birthOf(id);
    const createdAt = birth < 0 ? now : Math.min(now, birth * 1000);
    const endsAt = createdAt + DEFAULT_ABSOLUTE * 1000;
    return { data, createdAt, lastSeenAt: now, expiresAt: endsAt, endsAt };
  }
}
