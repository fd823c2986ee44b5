// RedisStore on a real Redis Cluster: the contract with every Cluster client, races, several
// processes, notifications.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { IdMaker, toStoreKey } from "../../../src/core/ids/session-id.ts";
import type { StoreChange } from "../../../src/session.ts";
import { storeConformance } from "../../../src/testing.ts";
import { watchSuite } from "../../races/multi-process-watch.ts";
import { multiProcessSuite } from "../../races/multi-process.ts";
import { raceSuite } from "../../races/race-suite.ts";
import { CLUSTER_CLIENTS, openRedisStore } from "../../support/redis-clients.ts";
import { type RedisCluster, startRedisCluster } from "../../support/redis-cluster.ts";
import { skipWithoutRedis } from "../../support/redis-server.ts";
import { until } from "../../support/waits.ts";

const runner = { describe, it, before, after };

describe(
  "RedisStore on Redis Cluster",
  { skip: skipWithoutRedis() || skipWithoutRedis("redis-cli") },
  () => {
    let cluster: RedisCluster;
    before(async () => void (cluster = await startRedisCluster()));
    after(() => cluster.stop());

    for (const [at, kind] of CLUSTER_CLIENTS.entries()) {
      const port = (): number => cluster.ports[0] as number;
      storeConformance(runner, {
        name: `RedisStore with ${kind.name}`,
        open: (clock) => openRedisStore(kind, port(), { clock, prefix: `c${at}:` }),
      });
      // The races are about scripts, and those are the same for all.
      if (kind.name === "ioredis 6 Cluster")
        raceSuite(runner, {
          name: `RedisStore with ${kind.name}`,
          open: (clock) => openRedisStore(kind, port(), { clock, prefix: `r${at}:` }),
        });
    }
    multiProcessSuite(runner, {
      name: "RedisStore with ioredis 6 Cluster",
      // Each has to make room for itself in several steps: all at once they would be at it for
      // long.
      loginsAtOnce: 5,
      opener: new URL(
        `../../support/redis-clients.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`,
        import.meta.url,
      ),
      target: () =>
        JSON.stringify({ name: "ioredis 6 Cluster", port: cluster.ports[0], prefix: "processes:" }),
    });
    watchSuite(runner, {
      name: "RedisStore with ioredis 6 Cluster",
      opener: new URL(
        `../../support/redis-clients.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`,
        import.meta.url,
      ),
      target: () =>
        JSON.stringify({ name: "ioredis 6 Cluster", port: cluster.ports[0], prefix: "processes:" }),
    });

    for (const kind of CLUSTER_CLIENTS) {
      it(
        `tells of a lost connection and hears again from another node, with ${kind.name}`,
        { timeout: 30_000 },
        async () => {
          const opened = await openRedisStore(kind, cluster.ports[0] as number);
          const heard: StoreChange[] = [];
          const stop = await opened.store.subscribe((change) => heard.push(change));
          const killed = await Promise.all(
            cluster.ports.map((port) => cluster.ask(port, "CLIENT", "KILL", "TYPE", "pubsub")),
          );
          assert.equal(
            killed.map(Number).reduce((a, b) => a + b),
            1,
          );
          await until("it to listen again", () => heard.some(({ type }) => type === "listening"));
          assert.deepEqual(
            heard.map(({ type }) => type),
            ["lost", "lost", "listening"],
          );
          const now = Date.now();
          const key = toStoreKey(new IdMaker().make(Math.floor(now / 1000)));
          await opened.store.create(key, {
            data: {},
            createdAt: now,
            lastSeenAt: now,
            expiresAt: now + 1e6,
            endsAt: now + 1e6,
          });
          await opened.store.remove(key);
          await until("the removal to be heard", () =>
            heard.some((change) => change.type === "removed" && change.key === key),
          );
          await stop();
          await opened.close?.();
        },
      );
    }
  },
);
