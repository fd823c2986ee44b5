// Finds slots by a hash. The table grows and shrinks bucket by bucket (linear hashing, Litwin
// 1980): one that doubled at once would stop the process. Does not look at what the slots stand
// for.
import { GrowingIntegers } from "./growing-integers.ts";
import { NONE } from "./record-arena.ts";

const FEWEST_BUCKETS = 16;
// 36 bits of a SHA-256 in base64url, of which the hash keeps 30: a whole number that V8 needs no
// object for.
const HASHED = 6;
const HASH_MASK = 0x3fff_ffff;

/** A hash table of slots. Those of the same hash are told apart by whoever asks. */
export class SlotTable {
  // The first slot of each bucket.
  readonly #heads = new GrowingIntegers();
  // For each slot the next one of its bucket, and its hash: side by side, since both are wanted
  // together.
  readonly #links = new GrowingIntegers();
  // As many as the slots, or up to twice as many.
  #buckets = FEWEST_BUCKETS;
  // The largest power of two that is not above.
  #floor = FEWEST_BUCKETS;
  #size = 0;

  constructor() {
    this.#heads.reach(FEWEST_BUCKETS);
  }

  get buckets(): number {
    return this.#buckets;
  }

  /** The first slot with this hash, or none. */
  first(hash: number): number {
    return this.#from(this.#heads.get(this.#bucketOf(hash)), hash);
  }

  /** The next one with the same hash. */
  after(slot: number): number {
    return this.#from(this.#nextOf(slot), this.hashAt(slot));
  }

  /** The hash that a slot was added with last. */
  hashAt(slot: number): number {
    return this.#links.get(slot * 2 + 1);
  }

  add(slot: number, hash: number): void {
    this.#links.reach((slot + 1) * 2);
    this.#links.set(slot * 2 + 1, hash);
    if (++this.#size > this.#buckets) this.#split();
    this.#link(slot, hash);
  }

  /** Takes out a slot that is here. */
  remove(slot: number): void {
    const bucket = this.#bucketOf(this.hashAt(slot));
    const following = this.#nextOf(slot);
    let before = this.#heads.get(bucket);
    if (before === slot) this.#heads.set(bucket, following);
    else {
      while (this.#nextOf(before) !== slot) before = this.#nextOf(before);
      this.#links.set(before * 2, following);
    }
    this.#size--;
    // Two for each slot, or a table that empties would be behind.
    for (
      let merged = 0;
      merged < 2 && this.#size * 2 < this.#buckets && this.#buckets > FEWEST_BUCKETS;
      merged++
    )
      this.#merge();
    if (this.#size === 0) this.#links.shrink(0);
  }

  #from(slot: number, hash: number): number {
    let at = slot;
    while (at !== NONE && this.hashAt(at) !== hash) at = this.#nextOf(at);
    return at;
  }

  #nextOf(slot: number): number {
    return this.#links.get(slot * 2);
  }

  #bucketOf(hash: number): number {
    const bucket = hash & (this.#floor * 2 - 1);
    return bucket < this.#buckets ? bucket : bucket & (this.#floor - 1);
  }

  #link(slot: number, hash: number): void {
    const bucket = this.#bucketOf(hash);
    this.#links.set(slot * 2, this.#heads.get(bucket));
    this.#heads.set(bucket, slot);
  }

  /** One bucket more: what belongs there is part of another one. */
  #split(): void {
    const from = this.#buckets - this.#floor;
    this.#buckets++;
    if (this.#buckets === this.#floor * 2) this.#floor *= 2;
    this.#heads.reach(this.#buckets);
    this.#relink(from);
  }

  /** One bucket less: what is there goes back to where it came from. */
  #merge(): void {
    const from = --this.#buckets;
    if (this.#buckets < this.#floor) this.#floor /= 2;
    this.#relink(from);
    this.#heads.shrink(this.#buckets);
  }

  /** Puts the slots of a bucket where they belong now. */
  #relink(bucket: number): void {
    let at = this.#heads.get(bucket);
    this.#heads.set(bucket, NONE);
    while (at !== NONE) {
      const following = this.#nextOf(at);
      this.#link(at, this.hashAt(at));
      at = following;
    }
  }
}

/**
 * The hash of a text that ends in a SHA-256: its last characters are as good as any hash, and all
 * 52 of a key would take longer.
 */
export function hashOf(text: string): number {
  let hash = 0;
  for (let at = Math.max(text.length - HASHED, 0); at < text.length; at++)
    hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  return hash & HASH_MASK;
}
