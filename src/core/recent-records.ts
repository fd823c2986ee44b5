// Records that were read twice in close succession, as objects: a page asks for the same session again and again, and copying objects
// takes a fraction of reading text. Bounded, with two places for each hash. What was changed is here alone until it gives way: writing text for each of many changes
// would cost more than the changes.

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
  /** The record does not say so yet. */
  readonly isUnwritten: boolean;
}

/** Sessions by key. */
export class RecentRecords<Data> {
  #lines: (Recent<Data> | undefined)[] = [];
  // The slot that each line was asked for last. A single reading is not worth an object that stays.
  #asked = new Uint32Array(0);

  readonly #write: (recent: Recent<Data>) => void;

  /** @param write puts into the record what is here alone. */
  constructor(write: (recent: Recent<Data>) => void) {
    this.#write = write;
  }

  get(key: string, hash: number): Recent<Data> | undefined {
    const at = hash & (this.#lines.length - 1);
    const first = this.#lines[at];
    if (first?.key === key) return first;
    const second = this.#lines[at ^ 1];
    return second?.key === key ? second : undefined;
  }

  /** What is remembered of a slot. */
  of(slot: number, hash: number): Recent<Data> | undefined {
    const at = hash & (this.#lines.length - 1);
    if (this.#lines[at]?.slot === slot) return this.#lines[at];
    return this.#lines[at ^ 1]?.slot === slot ? this.#lines[at ^ 1] : undefined;
  }

  /** Notes a reading. @returns whether the session is worth remembering. */
  note(slot: number, hash: number, count: number): boolean {
    this.#grow(count);
    const at = hash & (this.#lines.length - 1);
    if (this.#asked[at] === slot || this.#asked[at ^ 1] === slot) return true;
    this.#asked[at ^ 1] = this.#asked[at] as number;
    this.#asked[at] = slot;
    return false;
  }

  /** Remembers a session in the place of what was remembered of it. @param count how many records there are. */
  put(recent: Recent<Data>, hash: number, count: number): void {
    this.#grow(count);
    this.forget(recent.slot, hash);
    const at = hash & (this.#lines.length - 1);
    const former = this.#lines[at];
    if (former) {
      this.#give(this.#lines[at ^ 1]);
      this.#lines[at ^ 1] = former;
    }
    this.#lines[at] = recent;
  }

  /** Must be called whenever a record moves to another key or ends. What is here alone is lost: see `of`. */
  forget(slot: number, hash: number): void {
    const at = hash & (this.#lines.length - 1);
    if (this.#lines[at]?.slot === slot) this.#lines[at] = undefined;
    else if (this.#lines[at ^ 1]?.slot === slot) this.#lines[at ^ 1] = undefined;
  }

  /** Forgets all, where no record is left: what was large once must not stay so. */
  clear(): void {
    this.#lines = [];
    this.#asked = new Uint32Array(0);
  }

  #grow(count: number): void {
    const had = this.#lines;
    if (had.length >= MOST_LINES || had.length >= Math.max(count * LINES_EACH, FEWEST_LINES)) return;
    let length = FEWEST_LINES;
    while (length < MOST_LINES && length < count * LINES_EACH) length *= 2;
    this.#lines = new Array<Recent<Data> | undefined>(length).fill(undefined);
    this.#asked = new Uint32Array(length);
    for (const recent of had) this.#give(recent);
  }

  #give(recent: Recent<Data> | undefined): void {
    if (recent?.isUnwritten) this.#write(recent);
  }
}
