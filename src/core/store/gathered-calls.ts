// Gathers the calls of one turn of the event loop into one call of the store: under load this
// halves the work, and more.
import { setImmediate } from "node:timers";

interface Waiting<Answer> {
  resolve(answer: Answer): void;
  reject(reason: unknown): void;
}

export interface GatheredCallsOptions<Item, Answer> {
  /**
   * Called with at least one item. Answers in the order of the items; an `Error` for one is the
   * rejection of it alone.
   */
  call(items: readonly Item[]): Promise<(Answer | Error)[]>;
  /**
   * Where it is given, no two items of a call have the same key: the second waits for no answer, it
   * goes with the next call.
   */
  keyOf?(item: Item): string;
}

// More than this at once would hold up everybody for the sake of a few.
const MOST_ITEMS = 500;

/** Takes one item at a time from its callers and gives many at a time to the store. */
export class GatheredCalls<Item, Answer> {
  readonly #call: (items: readonly Item[]) => Promise<(Answer | Error)[]>;
  readonly #keyOf: ((item: Item) => string) | undefined;
  readonly #keys = new Set<string>();
  #items: Item[] = [];
  #waiting: Waiting<Answer>[] = [];

  constructor({ call, keyOf }: GatheredCallsOptions<Item, Answer>) {
    this.#call = call;
    this.#keyOf = keyOf;
  }

  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const key = this.#keyOf?.(item);
      if (key !== undefined) {
        if (this.#keys.has(key)) this.#flush();
        this.#keys.add(key);
      }
      // All requests that the poll phase brought in are ahead of setImmediate's turn.
      if (this.#items.length === 0) setImmediate(() => this.#flush());
      this.#items.push(item);
      this.#waiting.push({ resolve, reject });
      if (this.#items.length === MOST_ITEMS) this.#flush();
    });
  }

  #flush(): void {
    const items = this.#items;
    const waiting = this.#waiting;
    if (items.length === 0) return;
    this.#items = [];
    this.#waiting = [];
    this.#keys.clear();
    this.#call(items).then(
      (answers) =>
        waiting.forEach(({ resolve, reject }, at) => {
          // `call` has seen to it that there is an answer for each.
          const answer = answers[at] as Answer | Error;
          if (answer instanceof Error) reject(answer);
          else resolve(answer);
        }),
      (reason: unknown) => waiting.forEach(({ reject }) => reject(reason)),
    );
  }
}
