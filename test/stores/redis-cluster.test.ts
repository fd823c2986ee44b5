// RedisStore on a real Redis Cluster: the contract and the races with every Cluster client.
import { after, before, describe, it } from "node:test";
import { storeConformance } from "../../src/testing.ts";
import { multiProcessSuite } from "../races/multi-process.ts";
import { raceSuite } from "../races/race-suite.ts";
import { CLUSTER_CLIENTS, openRedisStore } from "../support/redis-clients.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";
import { skipWithoutRedis } from "../support/redis-server.ts";

const runner = { describe, it, before, after };

describe("RedisStore on Redis Cluster", { skip: skipWithoutRedis() || skipWithoutRedis("redis-cli") }, () => {
  let cluster: RedisCluster;
  before(async () => void (cluster = await startRedisCluster()));
  after(() => cluster.stop());

  for (const [at, kind] of CLUSTER_CLIENTS.entries()) {
    const port = (): number => cluster.ports[0] as number;
    storeConformance(runner, { name: `RedisStore with ${kind.name}`, open: (clock) => openRedisStore(kind, port(), { clock, prefix: `c${at}:` }) });
    raceSuite(runner, { name: `RedisStore with ${kind.name}`, open: (clock) => openRedisStore(kind, port(), { clock, prefix: `r${at}:` }) });
  }
  multiProcessSuite(runner, {
    name: "RedisStore with ioredis 6 Cluster",
    opener: new URL(`../support/redis-clients.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url),
    target: () => JSON.stringify({ name: "ioredis 6 Cluster", port: cluster.ports[0], prefix: "processes:" }),
  });
});
