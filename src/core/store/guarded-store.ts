// Stands between core and a store: gathers reads, bounds every call in time, and makes of every
// failure a StoreError. It decides nothing.
import type { Clock } from "../clock.ts";
import { StoreError } from "../errors.ts";
import { toStoreKey } from "../ids/session-id.ts";
import { isRequestBound } from "../request-bound.ts";
import type {
  CreateResult,
  KeyedPatch,
  KeyedSession,
  KeyedTouch,
  NewSession,
  PatchOutcome,
  SessionFacts,
  SessionPatch,
  SessionStore,
  StoreChange,
  StoredSession,
  UserCap,
} from "../store.ts";
import { GatheredCalls } from "./gathered-calls.ts";
import { GatheredTouches } from "./gathered-touches.ts";
import { NearCache, type NearCacheOptions } from "./near-cache.ts";
import { StoreTrace } from "./store-trace.ts";
import { nameOf, PlainStore } from "./three-method-store.ts";

// Milliseconds. A store that could not be listened to is asked again this late.
const RETRY_AFTER = 5000;

export interface GuardOptions {
  clock: Clock;
  /** Milliseconds; `Infinity` for none. */
  timeout: number;
  nearCache?: NearCacheOptions | undefined;
  /** Told of what fails while nobody waits. */
  onError?: ((error: Error) => void) | undefined;
}

/** How long an operation of several steps may still take. */
export interface Deadline {
  /** To be called before a further step. @throws StoreError `ERR_STORE_TIMEOUT` when it is over. */
  assertTime(): void;
}

const NEVER: Deadline = { assertTime() {} };

/** A store whose every rejection is a `StoreError`, within the timeout. */
export class GuardedStore<Data> {
  readonly #store: SessionStore<Data>;
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #reads: GatheredCalls<string, StoredSession<Data> | undefined> | undefined;
  readonly #extends: GatheredCalls<KeyedTouch, boolean> | undefined;
  readonly #patches: GatheredCalls<KeyedPatch<Data>, PatchOutcome> | undefined;
  /**
   * The store's own `readSync`, for the hot path. It throws the same `StoreError`: a store in this
   * process may still read a disk.
   */
  readonly readSync: ((key: string, now?: number) => StoredSession<Data> | undefined) | undefined;
  readonly name: string;
  readonly #isKeyedById: boolean;
  readonly #trace = new StoreTrace();
  readonly #near: NearCache<Data> | undefined;
  readonly #touches: GatheredTouches | undefined;
  #isClosed = false;
  readonly #subscriptions = new Set<Promise<(() => Promise<void>) | undefined>>();

  constructor(store: SessionStore<Data>, options: GuardOptions) {
    this.#store = store;
    this.#clock = options.clock;
    const isPlain = store instanceof PlainStore;
    this.name = isPlain ? store.name : nameOf(store);
    this.#isKeyedById = isPlain;
    const readSync = store.readSync?.bind(store);
    const readNow = (key: string, now?: number): StoredSession<Data> | undefined => {
      try {
        return readSync?.(key, now);
      } catch (cause) {
        throw this.#failure("read", cause);
      }
    };
    const trace = this.#trace;
    this.readSync =
      readSync &&
      ((key, now) =>
        trace.isHeard
          ? trace.runSync({ operation: "read", store: this.name, keys: 1 }, () => readNow(key, now))
          : readNow(key, now));
    // What answers at once needs no timer: it could not fire.
    this.#timeout = this.readSync ? Infinity : options.timeout;
    this.#near = this.#nearCacheOf(options);
    if (isRequestBound()) return;
    if (!this.readSync)
      this.#touches = new GatheredTouches(
        (key, to) => this.extend(key, to),
        options.onError ?? (() => {}),
      );
    // A three-method store is asked id by id anyway.
    if (!isPlain) this.#reads = this.#gathered("read", (keys) => store.read(keys));
    if (store.extendAll)
      this.#extends = this.#gathered(
        "extend",
        (touches) => (store as Required<SessionStore<Data>>).extendAll(touches),
        ({ key }) => key,
      );
    if (store.patchAll)
      this.#patches = this.#gathered(
        "patch",
        (patches) => (store as Required<SessionStore<Data>>).patchAll(patches),
        ({ key }) => key,
      );
  }

  /**
   * Whether changes of one session happen in the order of their calls: in this process, and where
   * core's own queue stands before a three-method store. Connections of a pool overtake one
   * another.
   */
  get keepsOrder(): boolean {
    return this.readSync !== undefined || this.#isKeyedById;
  }

  /** The key under which the store knows an id: for a three-method store the id itself. */
  keyOf(id: string, birth?: number): string {
    return this.#isKeyedById ? id : toStoreKey(id, birth);
  }

  /** What names a session to everybody: never its id. */
  handleOf(key: string): string {
    return this.#isKeyedById ? toStoreKey(key) : key;
  }

  read(key: string): Promise<StoredSession<Data> | undefined> {
    // Not async: a promise around a promise would be a good part of what core costs under load.
    const reading = this.#reads && !this.readSync ? this.#reads.add(key) : this.#readAlone(key);
    return this.#near ? this.#near.compare(key, reading) : reading;
  }

  /** What this process knows of a session already, by its near cache. */
  peek(key: string, now: number): StoredSession<Data> | undefined {
    return this.#near?.get(key, now);
  }

  /** Reads what `peek` does not know, and keeps it. */
  readNear(key: string): Promise<StoredSession<Data> | undefined> {
    return this.#near ? this.#near.fill(key, this.read(key)) : this.read(key);
  }

  async create(key: string, session: NewSession<Data>, cap?: UserCap): Promise<CreateResult> {
    const result = await this.#call("create", () => this.#store.create(key, session, cap), 1);
    for (const evicted of result.evicted) this.#near?.forget(evicted);
    return result;
  }

  extend(key: string, to: { lastSeenAt: number; expiresAt: number }): Promise<boolean> {
    return this.#change(
      key,
      this.#extends
        ? this.#extends.add({ key, to })
        : this.#call("extend", () => this.#store.extend(key, to), 1),
    );
  }

  /**
   * Notes activity: at once where the store is in this process, and `false` tells that the session
   * has ended; elsewhere soon, while the request goes on.
   */
  touch(key: string, to: { lastSeenAt: number; expiresAt: number }): true | Promise<boolean> {
    if (!this.#touches) return this.extend(key, to);
    this.#touches.add(key, to);
    return true;
  }

  patch(key: string, patch: SessionPatch<Data>): Promise<PatchOutcome> {
    return this.#change(
      key,
      this.#patches
        ? this.#patches.add({ key, patch })
        : this.#call("patch", () => this.#store.patch(key, patch), 1),
    );
  }

  move(key: string, nextKey: string, facts?: SessionFacts): Promise<boolean> {
    const move = (): Promise<boolean> =>
      this.#call("move", () => this.#store.move(key, nextKey, facts), 1);
    // Activity that is on its way would find nothing under the former key, and the session would
    // end as if it had not been.
    const touching = this.#touches?.of(key);
    return this.#change(key, touching ? touching.then(move) : move());
  }

  remove(key: string): Promise<boolean> {
    return this.#change(
      key,
      this.#call("remove", () => this.#store.remove(key), 1),
    );
  }

  listByUser(userId: string): Promise<KeyedSession<Data>[]> {
    return this.#call("listByUser", () => this.#store.listByUser(userId));
  }

  removeByUser(userId: string, options: { except: readonly string[] }): Promise<number> {
    return this.#change(
      undefined,
      this.#call("removeByUser", () => this.#store.removeByUser(userId, options)),
    );
  }

  scan(
    cursor: string | undefined,
    options: { limit?: number },
  ): Promise<{ sessions: KeyedSession<Data>[]; cursor?: string }> {
    return this.#call("scan", () => this.#store.scan(cursor, options));
  }

  /** Resolves to `undefined` where the store does not count. */
  async count(): Promise<number | undefined> {
    return (
      this.#store.count &&
      this.#call("count", () => (this.#store as Required<SessionStore<Data>>).count())
    );
  }

  /**
   * A three-method store knows sessions by their ids.
   *
   * @throws StoreError `ERR_STORE_UNSUPPORTED` there.
   */
  assertKnowsHandles(operation: string): void {
    if (!this.#isKeyedById) return;
    throw new StoreError(
      "ERR_STORE_UNSUPPORTED",
      `Cannot ${operation} by handle: ${this.name} has only get, set and delete, a SessionStore is wanted`,
      { store: this.name, operation },
    );
  }

  removeAll(): Promise<void> {
    return this.#change(
      undefined,
      this.#call("removeAll", () => this.#store.removeAll()),
    );
  }

  /** Resolves to `undefined` where the store tells nothing. */
  async subscribe(
    listener: (change: StoreChange) => void,
  ): Promise<(() => Promise<void>) | undefined> {
    if (!this.#store.subscribe) return undefined;
    let isGivenUp = false;
    const subscription = this.#call("subscribe", async () => {
      const end = await (this.#store as Required<SessionStore<Data>>).subscribe(listener);
      // Nobody would end it, and it would hold the process.
      if (isGivenUp) await end();
      return end;
    });
    this.#subscriptions.add(subscription);
    subscription.catch(() => {
      isGivenUp = true;
      this.#subscriptions.delete(subscription);
    });
    return subscription;
  }

  /**
   * Subscribes, and tries again from time to time where that fails, until `close`.
   *
   * @param onError told of the first failure, and not of those that follow.
   */
  listen(
    hear: (change: StoreChange) => void,
    onError: (error: Error) => void,
    onListening?: () => unknown,
  ): void {
    this.subscribe(hear).then(onListening, (error: StoreError) => {
      onError(error);
      // What cannot be done behind a pooler, for instance: trying again would only hold a
      // connection.
      if (error.code !== "ERR_STORE_UNSUPPORTED")
        this.#clock.schedule(
          RETRY_AFTER,
          () => this.#isClosed || this.listen(hear, () => {}, onListening),
        );
    });
  }

  /** Waits for the touches, and ends the subscriptions. The store itself is the caller's. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#touches?.settled();
    this.#near?.close();
    const subscriptions = [...this.#subscriptions];
    this.#subscriptions.clear();
    for (const subscription of subscriptions) await (await subscription.catch(() => undefined))?.();
  }

  #nearCacheOf({
    nearCache,
    clock,
    onError = () => {},
  }: GuardOptions): NearCache<Data> | undefined {
    if (nearCache === undefined) return undefined;
    if (this.readSync || !this.#store.subscribe || this.#store.hearsOthers !== true) {
      throw new TypeError(
        `Cannot use nearCache: ${this.name} ${this.readSync ? "answers from this process already" : "cannot tell what other processes change"}, RedisStore or PostgresStore with notify is wanted`,
      );
    }
    const near = new NearCache<Data>(nearCache, clock);
    // A subscription would end with the request that began it.
    if (isRequestBound()) return undefined;
    this.listen(
      (change) => near.hear(change),
      onError,
      () => this.#isClosed || near.begin(),
    );
    return near;
  }

  /** Once a change is acknowledged nobody here reads what was there before. */
  #change<T>(key: string | undefined, change: Promise<T>): Promise<T> {
    const near = this.#near;
    return near
      ? change.finally(() => (key === undefined ? near.forgetAll() : near.forget(key)))
      : change;
  }

  async #readAlone(key: string): Promise<StoredSession<Data> | undefined> {
    if (this.readSync) return this.readSync(key);
    return (
      await this.#call("read", () => allOf("read", [key], (keys) => this.#store.read(keys)), 1)
    )[0];
  }

  #gathered<Item, Answer>(
    operation: string,
    ask: (items: readonly Item[]) => Promise<(Answer | Error)[]>,
    keyOf?: (item: Item) => string,
  ): GatheredCalls<Item, Answer> {
    const call = async (items: readonly Item[]): Promise<(Answer | Error)[]> => {
      const answers = await this.#call(operation, () => allOf(operation, items, ask), items.length);
      return answers.some(isError)
        ? answers.map((answer) => (isError(answer) ? this.#failure(operation, answer) : answer))
        : answers;
    };
    return new GatheredCalls({ call, ...(keyOf && { keyOf }) });
  }

  #call<T>(operation: string, call: () => Promise<T>, keys = 0): Promise<T> {
    return this.#trace.isHeard
      ? this.#trace.run({ operation, store: this.name, keys }, () => this.#guard(operation, call))
      : this.#guard(operation, call);
  }

  async #guard<T>(operation: string, call: () => Promise<T>): Promise<T> {
    try {
      return await (this.#timeout === Infinity ? call() : this.#within(operation, call));
    } catch (cause) {
      throw this.#failure(operation, cause);
    }
  }

  #failure(operation: string, cause: unknown): StoreError {
    if (cause instanceof StoreError) return cause;
    return new StoreError(
      "ERR_STORE_UNAVAILABLE",
      `Cannot ${operation}: ${this.name} failed, see error.cause`,
      { store: this.name, operation, cause },
    );
  }

  /**
   * Bounds an operation of several steps as a whole, waiting for its turn and for conflicts
   * included. Each step has the same limit of its own.
   *
   * @param operation the step that it is about, for the error.
   * @param work is told when it has taken too long: then it begins no further step.
   * @throws StoreError `ERR_STORE_TIMEOUT`.
   */
  whole<T>(operation: string, work: (deadline: Deadline) => Promise<T>): Promise<T> {
    if (this.#timeout === Infinity) return work(NEVER);
    const now = this.#clock.now();
    const isOver = (): boolean => this.#clock.now() - now >= this.#timeout;
    const assertTime = (): void => {
      if (isOver()) throw this.#tooLate(operation);
    };
    return this.#within(operation, () => work({ assertTime }));
  }

  #tooLate(operation: string): StoreError {
    return new StoreError(
      "ERR_STORE_TIMEOUT",
      `Cannot ${operation}: ${this.name} did not answer within ${this.#timeout} ms`,
      { store: this.name, operation },
    );
  }

  #within<T>(operation: string, call: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.schedule(this.#timeout, () => reject(this.#tooLate(operation)));
      // An async function, so that a store which throws at once rejects as well.
      const answer = (async () => call())();
      answer.then(cancel, cancel);
      answer.then(resolve, reject);
    });
  }
}

/** An answer too short would read as "no session": what is no answer is a failure. */
async function allOf<Item, Answer>(
  operation: string,
  items: readonly Item[],
  ask: (items: readonly Item[]) => Promise<Answer[]>,
): Promise<Answer[]> {
  const answers = await ask(items);
  if (answers.length === items.length) return answers;
  throw new TypeError(
    `Cannot use the answer: ${operation} of the store gave ${answers.length} for ${items.length} keys, one for each is wanted`,
  );
}

function isError(answer: unknown): answer is Error {
  return answer instanceof Error;
}
