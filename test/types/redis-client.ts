// Real clients are what RedisStore takes, without a cast; what is none is refused by the compiler.
// Compiled, never run.
import type { Cluster, Redis } from "ioredis";
import type { Cluster as Cluster5, Redis as Redis5 } from "ioredis5";
import type { createClient, createClientPool, createCluster, createSentinel } from "redis";
import type { createClient as createClient4, createCluster as createCluster4 } from "redis4";
import type {
  createClient as createClient5,
  createClientPool as createClientPool5,
  createCluster as createCluster5,
  createSentinel as createSentinel5,
} from "redis5";
import { Session } from "../../src/session.ts";
import {
  type IoRedisClient,
  type IoRedisCluster,
  type NodeRedisClient,
  type NodeRedisCluster,
  RedisStore,
} from "../../src/stores/redis.ts";

interface Data {
  userId: string;
}

declare const nodeRedis6: ReturnType<typeof createClient>;
declare const nodeRedis5: ReturnType<typeof createClient5>;
declare const nodeRedis4: ReturnType<typeof createClient4>;
declare const pool6: ReturnType<typeof createClientPool>;
declare const pool5: ReturnType<typeof createClientPool5>;
declare const sentinel6: ReturnType<typeof createSentinel>;
declare const sentinel5: ReturnType<typeof createSentinel5>;
declare const cluster6: ReturnType<typeof createCluster>;
declare const cluster5: ReturnType<typeof createCluster5>;
declare const cluster4: ReturnType<typeof createCluster4>;
declare const io6: Redis;
declare const io5: Redis5;
declare const ioCluster6: Cluster;
declare const ioCluster5: Cluster5;

export const single: NodeRedisClient[] = [
  nodeRedis6,
  nodeRedis5,
  nodeRedis4,
  pool6,
  pool5,
  sentinel6,
  sentinel5,
];
export const clusters: NodeRedisCluster[] = [cluster6, cluster5, cluster4];
export const ioRedis: IoRedisClient[] = [io6, io5];
export const ioClusters: IoRedisCluster[] = [ioCluster6, ioCluster5];

export const untyped = new Session({ store: new RedisStore({ client: nodeRedis6 }) });
export const typed: Session<Data>[] = [
  new Session({ store: new RedisStore<Data>({ client: nodeRedis4 }) }),
  new Session({ store: new RedisStore<Data>({ client: cluster6 }) }),
  new Session<Data>({ store: new RedisStore({ client: io6 }) }),
  new Session<Data>({ store: new RedisStore({ client: ioCluster5 }) }),
];

// @ts-expect-error a URL is no client
export const ofUrl = new RedisStore({ client: "redis://localhost" });
// @ts-expect-error a client has methods
export const ofNothing = new RedisStore({ client: {} });
