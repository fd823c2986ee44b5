// A three-method store on Redis, as the seed's page makes one: the object is typed by `Store` and
// by nothing else.
import type { Store } from "harpiats/session";
import type { createClient } from "redis";

/** Sessions in Redis, under their ids. */
export function makeRedisStore(
  redis: Pick<ReturnType<typeof createClient>, "get" | "set" | "del">,
): Store {
  const store: Store = {
    async get(id) {
      const text = await redis.get(id);
      return text ? JSON.parse(text) : undefined;
    },
    async set(id, data) {
      await redis.set(id, JSON.stringify(data));
    },
    async delete(id) {
      await redis.del(id);
    },
  };
  return store;
}
