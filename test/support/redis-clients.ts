// Every client that RedisStore takes, by name and opened alike, so that tests can run with each.
import { createClient, createCluster } from "redis";
import { createClient as createClient4, createCluster as createCluster4 } from "redis4";
import { createClient as createClient5, createCluster as createCluster5 } from "redis5";
import { Cluster, Redis } from "ioredis";
import { Cluster as Cluster5, Redis as Redis5 } from "ioredis5";
import { RedisStore, type RedisClient, type RedisStoreOptions } from "../../src/stores/redis.ts";
import type { Fields, OpenedStore } from "../../src/testing/conformance-bench.ts";

/** A connected client and how to close it. */
export interface OpenedClient {
  client: RedisClient;
  close(): Promise<unknown>;
}

export interface ClientKind {
  name: string;
  open(port: number): Promise<OpenedClient>;
}

const HOST = "127.0.0.1";

// What the node-redis majors have in common here; quit waits for what is under way in each.
async function opened(
  client: RedisClient & {
    on(event: "error", listener: () => void): unknown;
    connect(): Promise<unknown>;
    quit(): Promise<unknown>;
  },
): Promise<OpenedClient> {
  client.on("error", () => {});
  await client.connect();
  return { client, close: () => client.quit() };
}

function ioredis(
  client: RedisClient & {
    on(event: "error", listener: () => void): unknown;
    quit(): Promise<unknown>;
  },
): OpenedClient {
  client.on("error", () => {});
  return { client, close: () => client.quit() };
}

/** Clients of one server. */
export const CLIENTS: readonly ClientKind[] = [
  {
    name: "node-redis 6",
    open: (port) => opened(createClient({ url: `redis://${HOST}:${port}` })),
  },
  {
    name: "node-redis 5",
    open: (port) => opened(createClient5({ url: `redis://${HOST}:${port}` })),
  },
  {
    name: "node-redis 4",
    open: (port) => opened(createClient4({ url: `redis://${HOST}:${port}` })),
  },
  { name: "ioredis 6", open: async (port) => ioredis(new Redis({ port, host: HOST })) },
  { name: "ioredis 5", open: async (port) => ioredis(new Redis5({ port, host: HOST })) },
];

/** Clients of a cluster, given the port of one of its nodes. */
export const CLUSTER_CLIENTS: readonly ClientKind[] = [
  {
    name: "node-redis 6 Cluster",
    open: (port) => opened(createCluster({ rootNodes: [{ url: `redis://${HOST}:${port}` }] })),
  },
  {
    name: "node-redis 5 Cluster",
    open: (port) => opened(createCluster5({ rootNodes: [{ url: `redis://${HOST}:${port}` }] })),
  },
  {
    name: "node-redis 4 Cluster",
    open: (port) => opened(createCluster4({ rootNodes: [{ url: `redis://${HOST}:${port}` }] })),
  },
  { name: "ioredis 6 Cluster", open: async (port) => ioredis(new Cluster([{ host: HOST, port }])) },
  {
    name: "ioredis 5 Cluster",
    open: async (port) => ioredis(new Cluster5([{ host: HOST, port }])),
  },
];

/** A store over a client of its own. */
export async function openRedisStore(
  kind: ClientKind,
  port: number,
  options: Omit<RedisStoreOptions, "client"> = {},
): Promise<OpenedStore & { store: RedisStore<Fields>; client: RedisClient }> {
  const { client, close } = await kind.open(port);
  return { store: new RedisStore<Fields>({ client, ...options }), client, close };
}

/** For `multiProcessSuite`. The target is JSON: the name of the client, the port, the prefix. */
export async function openForProcess(target: string): Promise<OpenedStore> {
  const { name, port, prefix, sharded } = JSON.parse(target) as {
    name: string;
    port: number;
    prefix: string;
    sharded?: boolean;
  };
  const kind = [...CLIENTS, ...CLUSTER_CLIENTS].find((one) => one.name === name);
  if (!kind) throw new Error(`There is no client ${name}`);
  return openRedisStore(kind, port, { prefix, ...(sharded !== undefined && { sharded }) });
}
