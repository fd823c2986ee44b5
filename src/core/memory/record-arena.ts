// Where MemoryStore's records lie: as bytes in segments, which the collector does not look into. A
// million objects make each of its full collections take some hundred milliseconds; bytes cost it
// nothing. Knows sizes and places, and not what a record says.
import { Buffer } from "node:buffer";
import { GrowingIntegers } from "./growing-integers.ts";

/** No record: slots count from 1. */
export const NONE = 0;
/** What the arena itself keeps in front of each record, in bytes. */
export const ARENA_BYTES = 8;

// 64 KiB: moving what lives in one takes a fraction of a millisecond.
const SEGMENT_BITS = 13;
const SEGMENT_WORDS = 1 << SEGMENT_BITS;
const WORD = 8;
// An address is a segment's number and a word's in it, 31 bits. With the 32nd it says that the slot
// is free, and which is free next.
const FREE = 0x8000_0000;
const MOST_SEGMENTS = FREE >>> SEGMENT_BITS;

// In front of each record: its slot (none: it is dead), and how many words it takes.
const SLOT = 0;
const WORDS = 1;

class Segment {
  readonly integers: Uint32Array;
  readonly floats: Float64Array;
  readonly bytes: Buffer;
  // Words.
  used = 0;
  live = 0;

  constructor(words: number) {
    const buffer = new ArrayBuffer(words * WORD);
    this.integers = new Uint32Array(buffer);
    this.floats = new Float64Array(buffer);
    this.bytes = Buffer.from(buffer);
  }
}

/**
 * Keeps records of any size under numbers that stay theirs, slots, while the records themselves may
 * move.
 *
 * At most about a third of what it takes is waste: then the emptiest segment is emptied into
 * another, one at a time.
 */
export class RecordArena {
  readonly #addresses = new GrowingIntegers();
  #segments: (Segment | undefined)[] = [];
  readonly #gaps: number[] = [];
  #current = -1;
  #slots = 1;
  #free = NONE;
  #count = 0;
  #capacity = 0;
  #live = 0;

  /** How many records there are. */
  get count(): number {
    return this.#count;
  }

  /** What the segments take. */
  get bytes(): number {
    return this.#capacity * WORD;
  }

  /** Every slot in use is below. */
  get end(): number {
    return this.#slots;
  }

  has(slot: number): boolean {
    return slot > NONE && slot < this.#slots && this.#addresses.get(slot) < FREE;
  }

  /** Room for a record of so many bytes, not cleared. @returns its slot. */
  add(bytes: number): number {
    const slot = this.#takeSlot();
    this.#count++;
    this.#addresses.set(slot, this.#place(slot, wordsOf(bytes)));
    return slot;
  }

  /** Gives a record another size. What it says stays as far as there is room. */
  resize(slot: number, bytes: number): void {
    const words = wordsOf(bytes);
    const from = this.#addresses.get(slot);
    const had = this.#segmentAt(from).integers[integerAt(from) + WORDS] as number;
    if (words <= had && words * 2 > had) return;
    this.#move(slot, from, words);
    this.#release(from);
  }

  remove(slot: number): void {
    const from = this.#addresses.get(slot);
    this.#addresses.set(slot, (FREE | this.#free) >>> 0);
    this.#free = slot;
    this.#count--;
    this.#release(from);
    if (this.#count === 0) this.#clear();
  }

  integer(slot: number, field: number): number {
    const address = this.#addresses.get(slot);
    return this.#segmentAt(address).integers[integerAt(address) + field] as number;
  }

  setInteger(slot: number, field: number, value: number): void {
    const address = this.#addresses.get(slot);
    this.#segmentAt(address).integers[integerAt(address) + field] = value;
  }

  float(slot: number, field: number): number {
    const address = this.#addresses.get(slot);
    return this.#segmentAt(address).floats[wordAt(address) + field] as number;
  }

  setFloat(slot: number, field: number, value: number): void {
    const address = this.#addresses.get(slot);
    this.#segmentAt(address).floats[wordAt(address) + field] = value;
  }

  /**
   * The numbers among which a record's are, from {@link RecordArena.wordOf} on, until anything is
   * added, resized or removed.
   */
  floatsOf(slot: number): Float64Array {
    return this.#segmentAt(this.#addresses.get(slot)).floats;
  }

  wordOf(slot: number): number {
    return wordAt(this.#addresses.get(slot));
  }

  text(slot: number, offset: number, bytes: number, encoding: "latin1" | "utf16le"): string {
    const address = this.#addresses.get(slot);
    const from = wordAt(address) * WORD + offset;
    return this.#segmentAt(address).bytes.toString(encoding, from, from + bytes);
  }

  setText(slot: number, offset: number, text: string, encoding: "latin1" | "utf16le"): void {
    const address = this.#addresses.get(slot);
    this.#segmentAt(address).bytes.write(text, wordAt(address) * WORD + offset, encoding);
  }

  /** Whether a text lies there, one byte for a character. */
  hasText(slot: number, offset: number, text: string): boolean {
    const address = this.#addresses.get(slot);
    const { bytes } = this.#segmentAt(address);
    const from = wordAt(address) * WORD + offset;
    // From the end: there texts that begin alike differ.
    for (let at = text.length - 1; at >= 0; at--)
      if (bytes[from + at] !== text.charCodeAt(at)) return false;
    return true;
  }

  #takeSlot(): number {
    const slot = this.#free;
    if (slot !== NONE) {
      this.#free = this.#addresses.get(slot) & ~FREE;
      return slot;
    }
    this.#addresses.reach(this.#slots + 1);
    return this.#slots++;
  }

  /** Takes room for a record. @returns its address. */
  #place(slot: number, words: number): number {
    let at = this.#current;
    let segment = this.#segments[at];
    if (!segment || segment.used + words > SEGMENT_WORDS) {
      at = this.#gaps.pop() ?? this.#segments.length;
      if (at >= MOST_SEGMENTS)
        throw new RangeError(
          "Cannot keep another session in memory: 16 GiB are taken, a smaller maxSessions is wanted",
        );
      segment = new Segment(Math.max(words, SEGMENT_WORDS));
      this.#segments[at] = segment;
      this.#capacity += segment.floats.length;
      // What is larger than a segment has one for itself.
      if (words <= SEGMENT_WORDS) this.#current = at;
    }
    const word = segment.used;
    segment.used += words;
    segment.live += words;
    this.#live += words;
    segment.integers[word * 2 + SLOT] = slot;
    segment.integers[word * 2 + WORDS] = words;
    return at * SEGMENT_WORDS + word;
  }

  #move(slot: number, from: number, words: number): void {
    const source = this.#segmentAt(from).integers;
    const start = integerAt(from);
    const length = Math.min(words, source[start + WORDS] as number) * 2;
    const to = this.#place(slot, words);
    const target = this.#segmentAt(to).integers;
    // Without a view of it, which would be an object for each record. The first two are there.
    for (let at = 2; at < length; at++) target[integerAt(to) + at] = source[start + at] as number;
    this.#addresses.set(slot, to);
  }

  #release(address: number): void {
    const segment = this.#segmentAt(address);
    const words = segment.integers[integerAt(address) + WORDS] as number;
    segment.integers[integerAt(address) + SLOT] = NONE;
    segment.live -= words;
    this.#live -= words;
    if (segment.live === 0) this.#drop(address >>> SEGMENT_BITS);
    else if (this.#capacity * 2 > this.#live * 3 + 4 * SEGMENT_WORDS) this.#compact();
  }

  #drop(at: number): void {
    const segment = this.#segments[at] as Segment;
    segment.used = 0;
    // The one that is being filled can be filled anew.
    if (at === this.#current) return;
    this.#capacity -= segment.floats.length;
    this.#segments[at] = undefined;
    this.#gaps.push(at);
  }

  /** Empties the emptiest segment. */
  #compact(): void {
    let emptiest = -1;
    let least = SEGMENT_WORDS;
    for (const [at, segment] of this.#segments.entries()) {
      if (!segment || at === this.#current || segment.live >= least) continue;
      emptiest = at;
      least = segment.live;
    }
    const segment = this.#segments[emptiest];
    if (!segment) return;
    for (let word = 0; word < segment.used;) {
      const slot = segment.integers[word * 2 + SLOT] as number;
      const words = segment.integers[word * 2 + WORDS] as number;
      if (slot !== NONE) this.#move(slot, emptiest * SEGMENT_WORDS + word, words);
      word += words;
    }
    this.#live -= segment.live;
    this.#drop(emptiest);
  }

  #clear(): void {
    this.#addresses.shrink(0);
    this.#slots = 1;
    this.#free = NONE;
  }

  #segmentAt(address: number): Segment {
    // Slots hold only addresses inside existing segments.
    return this.#segments[address >>> SEGMENT_BITS] as Segment;
  }
}

function wordsOf(bytes: number): number {
  return Math.ceil(bytes / WORD);
}

function wordAt(address: number): number {
  return address & (SEGMENT_WORDS - 1);
}

function integerAt(address: number): number {
  return wordAt(address) * 2;
}
