// Entries by key, in a hash table of our own. Keys end in a SHA-256, so a few of their last characters are as good as any
// hash; a Map would first hash all 52, which takes it longer than SHA-256 itself took. Many small tables, as in ShardedMap: one
// large one would stop the process whenever it grows.

const SHARD_BITS = 10;
const SHARDS = 1 << SHARD_BITS;
const FIRST_CAPACITY = 4;
// 30 bits and more: enough for the shards and for whatever a shard grows to.
const HASHED = 6;

/** What the table holds. `next` is the table's own: the next entry of the same bucket. */
export interface KeyedEntry<Entry> {
  key: string;
  next: Entry | undefined;
}

interface Shard<Entry> {
  // As many as the entries or up to twice as many; a power of two.
  buckets: (Entry | undefined)[];
  size: number;
}

/** Keeps entries by their keys. An entry's key must not change while it is here. */
export class KeyTable<Entry extends KeyedEntry<Entry>> {
  readonly #shards = new Array<Shard<Entry> | undefined>(SHARDS).fill(undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): Entry | undefined {
    const hash = hashOf(key);
    const shard = this.#shards[shardOf(hash)];
    if (!shard) return undefined;
    let entry = shard.buckets[bucketOf(hash, shard)];
    while (entry && entry.key !== key) entry = entry.next;
    return entry;
  }

  /** Adds an entry. There must be none with this key. */
  add(entry: Entry): void {
    const hash = hashOf(entry.key);
    const shard = (this.#shards[shardOf(hash)] ??= { buckets: emptyBuckets(FIRST_CAPACITY), size: 0 });
    if (shard.size === shard.buckets.length) grow(shard);
    place(entry, bucketOf(hash, shard), shard);
    shard.size++;
    this.#size++;
  }

  /** Takes out an entry that is here. */
  remove(entry: Entry): void {
    const hash = hashOf(entry.key);
    const shard = this.#shards[shardOf(hash)] as Shard<Entry>;
    const at = bucketOf(hash, shard);
    let before = shard.buckets[at] as Entry;
    if (before === entry) shard.buckets[at] = entry.next;
    else {
      while (before.next !== entry) before = before.next as Entry;
      before.next = entry.next;
    }
    entry.next = undefined;
    this.#size--;
    // What was large once must not stay so: an empty table is as small as a new one.
    if (--shard.size === 0) this.#shards[shardOf(hash)] = undefined;
  }

  /**
   * The keys after `after` (its own shard's in order, then the next shards'), at least `limit` of them or all there are.
   */
  keysAfter(after: string | undefined, limit: number): string[] {
    const keys: string[] = [];
    const first = after === undefined ? 0 : shardOf(hashOf(after));
    for (let at = first; at < SHARDS && keys.length < limit; at++) {
      for (const key of [...keysOf(this.#shards[at])].sort()) {
        if (keys.length < limit && (at > first || after === undefined || key > after)) keys.push(key);
      }
    }
    return keys;
  }
}

function hashOf(key: string): number {
  let hash = 0;
  for (let at = key.length - HASHED; at < key.length; at++) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0;
  return hash;
}

function shardOf(hash: number): number {
  return hash & (SHARDS - 1);
}

function bucketOf<Entry>(hash: number, shard: Shard<Entry>): number {
  return (hash >>> SHARD_BITS) & (shard.buckets.length - 1);
}

function emptyBuckets<Entry>(capacity: number): (Entry | undefined)[] {
  return new Array<Entry | undefined>(capacity).fill(undefined);
}

function place<Entry extends KeyedEntry<Entry>>(entry: Entry, at: number, shard: Shard<Entry>): void {
  entry.next = shard.buckets[at];
  shard.buckets[at] = entry;
}

function grow<Entry extends KeyedEntry<Entry>>(shard: Shard<Entry>): void {
  const { buckets } = shard;
  shard.buckets = emptyBuckets(buckets.length * 2);
  for (const first of buckets) {
    let entry = first;
    while (entry) {
      const { next } = entry;
      place(entry, bucketOf(hashOf(entry.key), shard), shard);
      entry = next;
    }
  }
}

function* keysOf<Entry extends KeyedEntry<Entry>>(shard: Shard<Entry> | undefined): Generator<string> {
  for (const first of shard?.buckets ?? []) {
    for (let entry = first; entry; entry = entry.next) yield entry.key;
  }
}
