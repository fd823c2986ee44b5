// The races suite and several processes on RedisStore.
import { after, before, describe, it } from "node:test";
import { createClient } from "redis";
import { CLIENTS, openRedisStore } from "../support/redis-clients.ts";
import { type RedisServer, skipWithoutRedis, startRedisServer } from "../support/redis-server.ts";
import { watchSuite } from "./multi-process-watch.ts";
import { multiProcessSuite } from "./multi-process.ts";
import { nearCacheSuite } from "./near-cache-suite.ts";
import { raceSuite } from "./race-suite.ts";

const runner = { describe, it, before, after };
const skip = skipWithoutRedis();

describe("RedisStore", { skip }, () => {
  let server: RedisServer;
  before(async () => void (server = await startRedisServer()));
  after(() => server.stop());

  // The scripts are the same by every client, and conformance holds each to its answers: the oldest
  // and the newest of both race.
  for (const kind of CLIENTS.filter(({ name }) =>
    ["node-redis 6", "node-redis 4", "ioredis 5"].includes(name),
  )) {
    raceSuite(runner, {
      name: `RedisStore with ${kind.name}`,
      open: (clock) =>
        openRedisStore(kind, server.port, { clock, prefix: `${kind.name.replace(" ", "-")}:` }),
    });
  }
  multiProcessSuite(runner, {
    name: "RedisStore",
    opener: new URL(
      `../support/redis-clients.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`,
      import.meta.url,
    ),
    target: () => JSON.stringify({ name: "node-redis 6", port: server.port, prefix: "processes:" }),
  });
  watchSuite(runner, {
    name: "RedisStore",
    opener: new URL(
      `../support/redis-clients.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`,
      import.meta.url,
    ),
    target: () => JSON.stringify({ name: "node-redis 6", port: server.port, prefix: "processes:" }),
  });
  for (const kind of CLIENTS) {
    nearCacheSuite(runner, {
      name: `RedisStore with ${kind.name}`,
      async open() {
        const options = { prefix: `near-${kind.name.replace(" ", "-")}:` };
        const [here, elsewhere] = [
          await openRedisStore(kind, server.port, options),
          await openRedisStore(kind, server.port, options),
        ];
        const admin = createClient({ url: server.url });
        await admin.connect();
        const close = (): Promise<unknown> =>
          Promise.all([here.close?.(), elsewhere.close?.(), admin.close()]);
        return {
          here: here.store,
          elsewhere: elsewhere.store,
          breakMessages: () => admin.sendCommand(["CLIENT", "KILL", "TYPE", "pubsub"]),
          close,
        };
      },
    });
  }
});
