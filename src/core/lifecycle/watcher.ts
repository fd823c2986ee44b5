// Tells those who watch a session that it has ended: at once where the store tells, else within the
// poll interval, and at its deadline in any case.
import type { Clock } from "../clock.ts";
import type { RequestLike } from "../http/http-messages.ts";
import type { StoreChange } from "../store.ts";
import type { GuardedStore } from "../store/guarded-store.ts";

/** One who watches. A session that moves takes its watchers along. */
interface Watching {
  key: string;
  readonly controller: AbortController;
}

interface Watched {
  readonly watchers: Set<Watching>;
  cancel: () => void;
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
  #isSubscribed = false;

  constructor(store: GuardedStore<Data>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** @param until ends the watching, without the signal. */
  watch(key: string, until?: AbortSignal): AbortSignal {
    const controller = new AbortController();
    if (until?.aborted) return controller.signal;
    const watching = { key, controller };
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
    for (const { controller } of watched.watchers)
      controller.abort(new DOMException("The session has ended", "AbortError"));
  }

  moved(key: string, nextKey: string): void {
    const watched = this.#watched.get(key);
    if (!watched) return;
    this.#watched.delete(key);
    watched.cancel();
    // Whoever came with the new id already may have been faster than the news of it.
    for (const watching of watched.watchers) this.#enter(watching, nextKey);
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
    this.#store.read(key).then(
      (session) => {
        if (this.#watched.get(key) !== watched) return;
        if (session === undefined) this.ended(key);
        else plan(Math.min(Math.max(session.expiresAt - this.#clock.now(), 0), POLL_EVERY));
      },
      // A store that is down has not ended anybody's session.
      () => void (this.#watched.get(key) === watched && plan(RETRY_AFTER)),
    );
  }

  #forget(watching: Watching): void {
    const watched = this.#watched.get(watching.key);
    if (!watched?.watchers.delete(watching) || watched.watchers.size > 0) return;
    watched.cancel();
    this.#watched.delete(watching.key);
  }
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
