// The records that were read or written here last. A change is made of the record that is known, and
// the script takes it where nobody has changed the record since: so most changes need no read. What
// is known may be old: then the script answers with the record, and the change is made of that.
import { type Base, toBase } from "./record.ts";

// The records of requests under way at once, and more: most changes follow the read of the same
// request.
const MOST_RECORDS = 4096;
// Characters, of all records together.
const MOST_CHARACTERS = 8 * 1024 * 1024;
// One record must not push out all the others.
const LONGEST = MOST_CHARACTERS / 16;

/** Records by key, bounded in number and in characters. */
export class RecentRecords {
  // Emptied when it is full: finding the oldest entry would cost more than the reads that the few
  // misses cost.
  readonly #records = new Map<string, string | Base>();
  #characters = 0;

  /** @param record the text as it was read, or what a change has made. */
  keep(key: string, record: string | Base): void {
    const length = lengthOf(record);
    this.forget(key);
    if (length > LONGEST) return;
    if (this.#records.size >= MOST_RECORDS || this.#characters + length > MOST_CHARACTERS) {
      this.#records.clear();
      this.#characters = 0;
    }
    this.#records.set(key, record);
    this.#characters += length;
  }

  forget(key: string): void {
    const known = this.#records.get(key);
    if (known === undefined) return;
    this.#records.delete(key);
    this.#characters -= lengthOf(known);
  }

  /** @returns `undefined` where nothing is known, or nothing that a change can be made of. */
  get(key: string): Base | undefined {
    const known = this.#records.get(key);
    return typeof known === "string" ? toBase(known) : known;
  }
}

function lengthOf(record: string | Base): number {
  return typeof record === "string" ? record.length : record.tail.length;
}
