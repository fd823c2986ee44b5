// Makes a SessionStore of any three-method Store, as far as one process can. Its keys are ids,
// since that is what such a store takes, and it keeps the plain data alone: instants come from the
// id's birth.
import { assertOptions, clock, DEFAULT_ABSOLUTE, life, type Shape } from "../checks.ts";
import { type Clock, systemClock } from "../clock.ts";
import { copyJson, toJsonObject } from "../data/json.ts";
import { StoreError } from "../errors.ts";
import { birthOf } from "../ids/session-id.ts";
import type {
  CreateResult,
  KeyedSession,
  NewSession,
  PatchOutcome,
  SessionFacts,
  SessionPatch,
  SessionStore,
  Store,
  StoredSession,
  UserCap,
} from "../store.ts";
import { queueOfRequests } from "./keyed-queue.ts";

/** How a store of three methods is made a `SessionStore`. */
export interface PlainStoreOptions {
  /** Seconds from an id's birth to its end. Default 30 days. */
  absoluteTimeout?: number | undefined;
  /** Default: the machine's. */
  clock?: Clock | undefined;
}

const OPTIONS = { absoluteTimeout: life, clock } satisfies Shape;
// What is remembered of ids that were changed or ended here, at most.
const REMEMBERED = 10_000;

/** Whether a store has the whole contract. */
export function isSessionStore<Data>(store: Store<Data>): store is SessionStore<Data> {
  const methods = ["create", "read", "extend", "patch", "move", "remove"] as const;
  return methods.every(
    (method) => typeof (store as Partial<SessionStore<Data>>)[method] === "function",
  );
}

/**
 * Makes a {@link SessionStore} of a three-method {@link Store}. Its keys are ids.
 *
 * Changes of one id wait for one another, but on Workers, and an id that ended here stays ended.
 * What it cannot give: other processes, and on Workers other requests, may undo a change or bring
 * an ended session back, since between `get` and `set` anything can happen; a database that leaks
 * holds usable ids; there is no idle limit, no user index, no list and no pruning: those methods
 * reject with `ERR_STORE_UNSUPPORTED`.
 *
 * @throws TypeError for an object without `get`, `set` and `delete`.
 */
export function toSessionStore<Data>(
  store: Store<Data>,
  options: PlainStoreOptions = {},
): SessionStore<Data> {
  return new PlainStore(store, options);
}

/** See {@link toSessionStore}. */
export class PlainStore<Data> implements SessionStore<Data> {
  readonly #store: Store<Data>;
  readonly #lifetime: number;
  readonly #clock: Clock;
  readonly #changes = queueOfRequests();
  // Revisions of this process's own changes. Of an id that was forgotten, `#forgotten` is as old as
  // any.
  readonly #revisions = new Map<string, number>();
  #lastRevision = 1;
  #forgotten = 1;
  // Ids that ended here: a store that answers late or from a copy must not bring them back.
  readonly #ended = new Set<string>();

  constructor(store: Store<Data>, options: PlainStoreOptions = {}) {
    for (const method of ["get", "set", "delete"] as const) {
      if (typeof Object(store)[method] !== "function")
        throw new TypeError(
          `Cannot use this store: it has no ${method}(), an object with get, set and delete is wanted`,
        );
    }
    this.#store = store;
    assertOptions("toSessionStore", options, OPTIONS);
    this.#lifetime = (options.absoluteTimeout ?? DEFAULT_ABSOLUTE) * 1000;
    this.#clock = options.clock ?? systemClock;
  }

  /** The name of the store that does the work. */
  get name(): string {
    return nameOf(this.#store);
  }

  get(id: string): Promise<Data | undefined> {
    return this.#store.get(id);
  }

  async set(id: string, data: Data): Promise<void> {
    return this.#store.set(id, toJsonObject(data));
  }

  delete(id: string): Promise<void> {
    return this.#store.delete(id);
  }

  create(key: string, session: NewSession<Data>, cap?: UserCap): Promise<CreateResult> {
    if (cap) return this.#unsupported("create", "a cap on the sessions of a user");
    return this.#changes.run(key, async () => {
      if (await this.#readOne(key)) return { outcome: "taken", evicted: [] };
      await this.#store.set(key, toJsonObject(session.data));
      this.#ended.delete(key);
      return { outcome: "created", evicted: [] };
    });
  }

  read(keys: readonly string[]): Promise<(StoredSession<Data> | undefined)[]> {
    return Promise.all(keys.map((key) => this.#readOne(key)));
  }

  extend(): Promise<boolean> {
    return this.#unsupported("extend", "an idle limit");
  }

  patch(key: string, patch: SessionPatch<Data>): Promise<PatchOutcome> {
    if (patch.facts) return this.#unsupported("patch", "anything but data");
    return this.#changes.run(key, async () => {
      const session = await this.#readOne(key);
      if (!session) return "missing";
      if (patch.ifRevision !== undefined && patch.ifRevision !== session.revision)
        return "conflict";
      const data = { ...session.data, ...(patch.set && toJsonObject(patch.set)) };
      for (const field of patch.unset ?? []) delete data[field as keyof Data];
      await this.#store.set(key, data);
      this.#remember(key);
      return "done";
    });
  }

  move(key: string, nextKey: string, facts?: SessionFacts): Promise<boolean> {
    if (facts) return this.#unsupported("move", "anything but data");
    if (key === nextKey) return Promise.resolve(false);
    // Always in the same order, or two moves could wait for each other.
    const [first, second] = key < nextKey ? [key, nextKey] : [nextKey, key];
    return this.#changes.run(first, () =>
      this.#changes.run(second, async () => {
        const session = await this.#readOne(key);
        if (!session || (await this.#readOne(nextKey))) return false;
        // The new id first: a crash between the two leaves the session, and never nobody's.
        await this.#store.set(nextKey, session.data);
        this.#ended.delete(nextKey);
        await this.#end(key);
        return true;
      }),
    );
  }

  remove(key: string): Promise<boolean> {
    return this.#changes.run(key, async () => {
      const session = await this.#readOne(key);
      await this.#end(key);
      return session !== undefined;
    });
  }

  listByUser(): Promise<KeyedSession<Data>[]> {
    return this.#unsupported("listByUser", "a user's sessions");
  }

  removeByUser(): Promise<number> {
    return this.#unsupported("removeByUser", "a user's sessions");
  }

  removeAll(): Promise<void> {
    return this.#unsupported("removeAll", "a list of sessions");
  }

  scan(): Promise<{ sessions: KeyedSession<Data>[] }> {
    return this.#unsupported("scan", "a list of sessions");
  }

  prune(): Promise<number> {
    return this.#unsupported("prune", "what has expired");
  }

  async #readOne(id: string): Promise<StoredSession<Data> | undefined> {
    const createdAt = birthOf(id) * 1000;
    const endsAt = createdAt + this.#lifetime;
    if (createdAt < 0 || endsAt <= this.#clock.now() || this.#ended.has(id)) return undefined;
    const revision = this.#revisions.get(id) ?? this.#forgotten;
    const data = await this.#store.get(id);
    // A store may say null for nothing; it may also have been asked before the session ended.
    if (typeof data !== "object" || data === null || this.#ended.has(id)) return undefined;
    return {
      data: copyJson(data),
      revision,
      createdAt,
      lastSeenAt: createdAt,
      expiresAt: endsAt,
      endsAt,
    };
  }

  async #end(id: string): Promise<void> {
    await this.#store.delete(id);
    this.#revisions.delete(id);
    this.#ended.add(id);
    if (this.#ended.size > REMEMBERED)
      this.#ended.delete(this.#ended.keys().next().value as string);
  }

  #remember(id: string): void {
    this.#revisions.delete(id);
    this.#revisions.set(id, ++this.#lastRevision);
    if (this.#revisions.size <= REMEMBERED) return;
    const [oldest, revision] = this.#revisions.entries().next().value as [string, number];
    this.#revisions.delete(oldest);
    this.#forgotten = revision;
  }

  async #unsupported(operation: string, what: string): Promise<never> {
    throw new StoreError(
      "ERR_STORE_UNSUPPORTED",
      `Cannot keep ${what}: ${this.name} has only get, set and delete, a SessionStore is wanted`,
      {
        store: this.name,
        operation,
      },
    );
  }
}

/**
 * The class of a store. An object literal has none, and a module or an object without a prototype
 * no constructor either.
 */
export function nameOf(store: object): string {
  const name = (store as Partial<object>).constructor?.name;
  return name === undefined || name === "Object" ? "Store" : name;
}
