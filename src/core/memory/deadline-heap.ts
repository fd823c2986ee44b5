// Which session ends first, at a cost that grows with what ends and not with what lives. Numbers in
// typed arrays, none of them an object.
import { GrowingIntegers } from "./growing-integers.ts";

const ARITY_BITS = 2;
const ARITY = 1 << ARITY_BITS;
// None is ever copied to a larger one: that would stop the process.
const CHUNK_BITS = 10;
const CHUNK = 1 << CHUNK_BITS;

/**
 * A 4-ary min-heap of slots by deadline.
 *
 * Activity moves a session's deadline later without moving its slot here: one whose turn comes too
 * early is placed anew. So a touch costs nothing here.
 */
export class DeadlineHeap {
  readonly #slots = new GrowingIntegers();
  readonly #deadlines: Float64Array[] = [];
  // Where each slot is.
  readonly #places = new GrowingIntegers();
  #size = 0;

  /** The earliest deadline; `Infinity` when empty. Nothing expires before it. */
  get nextAt(): number {
    return this.#size === 0 ? Infinity : this.#deadlineAt(0);
  }

  /** The slot of the earliest deadline: there must be one. */
  get next(): number {
    return this.#slots.get(0);
  }

  add(slot: number, deadline: number): void {
    const at = this.#size++;
    this.#slots.reach(this.#size);
    this.#places.reach(slot + 1);
    if (this.#deadlines.length * CHUNK < this.#size) this.#deadlines.push(new Float64Array(CHUNK));
    this.#rise(at, slot, deadline);
  }

  /** Gives a slot that is here another deadline. */
  place(slot: number, deadline: number): void {
    this.#settle(this.#places.get(slot), slot, deadline);
  }

  remove(slot: number): void {
    const at = this.#places.get(slot);
    const last = --this.#size;
    if (at !== last) this.#settle(at, this.#slots.get(last), this.#deadlineAt(last));
    this.#slots.shrink(this.#size);
    if (this.#size === 0) this.#places.shrink(0);
    // What was large once must not stay so; one chunk is kept, lest it come and go at each change.
    if ((this.#deadlines.length - 2) * CHUNK >= this.#size) this.#deadlines.pop();
  }

  #settle(at: number, slot: number, deadline: number): void {
    if (at > 0 && this.#deadlineAt(parentOf(at)) > deadline) this.#rise(at, slot, deadline);
    else this.#sink(at, slot, deadline);
  }

  #rise(from: number, slot: number, deadline: number): void {
    let at = from;
    while (at > 0 && this.#deadlineAt(parentOf(at)) > deadline) {
      this.#put(at, this.#slots.get(parentOf(at)), this.#deadlineAt(parentOf(at)));
      at = parentOf(at);
    }
    this.#put(at, slot, deadline);
  }

  #sink(from: number, slot: number, deadline: number): void {
    let at = from;
    for (;;) {
      let least = -1;
      let leastDeadline = deadline;
      const first = at * ARITY + 1;
      const end = Math.min(first + ARITY, this.#size);
      for (let child = first; child < end; child++) {
        const childDeadline = this.#deadlineAt(child);
        if (childDeadline < leastDeadline) {
          least = child;
          leastDeadline = childDeadline;
        }
      }
      if (least === -1) break;
      this.#put(at, this.#slots.get(least), leastDeadline);
      at = least;
    }
    this.#put(at, slot, deadline);
  }

  #put(at: number, slot: number, deadline: number): void {
    this.#slots.set(at, slot);
    (this.#deadlines[at >>> CHUNK_BITS] as Float64Array)[at & (CHUNK - 1)] = deadline;
    this.#places.set(slot, at);
  }

  #deadlineAt(at: number): number {
    // There is a chunk for every place up to the last one's.
    return (this.#deadlines[at >>> CHUNK_BITS] as Float64Array)[at & (CHUNK - 1)] as number;
  }
}

function parentOf(at: number): number {
  return (at - 1) >>> ARITY_BITS;
}
