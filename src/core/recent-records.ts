// Records that were read twice in close succession, as objects: a page asks for the same session again and again, and copying objects
// takes a fraction of reading text. A cache of bounded size, with two places for each hash; nothing here is the truth.

import type { StoredSession } from "./store.ts";

const FEWEST_LINES = 1024;
const MOST_LINES = 32_768;
// For each session, while there are few: then hardly three of them fall on two lines.
const LINES_EACH = 4;

/** What is remembered. */
export interface Recent<Data> {
  readonly key: string;
  readonly slot: number;
  readonly session: StoredSession<Data>;
}

/** Sessions by key. */
export class RecentRecords<Data> {
  #lines: (Recent<Data> | undefined)[] = [];
  // The slot that each line was asked for last. A single reading is not worth an object that stays.
  #asked = new Uint32Array(0);

  get(key: string, hash: number): Recent<Data> | undefined {
    const at = hash & (this.#lines.length - 1);
    const first = this.#lines[at];
    if (first?.key === key) return first;
    const second = this.#lines[at ^ 1];
    return second?.key === key ? second : undefined;
  }

  /** Notes a reading. @returns whether the session is worth remembering. */
  note(slot: number, hash: number, count: number): boolean {
    if (this.#lines.length < MOST_LINES && this.#lines.length < count * LINES_EACH) this.#resize(count);
    const at = hash & (this.#lines.length - 1);
    if (this.#asked[at] === slot || this.#asked[at ^ 1] === slot) return true;
    this.#asked[at ^ 1] = this.#asked[at] as number;
    this.#asked[at] = slot;
    return false;
  }

  put(recent: Recent<Data>, hash: number): void {
    if (this.#lines.length === 0) return;
    this.forget(recent.slot, hash);
    const at = hash & (this.#lines.length - 1);
    if (this.#lines[at]) this.#lines[at ^ 1] = this.#lines[at];
    this.#lines[at] = recent;
  }

  /** Must be called whenever a record changes, moves to another key or ends. */
  forget(slot: number, hash: number): void {
    const at = hash & (this.#lines.length - 1);
    if (this.#lines[at]?.slot === slot) this.#lines[at] = undefined;
    else if (this.#lines[at ^ 1]?.slot === slot) this.#lines[at ^ 1] = undefined;
  }

  #resize(count: number): void {
    let length = FEWEST_LINES;
    while (length < MOST_LINES && length < count * LINES_EACH) length *= 2;
    this.#lines = new Array<Recent<Data> | undefined>(length).fill(undefined);
    this.#asked = new Uint32Array(length);
  }
}
