// RedisStore while its server is killed and started again, while the network stalls, cuts and
// delays, and while a cluster replaces a master. AOF everysec, as in production.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster, Redis } from "ioredis";
import { createClient, createCluster } from "redis";
import { Session } from "../../src/session.ts";
import { type RedisClient, RedisStore } from "../../src/stores/redis.ts";
import { openWatch, watchThroughRestart } from "../races/multi-process-watch.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";
import { Load, type Visit } from "../support/redis-load.ts";
import { type RedisServer, skipWithoutRedis, startRedisServer } from "../support/redis-server.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const STORE_TIMEOUT = 0.5;
// What a turn of the event loop, a garbage collection and a busy machine may add.
const SLACK = 2000;
// AOF everysec writes at least every second, and waits for a slow disk at most twice that.
const MAY_LOSE = 2000;
// Replication is not waited for: what the dead master had not sent is lost. It is far less than
// this.
const MAY_LOSE_IN_FAILOVER = 2000;

interface Opened {
  client: RedisClient;
  close(): unknown;
}

const CLIENTS: { name: string; open(port: number): Promise<Opened> }[] = [
  {
    name: "node-redis 6",
    async open(port) {
      const client = createClient({
        url: `redis://127.0.0.1:${port}`,
        socket: { reconnectStrategy: 50 },
      });
      await client.on("error", () => {}).connect();
      return { client, close: () => client.destroy() };
    },
  },
  {
    name: "ioredis 6",
    async open(port) {
      const client = new Redis({ port, host: "127.0.0.1", retryStrategy: () => 50 });
      client.on("error", () => {});
      return { client, close: () => client.disconnect() };
    },
  },
];

const sessionOn = (client: RedisClient): Session<Visit> =>
  new Session<Visit>({ store: new RedisStore<Visit>({ client }), storeTimeout: STORE_TIMEOUT });

describe(
  "RedisStore under faults",
  { skip: skipWithoutRedis() || skipWithoutRedis("redis-cli") },
  () => {
    for (const { name, open } of CLIENTS) {
      describe(`with ${name}`, () => {
        let server: RedisServer;
        let proxy: TcpProxy;
        before(async () => {
          server = await startRedisServer({
            arguments: ["--appendonly", "yes", "--appendfsync", "everysec"],
          });
          proxy = await startTcpProxy(server.port);
        });
        after(async () => {
          await proxy.close();
          await server.stop();
        });

        it("a server that is killed and comes back loses no more than its settings say, and nobody is told to be logged out meanwhile", async (test) => {
          const opened = await open(server.port);
          test.after(() => opened.close());
          const load = new Load(sessionOn(opened.client), { mayLose: MAY_LOSE });
          await load.goOn(1000);
          load.killedAt = Date.now();
          await server.kill();
          await sleep(200);
          await server.restart();
          await load.goOn(1000);
          await load.stop();
          await load.check();
          test.diagnostic(
            `lost ${load.lost.changes} of ${load.answers} changes, the oldest ${load.lost.oldest} ms before the kill; ${JSON.stringify([...load.errors])}`,
          );
          assert.ok(
            load.longest < STORE_TIMEOUT * 1000 * 3 + SLACK,
            `a request took ${load.longest} ms`,
          );
        });

        it("a session that another process watches is ended there at once, when the server was killed and has come back meanwhile", async (test) => {
          const target = (): string =>
            JSON.stringify({ name, port: server.port, prefix: "watched:" });
          const opened = await openWatch({
            name,
            opener: new URL(
              `../support/redis-clients.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`,
              import.meta.url,
            ),
            target,
          });
          test.after(() => opened.close());
          // With everysec a write may wait for a slow disk, and a killed server loses it: that is
          // another test's matter. It lasts until the restart.
          const client = await createClient({ url: server.url }).connect();
          await client.sendCommand(["CONFIG", "SET", "appendfsync", "always"]);
          await client.close();
          await watchThroughRestart(opened, async () => {
            await server.kill();
            await sleep(200);
            await server.restart();
          });
        });

        it("a network that stalls, cuts and delays ends every request in time, and nothing that was acknowledged is undone", async (test) => {
          const opened = await open(proxy.port);
          test.after(() => opened.close());
          const load = new Load(sessionOn(opened.client));
          await load.goOn(300);
          proxy.stall();
          await sleep(STORE_TIMEOUT * 1000 + 200);
          assert.ok((load.errors.get("ERR_STORE_TIMEOUT") ?? 0) > 0);
          proxy.restore();
          await load.goOn(300);
          for (let times = 0; times < 5; times++) {
            proxy.cut();
            await load.goOn(50);
          }
          proxy.delay(20);
          await load.goOn(200);
          proxy.refuse();
          await sleep(200);
          proxy.restore();
          await load.goOn(300);
          await load.stop();
          await load.check();
          // An update of a function reads and writes, a few times over if others came first.
          assert.ok(
            load.longest < STORE_TIMEOUT * 1000 * 3 + SLACK,
            `a request took ${load.longest} ms`,
          );
        });
      });
    }

    describe("on Redis Cluster", () => {
      let cluster: RedisCluster;
      before(async () => void (cluster = await startRedisCluster()));
      after(() => cluster.stop());

      const CLUSTER_CLIENTS: typeof CLIENTS = [
        {
          name: "ioredis 6",
          async open(port) {
            const client = new Cluster([{ port, host: "127.0.0.1" }], {
              clusterRetryStrategy: () => 50,
            });
            client.on("error", () => {});
            return { client, close: () => client.disconnect() };
          },
        },
        {
          name: "node-redis 6",
          async open(port) {
            const client = createCluster({
              rootNodes: [{ url: `redis://127.0.0.1:${port}` }],
              defaults: { socket: { reconnectStrategy: 50 } },
              topologyRefreshOnReconnectionAttemptStrategy: 200,
            });
            await client.on("error", () => {}).connect();
            return { client, close: () => client.destroy() };
          },
        },
      ];
      for (const [at, { name, open }] of CLUSTER_CLIENTS.entries()) {
        it(`a replica takes the place of a master that is killed, with ${name}`, async (test) => {
          // The master of the middle slots lives on.
          const [, port] = await cluster.masters();
          const opened = await open(port as number);
          test.after(() => opened.close());
          const load = new Load(sessionOn(opened.client), { mayLose: MAY_LOSE_IN_FAILOVER });
          await load.goOn(500);
          load.killedAt = Date.now();
          // Each client sees another master die.
          await cluster.killMasterOf(at === 0 ? 0 : 16_383);
          await load.goOn(500);
          await load.stop();
          await load.check();
          test.diagnostic(
            `lost ${load.lost.changes} of ${load.answers} changes, the oldest ${load.lost.oldest} ms before the kill; ${JSON.stringify([...load.errors])}`,
          );
          assert.ok(
            load.longest < STORE_TIMEOUT * 1000 * 3 + SLACK,
            `a request took ${load.longest} ms`,
          );
        });
      }
    });
  },
);
