// Tells those who watch a session that it has ended: at once where the store tells, else within the
// poll interval, and at its deadline in any case. A session that another process has given a new
// key has not ended: where no message said so, its user's index says where it went, by the key that
// it began with.
import type { Clock } from "../clock.ts";
import type { RequestLike } from "../http/http-messages.ts";
import { StoreError } from "../errors.ts";
import type { KeyedSession, StoreChange, StoredSession } from "../store.ts";
import type { GuardedStore } from "../store/guarded-store.ts";

/** One who watches. A session that moves takes its watchers along. */
interface Watching {
  key: string;
  readonly controller: AbortController;
  /** Asked once, with the first record that is found. */
  admits: Admits<unknown> | undefined;
}

/** Whether the id that a session is watched by may use it. */
type Admits<Data> = (session: StoredSession<Data>) => boolean | Promise<boolean>;

/** What finds a session again after a rotation. */
interface Trace {
  userId: string;
  origin: string;
}

interface Watched {
  readonly watchers: Set<Watching>;
  cancel: () => void;
  /** From the last record that was found. None where it is nobody's: it is in no index. */
  trace?: Trace | undefined;
}

// Another process's logout, where the store cannot tell of it, is seen this late at most.
const POLL_EVERY = 30_000;
// A store that did not answer is asked again this soon: what ended meanwhile was perhaps not told.
const RETRY_AFTER = 1000;

/** The sessions that somebody watches. Holds nothing for others, and nothing after their end. */
export class Watcher<Data> {
  readonly #store: GuardedStore<Data>;
  readonly #clock: Clock;
  readonly #watched = new Map<string, Watched>();
  // Under way, by user.
  readonly #listings = new Map<string, Promise<KeyedSession<Data>[]>>();
  #isSubscribed = false;

  constructor(store: GuardedStore<Data>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * @param until ends the watching, without the signal.
   * @param admits for an id that was not judged yet. One that may not use its session has none: the
   * signal fires.
   */
  watch(key: string, until?: AbortSignal, admits?: Admits<Data>): AbortSignal {
    const controller = new AbortController();
    if (until?.aborted) return controller.signal;
    // It is given what this store holds.
    const watching: Watching = { key, controller, admits: admits as Watching["admits"] };
    this.#enter(watching, key);
    until?.addEventListener("abort", () => this.#forget(watching), {
      once: true,
      signal: controller.signal,
    });
    this.#subscribe();
    this.#look(key);
    return controller.signal;
  }

  /** What this process ends itself is known at once. */
  ended(key: string): void {
    const watched = this.#watched.get(key);
    if (!watched) return;
    this.#watched.delete(key);
    watched.cancel();
    for (const { controller } of watched.watchers) abort(controller);
  }

  moved(key: string, nextKey: string): void {
    const watched = this.#watched.get(key);
    if (!watched) return;
    this.#watched.delete(key);
    watched.cancel();
    // Whoever came with the new id already may have been faster than the news of it.
    for (const watching of watched.watchers) {
      // Its id was good, or nobody would have rotated it; the record does not know it any more.
      watching.admits = undefined;
      this.#enter(watching, nextKey);
    }
    const next = this.#watched.get(nextKey);
    if (next) next.trace ??= watched.trace;
    this.#look(nextKey);
  }

  #enter(watching: Watching, key: string): void {
    const watched = this.#watched.get(key) ?? { watchers: new Set(), cancel: () => {} };
    watching.key = key;
    watched.watchers.add(watching);
    this.#watched.set(key, watched);
  }

  /** Some may have ended: it is not known which. */
  lookAgain(): void {
    for (const key of this.#watched.keys()) this.#look(key);
  }

  #subscribe(): void {
    if (this.#isSubscribed) return;
    this.#isSubscribed = true;
    this.#store
      .subscribe((change) => this.#hear(change))
      .then(
        // What ended between the first look and now was told to nobody.
        (end) => {
          if (end) this.lookAgain();
        },
        // Until it can be told, it looks for itself.
        () => (this.#isSubscribed = false),
      );
  }

  #hear(change: StoreChange): void {
    if (change.type === "moved") this.moved(change.key, change.nextKey);
    if (change.type === "removed" || change.type === "evicted" || change.type === "expired")
      this.ended(change.key);
    if (change.type === "lost" || change.type === "cleared") this.lookAgain();
  }

  /** Looks whether a session lives, and plans the next look. */
  #look(key: string): void {
    const watched = this.#watched.get(key);
    if (!watched) return;
    const plan = (delay: number): void => {
      watched.cancel();
      watched.cancel = this.#clock.schedule(delay, () => {
        this.#subscribe();
        this.#look(key);
      });
    };
    this.#store
      .read(key)
      .then((session) => {
        if (this.#watched.get(key) !== watched) return undefined;
        if (session === undefined) return this.#follow(key, watched, () => plan(RETRY_AFTER));
        const { userId } = session;
        watched.trace =
          userId === undefined ? undefined : { userId, origin: originOf({ key, session }) };
        this.#judge(watched, session);
        return plan(Math.min(Math.max(session.expiresAt - this.#clock.now(), 0), POLL_EVERY));
      })
      // A store that is down has not ended anybody's session.
      .catch(() => void (this.#watched.get(key) === watched && plan(RETRY_AFTER)));
  }

  /** There is nothing under this key any more: the session has ended, or has another one. */
  async #follow(key: string, watched: Watched, lookAgain: () => void): Promise<void> {
    const { trace } = watched;
    const own = trace && (await this.#listOf(trace.userId));
    if (this.#watched.get(key) !== watched) return;
    const found = own?.find((one) => originOf(one) === trace?.origin);
    if (!found) this.ended(key);
    // The list is from before it moved, or ended.
    else if (found.key === key) lookAgain();
    else this.moved(key, found.key);
  }

  /** Once for all sessions of a user that are missed at the same time, as after `revokeAll`. */
  #listOf(userId: string): Promise<KeyedSession<Data>[]> {
    const listing =
      this.#listings.get(userId) ?? this.#list(userId).finally(() => this.#listings.delete(userId));
    this.#listings.set(userId, listing);
    return listing;
  }

  async #list(userId: string): Promise<KeyedSession<Data>[]> {
    try {
      return await this.#store.listByUser(userId);
    } catch (error) {
      // Somebody's own store may have no index: then what is not there has ended.
      if (error instanceof StoreError && error.code === "ERR_STORE_UNSUPPORTED") return [];
      throw error;
    }
  }

  #judge(watched: Watched, session: StoredSession<Data>): void {
    for (const watching of watched.watchers) {
      const { admits } = watching;
      if (!admits) continue;
      watching.admits = undefined;
      const settle = (isAdmitted: boolean): void => {
        if (isAdmitted || !this.#watched.get(watching.key)?.watchers.has(watching)) return;
        this.#forget(watching);
        abort(watching.controller);
      };
      // Where the store is down it is asked again at the next look.
      Promise.resolve(admits(session)).then(settle, () => void (watching.admits = admits));
    }
  }

  #forget(watching: Watching): void {
    const watched = this.#watched.get(watching.key);
    if (!watched?.watchers.delete(watching) || watched.watchers.size > 0) return;
    watched.cancel();
    this.#watched.delete(watching.key);
  }
}

function abort(controller: AbortController): void {
  controller.abort(new DOMException("The session has ended", "AbortError"));
}

/** The key that a session began with: a rotation keeps it. */
function originOf({ key, session }: KeyedSession<unknown>): string {
  return session.facts?.origin ?? key;
}

/** What a request's watching asks of the parts of its `Session`. */
interface WatchParts<Data> {
  readonly reader: {
    locate(req: RequestLike): Located | undefined | Promise<Located | undefined>;
  };
  readonly watcher: Watcher<Data>;
  readonly clock: Clock;
}

interface Located {
  readonly key: string;
}

/**
 * Watches the session of a request. Which one that is, a store behind a network tells later: until
 * then the signal waits, also while the store is down.
 */
export function watchRequest<Data>(
  { reader, watcher, clock }: WatchParts<Data>,
  req: RequestLike,
  until?: AbortSignal,
): AbortSignal {
  const controller = new AbortController();
  const follow = (key: string | undefined): void => {
    if (until?.aborted) return;
    if (key === undefined)
      return controller.abort(new DOMException("There is no session", "AbortError"));
    const signal = watcher.watch(key, until);
    const end = (): void => controller.abort(signal.reason);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  };
  // Not async: a store in this process answers at once, and then the signal must not be late.
  const look = (): void => {
    const retry = (): void => void (until?.aborted || clock.schedule(RETRY_AFTER, look));
    try {
      const found = reader.locate(req);
      if (found instanceof Promise) found.then((one) => follow(one?.key), retry);
      else follow(found?.key);
    } catch {
      retry();
    }
  };
  look();
  return controller.signal;
}
