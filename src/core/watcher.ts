// Tells those who watch a session that it has ended: at once where the store tells, else within the poll interval, and at
// its deadline in any case.
import type { Clock } from "./clock.ts";
import type { GuardedStore } from "./guarded-store.ts";
import type { StoreChange } from "./store.ts";

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
    until?.addEventListener("abort", () => this.#forget(watching), { once: true, signal: controller.signal });
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
    for (const { controller } of watched.watchers) controller.abort(new DOMException("The session has ended", "AbortError"));
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
    this.#store.subscribe((change) => this.#hear(change)).then(
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
    if (change.type === "removed" || change.type === "evicted" || change.type === "expired") this.ended(change.key);
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
