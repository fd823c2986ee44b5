// Makes one small port of node-redis and ioredis, of a single server (or what Sentinel stands for)
// and of a cluster, by structure. Knows nothing of sessions.
import { refuseClient } from "../../core/checks.ts";
import type { Script } from "./prelude.ts";
import { toText } from "./record.ts";

/**
 * A client of `redis` (node-redis 4 to 6): `createClient`, `createSentinel`, `createClientPool`.
 */
export interface NodeRedisClient {
  evalSha(sha: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  get(key: string): Promise<unknown>;
  mGet(keys: string[]): Promise<unknown>;
}

/** `createCluster` of `redis` (node-redis 4 to 6). */
export interface NodeRedisCluster {
  sendCommand(firstKey: string, isReadonly: boolean, command: string[]): Promise<unknown>;
  get(key: string): Promise<unknown>;
  readonly masters: readonly { address: string }[];
  nodeClient(node: never): unknown;
}

/** `new Redis()` of `ioredis` (5 and 6), with Sentinel or without. */
export interface IoRedisClient {
  evalsha(sha: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  eval(script: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  get(key: string): Promise<unknown>;
  mget(keys: string[]): Promise<unknown>;
  scan(
    cursor: string,
    match: "MATCH",
    pattern: string,
    count: "COUNT",
    about: number,
  ): Promise<unknown>;
}

/** `new Cluster()` of `ioredis` (5 and 6). */
export interface IoRedisCluster {
  evalsha(sha: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  eval(script: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  get(key: string): Promise<unknown>;
  readonly isCluster: boolean;
  nodes(role: "master"): unknown[];
}

/** Whatever `RedisStore` can work with. */
export type RedisClient = NodeRedisClient | NodeRedisCluster | IoRedisClient | IoRedisCluster;

/** One server, or one master of a cluster, to walk through its keys. */
export interface RedisNode {
  readonly name: string;
  /** The client of this node. */
  readonly client: object;
  scan(cursor: string, pattern: string, count: number): Promise<{ cursor: string; keys: string[] }>;
  /** How many keys it has, ours and others'. */
  size(): Promise<number>;
}

/** What the store needs of a client. */
export interface RedisPort {
  /** Whether a command may only name keys of one slot. */
  readonly isSharded: boolean;
  /** Whether the client knows of several servers. */
  readonly isCluster: boolean;
  /** `ioredis` or `node-redis`. */
  readonly dialect: "ioredis" | "node-redis";
  run(script: Script, keys: string[], values: string[]): Promise<unknown>;
  /** `undefined` where there is nothing, `null` where there is something but no text. */
  get(keys: readonly string[]): Promise<(string | null | undefined)[]>;
  /** The servers that hold keys, as the client knows them now. */
  nodes(): Promise<RedisNode[]>;
}

// What was checked to be there when the client was taken.
type Methods = Record<string, (...args: unknown[]) => unknown>;

/**
 * @param isSharded whether keys of different slots are on different servers; by default what the
 * client says.
 * @throws TypeError for what is no such client.
 */
export function toRedisPort(client: RedisClient, isSharded?: boolean): RedisPort {
  const kind = kindOfClient(client);
  // The structure was just looked at.
  const methods = client as unknown as Methods & {
    options?: { keyPrefix?: unknown; scaleReads?: unknown };
    _keyPrefix?: unknown;
  };
  const { keyPrefix = methods._keyPrefix, scaleReads = "master" } = methods.options ?? {};
  if (keyPrefix)
    throw new TypeError(
      "Cannot use this client: it puts a keyPrefix before every key, one without is wanted (RedisStore has its own option prefix)",
    );
  if (scaleReads !== "master")
    throw new TypeError(
      'Cannot use this client: its scaleReads sends reads to replicas, which know late of a logout, scaleReads: "master" is wanted',
    );
  const run =
    kind.dialect === "ioredis"
      ? runWithIoRedis(methods)
      : kind.isCluster
        ? runWithNodeRedisCluster(methods)
        : runWithNodeRedis(methods);
  const many = kind.dialect === "ioredis" ? "mget" : "mGet";
  return {
    isSharded: isSharded ?? kind.isCluster,
    isCluster: kind.isCluster,
    dialect: kind.dialect,
    run,
    async get(keys) {
      const [first] = keys;
      if (first !== undefined && keys.length === 1) return [await getOne(methods, first)];
      if (this.isSharded) return Promise.all(keys.map((key) => getOne(methods, key)));
      const replies = (await methods[many]?.(keys)) as unknown[];
      return replies.map((reply) => (reply === null ? undefined : toText(reply)));
    },
    nodes: () => nodesOf(methods, kind),
  };
}

interface Kind {
  dialect: "ioredis" | "node-redis";
  isCluster: boolean;
}

function kindOfClient(client: unknown): Kind {
  const has = (...names: string[]): boolean =>
    names.every((name) => typeof Object(client)[name] === "function");
  if (has("evalsha", "eval", "get")) {
    const isCluster = Object(client).isCluster === true;
    if (has(isCluster ? "nodes" : "mget")) return { dialect: "ioredis", isCluster };
  }
  if (has("sendCommand", "get", "nodeClient") && Array.isArray(Object(client).masters))
    return { dialect: "node-redis", isCluster: true };
  if (has("evalSha", "eval", "get", "mGet")) return { dialect: "node-redis", isCluster: false };
  refuseClient(
    client,
    "a client of redis (node-redis 4 to 6) or ioredis (5 to 6), single or Cluster",
  );
}

function runWithIoRedis(client: Methods): RedisPort["run"] {
  return (script, keys, values) =>
    withSource(
      () => client["evalsha"]?.(script.sha, keys.length, ...keys, ...values),
      () => client["eval"]?.(script.source, keys.length, ...keys, ...values),
    );
}

function runWithNodeRedis(client: Methods): RedisPort["run"] {
  return (script, keys, values) =>
    withSource(
      () => client["evalSha"]?.(script.sha, { keys, arguments: values }),
      () => client["eval"]?.(script.source, { keys, arguments: values }),
    );
}

// The evalSha of node-redis 4's cluster asks any node, whatever the key.
function runWithNodeRedisCluster(client: Methods): RedisPort["run"] {
  const send = (keys: string[], ...command: string[]): unknown =>
    client["sendCommand"]?.(keys[0], false, command);
  return (script, keys, values) =>
    withSource(
      () => send(keys, "EVALSHA", script.sha, String(keys.length), ...keys, ...values),
      () => send(keys, "EVAL", script.source, String(keys.length), ...keys, ...values),
    );
}

/**
 * By its SHA; with the source where the server does not know it: at first, after SCRIPT FLUSH,
 * after a failover.
 */
async function withSource(bySha: () => unknown, bySource: () => unknown): Promise<unknown> {
  try {
    return await bySha();
  } catch (error) {
    if (!isReply(error, "NOSCRIPT")) throw error;
    return bySource();
  }
}

async function getOne(client: Methods, key: string): Promise<string | null | undefined> {
  try {
    const reply = await client["get"]?.(key);
    return reply === null ? undefined : toText(reply);
  } catch (error) {
    if (isReply(error, "WRONGTYPE")) return null;
    throw error;
  }
}

/** Servers begin an error with its code, and nothing else says which it is. */
function isReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(`${code} `);
}

async function nodesOf(
  client: Methods & { masters?: unknown },
  { dialect, isCluster }: Kind,
): Promise<RedisNode[]> {
  if (!isCluster) return [toNode("", client, dialect)];
  if (dialect === "ioredis") {
    const nodes = (client["nodes"]?.("master") ?? []) as (Methods & {
      options?: { host?: string; port?: number };
    })[];
    return nodes.map((node) =>
      toNode(`${node.options?.host}:${node.options?.port}`, node, dialect),
    );
  }
  const masters = client.masters as { address: string }[];
  return Promise.all(
    masters.map(async (node) =>
      toNode(node.address, (await client["nodeClient"]?.(node)) as Methods, dialect),
    ),
  );
}

function toNode(name: string, client: Methods, dialect: Kind["dialect"]): RedisNode {
  return {
    name,
    client,
    async scan(cursor, pattern, count) {
      if (dialect === "ioredis") {
        const page = (await client["scan"]?.(cursor, "MATCH", pattern, "COUNT", count)) as [
          unknown,
          unknown[],
        ];
        return { cursor: toText(page[0]), keys: page[1].map(toText) };
      }
      const reply = (await client["scan"]?.(cursor, { MATCH: pattern, COUNT: count })) as {
        cursor: unknown;
        keys: unknown[];
      };
      return { cursor: toText(reply.cursor), keys: reply.keys.map(toText) };
    },
    size: async () => Number(await client[dialect === "ioredis" ? "dbsize" : "dbSize"]?.()),
  };
}
