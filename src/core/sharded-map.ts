// A Map of many small Maps: one large Map stops the process for tens of milliseconds whenever it is rehashed.

const SHARDS = 1024;

/** Maps texts to values. The last two characters choose the shard, where user ids differ most. */
export class ShardedMap<Value> {
  readonly #shards: (Map<string, Value> | undefined)[] = new Array<Map<string, Value> | undefined>(SHARDS).fill(undefined);

  get(key: string): Value | undefined {
    return this.#shards[shardOf(key)]?.get(key);
  }

  set(key: string, value: Value): void {
    const shard = (this.#shards[shardOf(key)] ??= new Map<string, Value>());
    shard.set(key, value);
  }

  delete(key: string): void {
    this.#shards[shardOf(key)]?.delete(key);
  }
}

function shardOf(key: string): number {
  const end = key.length;
  return ((key.charCodeAt(end - 2) << 4) ^ (key.charCodeAt(end - 1) * 5)) & (SHARDS - 1);
}
