// Which session ends first, at a cost that grows with what ends and not with what lives. Keeps the instants of the sessions
// as well, side by side in typed arrays: as numbers in an object each they would take three times the memory.
import type { Deadlines } from "./lifetimes.ts";

const ARITY = 4;
// The instants of so many entries lie in one array. None is ever copied to a larger one: that would stop the process.
const CHUNK_BITS = 10;
const CHUNK = 1 << CHUNK_BITS;

// What is kept of an entry. Its deadline is `expiresAt` as it was when the entry was placed.
const DEADLINE = 0;
const CREATED_AT = 1;
const LAST_SEEN_AT = 2;
const EXPIRES_AT = 3;
const ENDS_AT = 4;
const FIELDS = 5;

/** What the heap orders. `at` is its place there, kept by the heap. */
export interface HeapEntry {
  at: number;
}

/**
 * A 4-ary min-heap of entries by deadline.
 *
 * Activity moves an entry's `expiresAt` later without moving the entry: one whose turn comes too early is placed anew. So
 * a touch costs nothing here.
 */
export class DeadlineHeap<Entry extends HeapEntry> {
  // Entries in chunks as well: an array that has become short keeps the room of the long one.
  readonly #entries: Entry[][] = [];
  readonly #chunks: Float64Array[] = [];
  #size = 0;
  // The instants of the entry that is looking for its place.
  readonly #held = new Float64Array(FIELDS);

  /** The earliest deadline; `Infinity` when empty. No entry expires before it. */
  get nextAt(): number {
    return this.#size === 0 ? Infinity : this.#read(0, DEADLINE);
  }

  /** The entry of the earliest deadline. It may expire later. */
  get next(): Entry | undefined {
    return this.#size === 0 ? undefined : this.#entryAt(0);
  }

  expiresAt(entry: Entry): number {
    return this.#read(entry.at, EXPIRES_AT);
  }

  createdAt(entry: Entry): number {
    return this.#read(entry.at, CREATED_AT);
  }

  instants(entry: Entry): Deadlines {
    const chunk = this.#chunkOf(entry.at);
    const base = baseOf(entry.at);
    return {
      createdAt: chunk[base + CREATED_AT] as number,
      lastSeenAt: chunk[base + LAST_SEEN_AT] as number,
      expiresAt: chunk[base + EXPIRES_AT] as number,
      endsAt: chunk[base + ENDS_AT] as number,
    };
  }

  add(entry: Entry, { createdAt, lastSeenAt, expiresAt, endsAt }: Deadlines): void {
    if (this.#size === this.#chunks.length * CHUNK) {
      this.#chunks.push(new Float64Array(CHUNK * FIELDS));
      this.#entries.push([]);
    }
    this.#held.set([expiresAt, createdAt, lastSeenAt, expiresAt, endsAt]);
    this.#rise(this.#size++, entry);
  }

  /** Moves the activity of an entry later, never earlier. */
  extend(entry: Entry, lastSeenAt: number, expiresAt: number): void {
    const chunk = this.#chunkOf(entry.at);
    const base = baseOf(entry.at);
    chunk[base + LAST_SEEN_AT] = Math.max(chunk[base + LAST_SEEN_AT] as number, lastSeenAt);
    chunk[base + EXPIRES_AT] = Math.max(chunk[base + EXPIRES_AT] as number, expiresAt);
  }

  /** Puts an entry where its `expiresAt` belongs. */
  place(entry: Entry): void {
    this.#hold(entry.at);
    this.#held[DEADLINE] = this.#held[EXPIRES_AT] as number;
    this.#settle(entry.at, entry);
  }

  remove(entry: Entry): void {
    this.#size--;
    // The last entry takes the place: there is one, this one at least.
    const last = this.#entries[this.#size >>> CHUNK_BITS]?.pop() as Entry;
    this.#hold(this.#size);
    // What was large once must not stay so; one chunk is kept, lest it come and go at each change.
    if (this.#size + 2 * CHUNK <= this.#chunks.length * CHUNK) {
      this.#chunks.pop();
      this.#entries.pop();
    }
    if (last !== entry) this.#settle(entry.at, last);
  }

  #settle(at: number, entry: Entry): void {
    if (at > 0 && this.#read(parentOf(at), DEADLINE) > (this.#held[DEADLINE] as number)) this.#rise(at, entry);
    else this.#sink(at, entry);
  }

  #rise(from: number, entry: Entry): void {
    const deadline = this.#held[DEADLINE] as number;
    let at = from;
    while (at > 0 && this.#read(parentOf(at), DEADLINE) > deadline) {
      this.#shift(parentOf(at), at);
      at = parentOf(at);
    }
    this.#drop(at, entry);
  }

  #sink(from: number, entry: Entry): void {
    const size = this.#size;
    let at = from;
    for (;;) {
      let least = -1;
      let leastDeadline = this.#held[DEADLINE] as number;
      const firstChild = at * ARITY + 1;
      for (let child = firstChild; child < Math.min(firstChild + ARITY, size); child++) {
        const deadline = this.#read(child, DEADLINE);
        if (deadline < leastDeadline) {
          least = child;
          leastDeadline = deadline;
        }
      }
      if (least === -1) break;
      this.#shift(least, at);
      at = least;
    }
    this.#drop(at, entry);
  }

  #hold(at: number): void {
    const chunk = this.#chunkOf(at);
    const base = baseOf(at);
    for (let field = 0; field < FIELDS; field++) this.#held[field] = chunk[base + field] as number;
  }

  #drop(at: number, entry: Entry): void {
    const chunk = this.#chunkOf(at);
    const base = baseOf(at);
    for (let field = 0; field < FIELDS; field++) chunk[base + field] = this.#held[field] as number;
    this.#put(at, entry);
  }

  #shift(from: number, to: number): void {
    const [source, target] = [this.#chunkOf(from), this.#chunkOf(to)];
    const [sourceBase, targetBase] = [baseOf(from), baseOf(to)];
    for (let field = 0; field < FIELDS; field++) target[targetBase + field] = source[sourceBase + field] as number;
    this.#put(to, this.#entryAt(from));
  }

  #put(at: number, entry: Entry): void {
    (this.#entries[at >>> CHUNK_BITS] as Entry[])[at & (CHUNK - 1)] = entry;
    entry.at = at;
  }

  #entryAt(at: number): Entry {
    return (this.#entries[at >>> CHUNK_BITS] as Entry[])[at & (CHUNK - 1)] as Entry;
  }

  #read(at: number, field: number): number {
    return this.#chunkOf(at)[baseOf(at) + field] as number;
  }

  #chunkOf(at: number): Float64Array {
    // There is a chunk for every place up to the last entry's.
    return this.#chunks[at >>> CHUNK_BITS] as Float64Array;
  }
}

function baseOf(at: number): number {
  return (at & (CHUNK - 1)) * FIELDS;
}

function parentOf(at: number): number {
  return (at - 1) >>> 2;
}
