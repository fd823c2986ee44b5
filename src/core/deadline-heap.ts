// Which deadline comes first, at a cost that grows with what expires and not with what lives.

const ARITY = 4;
const FIRST_CAPACITY = 64;

/** What the heap orders. `at` is its place there, kept by the heap. */
export interface HeapEntry {
  at: number;
}

/**
 * A 4-ary min-heap of deadlines. Deadlines lie side by side in a typed array: comparing them touches no entry.
 */
export class DeadlineHeap<Entry extends HeapEntry> {
  #deadlines = new Float64Array(FIRST_CAPACITY);
  readonly #entries: Entry[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** The earliest deadline; `Infinity` when empty. */
  get nextAt(): number {
    return this.#entries.length === 0 ? Infinity : (this.#deadlines[0] as number);
  }

  /** The entry of the earliest deadline. */
  get next(): Entry | undefined {
    return this.#entries[0];
  }

  add(entry: Entry, deadline: number): void {
    const size = this.#entries.length;
    if (size === this.#deadlines.length) {
      const larger = new Float64Array(size * 2);
      larger.set(this.#deadlines);
      this.#deadlines = larger;
    }
    this.#entries.push(entry);
    this.#rise(size, entry, deadline);
  }

  remove(entry: Entry): void {
    const at = entry.at;
    const last = this.#entries.pop() as Entry;
    const size = this.#entries.length;
    const deadline = this.#deadlines[size] as number;
    // What was large once must not stay so.
    if (size > FIRST_CAPACITY && size * 4 <= this.#deadlines.length) this.#deadlines = this.#deadlines.slice(0, size * 2);
    if (last !== entry) this.#settle(at, last, deadline);
  }

  /** Gives an entry another deadline. */
  update(entry: Entry, deadline: number): void {
    this.#settle(entry.at, entry, deadline);
  }

  #settle(at: number, entry: Entry, deadline: number): void {
    if (at > 0 && (this.#deadlines[Math.floor((at - 1) / ARITY)] as number) > deadline) this.#rise(at, entry, deadline);
    else this.#sink(at, entry, deadline);
  }

  #rise(from: number, entry: Entry, deadline: number): void {
    let at = from;
    while (at > 0) {
      const parent = Math.floor((at - 1) / ARITY);
      const parentDeadline = this.#deadlines[parent] as number;
      if (parentDeadline <= deadline) break;
      this.#place(at, this.#entries[parent] as Entry, parentDeadline);
      at = parent;
    }
    this.#place(at, entry, deadline);
  }

  #sink(from: number, entry: Entry, deadline: number): void {
    const size = this.#entries.length;
    let at = from;
    for (;;) {
      let least = -1;
      let leastDeadline = deadline;
      const firstChild = at * ARITY + 1;
      for (let child = firstChild; child < Math.min(firstChild + ARITY, size); child++) {
        const childDeadline = this.#deadlines[child] as number;
        if (childDeadline < leastDeadline) {
          least = child;
          leastDeadline = childDeadline;
        }
      }
      if (least === -1) break;
      this.#place(at, this.#entries[least] as Entry, leastDeadline);
      at = least;
    }
    this.#place(at, entry, deadline);
  }

  #place(at: number, entry: Entry, deadline: number): void {
    this.#deadlines[at] = deadline;
    this.#entries[at] = entry;
    entry.at = at;
  }
}
