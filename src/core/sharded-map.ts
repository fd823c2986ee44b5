// A Map of many small Maps: one large Map stops the process for tens of milliseconds whenever it is rehashed.

const SHARDS = 1024;

/** Maps texts to values. The last two characters choose the shard, where keys and user ids differ most. */
export class ShardedMap<Value> {
  readonly #shards: (Map<string, Value> | undefined)[] = new Array<Map<string, Value> | undefined>(SHARDS).fill(undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): Value | undefined {
    return this.#shards[shardOf(key)]?.get(key);
  }

  set(key: string, value: Value): void {
    const shard = (this.#shards[shardOf(key)] ??= new Map<string, Value>());
    const before = shard.size;
    shard.set(key, value);
    this.#size += shard.size - before;
  }

  delete(key: string): void {
    if (this.#shards[shardOf(key)]?.delete(key)) this.#size--;
  }

  /**
   * The keys after `after` (its own shard's in order, then the next shards'), at least `limit` of them or all there are.
   */
  keysAfter(after: string | undefined, limit: number): string[] {
    const keys: string[] = [];
    const first = after === undefined ? 0 : shardOf(after);
    for (let at = first; at < SHARDS && keys.length < limit; at++) {
      const sorted = [...(this.#shards[at]?.keys() ?? [])].sort();
      for (const key of sorted) {
        if (keys.length < limit && (at > first || after === undefined || key > after)) keys.push(key);
      }
    }
    return keys;
  }
}

function shardOf(key: string): number {
  const end = key.length;
  return ((key.charCodeAt(end - 2) << 4) ^ (key.charCodeAt(end - 1) * 5)) & (SHARDS - 1);
}
