// Records that were read twice in close succession, as objects: a page asks for the same session
// again and again, and copying objects takes a fraction of reading text. Bounded, with a place for
// each slot: in a hash table some would take one another's place however few there are. What was
// changed is here alone until it gives way: writing text for each of many changes would cost more
// than the changes.

import type { StoredSession } from "../store.ts";

const FEWEST_LINES = 1024;
const MOST_LINES = 32_768;

/** What is remembered. */
export interface Recent<Data> {
  readonly key: string;
  readonly slot: number;
  readonly session: StoredSession<Data>;
  /** The record does not say so yet. */
  readonly isUnwritten: boolean;
}

/** Sessions by the slots of their records. */
export class RecentRecords<Data> {
  #lines: (Recent<Data> | undefined)[] = [];
  // The slot that each line was asked for last. A single reading is not worth an object that stays.
  #asked = new Uint32Array(0);

  readonly #write: (recent: Recent<Data>) => void;

  /** @param write puts into the record what is here alone. */
  constructor(write: (recent: Recent<Data>) => void) {
    this.#write = write;
  }

  /** What is remembered of a slot. */
  get(slot: number): Recent<Data> | undefined {
    const recent = this.#lines[slot & (this.#lines.length - 1)];
    return recent?.slot === slot ? recent : undefined;
  }

  /**
   * Notes a reading.
   *
   * @param end every slot in use is below.
   * @returns whether the session is worth remembering.
   */
  note(slot: number, end: number): boolean {
    this.#reach(end);
    const at = slot & (this.#lines.length - 1);
    if (this.#asked[at] === slot) return true;
    this.#asked[at] = slot;
    return false;
  }

  /**
   * Remembers a session in the place of what was remembered of its slot, or of another one.
   *
   * @param end every slot in use is below.
   */
  put(recent: Recent<Data>, end: number): void {
    this.#reach(end);
    const at = recent.slot & (this.#lines.length - 1);
    const former = this.#lines[at];
    if (former && former.slot !== recent.slot) this.#give(former);
    this.#lines[at] = recent;
  }

  /**
   * Must be called whenever a record moves to another key or ends. What is here alone is lost: see
   * `get`.
   */
  forget(slot: number): void {
    if (this.get(slot)) this.#lines[slot & (this.#lines.length - 1)] = undefined;
  }

  /** Forgets all, where no record is left: what was large once must not stay so. */
  clear(): void {
    this.#lines = [];
    this.#asked = new Uint32Array(0);
  }

  #reach(end: number): void {
    const had = this.#lines;
    if (had.length >= Math.min(end, MOST_LINES)) return;
    let length = FEWEST_LINES;
    while (length < MOST_LINES && length < end) length *= 2;
    this.#lines = new Array<Recent<Data> | undefined>(length).fill(undefined);
    this.#asked = new Uint32Array(length);
    for (const recent of had) this.#give(recent);
  }

  #give(recent: Recent<Data> | undefined): void {
    if (recent?.isUnwritten) this.#write(recent);
  }
}
