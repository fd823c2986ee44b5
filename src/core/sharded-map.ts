// A Map of many small Maps: one large Map stops the process for tens of milliseconds whenever it is rehashed.

const SHARDS = 1024;

/** Maps texts to values. */
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
    const at = shardOf(key);
    const shard = this.#shards[at];
    // What was large once must not stay so.
    if (shard?.delete(key) && shard.size === 0) this.#shards[at] = undefined;
  }
}

/** All of the text counts: users may be numbered, and then their ends differ, or named by mail address, and then their beginnings. */
function shardOf(key: string): number {
  let hash = 0;
  for (let at = 0; at < key.length; at++) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0;
  return hash & (SHARDS - 1);
}
