// Opens a RedisStore with the client that is installed: node-redis, or ioredis.
import { clearTimeout, setTimeout } from "node:timers";
import { type RedisClient, RedisStore } from "../redis.ts";
import { exportOf, loadDriver, type Loaded, type Opening, type OpeningOptions } from "./driver.ts";
import { flagOf } from "./store-url.ts";

// How long a client waits before it connects again: at first hardly, in the end seconds.
const LONGEST_PAUSE = 2000;
// What a key looks like, and no session has.
const ABSENT = `00000000.${"A".repeat(43)}`;

/** A client that knows how to begin and to end. */
interface Connection {
  client: RedisClient;
  connect(): Promise<void>;
  command(...words: string[]): Promise<unknown>;
  close(): Promise<unknown>;
  /** Ends it without waiting for anything. */
  giveUp(): unknown;
}

// What both drivers' clients have, once it is known whose they are.
type Methods = Record<string, (...args: unknown[]) => Promise<unknown>> & {
  on(event: string, listener: (error: Error) => void): unknown;
};

// The data's type is the caller's to say.
// oxlint-disable-next-line typescript/no-explicit-any
export async function openRedis<Data extends Record<string, any>>(
  options: OpeningOptions,
): Promise<Opening<Data>> {
  const { url, clock } = options;
  const { name, module } = await loadDriver(
    url,
    ["redis", "ioredis"],
    "neither redis nor ioredis is installed, npm install redis is wanted",
  );
  const connection =
    name === "redis" ? withNodeRedis(module, options) : withIoRedis(module, options);
  const store = new RedisStore<Data>({
    client: options.wrap(connection.client),
    prefix: url.parameters.get("prefix"),
    notify: flagOf(url, "notify"),
    clock,
  });
  return {
    driver: name,
    store,
    connect: () => inTime(connection.connect(), options.connectTimeout, connection),
    // Some say only at a command that they want a password. Not PING: a server whose disk is full
    // refuses it, and answers this.
    probe: () =>
      inTime(store.read([ABSENT]), options.connectTimeout, connection).then(() => {}, explain),
    command: (...words) => connection.command(...words),
    close: async () => void (await connection.close()),
  };
}

/**
 * The clients bound how long a socket takes to open, and not how long a server that took it says
 * nothing.
 */
function inTime<T>(answer: Promise<T>, seconds: number, connection: Connection): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`it did not answer within ${seconds} s`));
      connection.giveUp();
    }, seconds * 1000);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function explain(error: unknown): never {
  if (error instanceof Error && /^(MOVED|CLUSTERDOWN|CROSSSLOT) /.test(error.message))
    throw new Error(
      "it is a node of a Redis Cluster: cluster=true is missing in the URL's parameters",
      { cause: error },
    );
  throw error;
}

function withNodeRedis(
  module: Loaded,
  { url, connectTimeout, onError }: OpeningOptions,
): Connection {
  let isOpen = false;
  // Before it was ever connected somebody waits to be told that it cannot be.
  const reconnectStrategy = (retries: number): number | false =>
    isOpen ? pauseAfter(retries) : false;
  const socket = { connectTimeout: connectTimeout * 1000, reconnectStrategy };
  const isCluster = flagOf(url, "cluster") === true;
  const make = exportOf(module, isCluster ? "createCluster" : "createClient") as (
    given: object,
  ) => Methods;
  const { username, password, protocol, root } = partsOf(url.target);
  const defaults = {
    username,
    password,
    socket: { ...socket, ...(protocol === "rediss:" && { tls: true }) },
  };
  const client = make(
    isCluster ? { rootNodes: [{ url: root }], defaults } : { url: url.target, socket },
  );
  client.on("error", onError);
  const giveUp = (): unknown => {
    isOpen = false;
    return (client["destroy"] ?? client["disconnect"])?.call(client);
  };
  return {
    // The structure is looked at by RedisStore.
    client: client as unknown as RedisClient,
    async connect() {
      await client["connect"]?.();
      isOpen = true;
    },
    // A cluster routes by the key, which is the word after the command's name.
    command: async (...words) =>
      isCluster ? client["sendCommand"]?.(words[1], false, words) : client["sendCommand"]?.(words),
    // redis 4 says quit and disconnect. What was never open has nothing to wait for.
    close: async () => (isOpen ? (client["close"] ?? client["quit"])?.call(client) : giveUp()),
    giveUp,
  };
}

function withIoRedis(module: Loaded, { url, connectTimeout, onError }: OpeningOptions): Connection {
  let isOpen = false;
  let lastError: Error | undefined;
  const isCluster = flagOf(url, "cluster") === true;
  const Client = exportOf(module, isCluster ? "Cluster" : "Redis") as new (
    ...given: unknown[]
  ) => Methods;
  const retry = (retries: number): number | null => (isOpen ? pauseAfter(retries) : null);
  const common = { connectTimeout: connectTimeout * 1000 };
  const { username, password, protocol, host, port } = partsOf(url.target);
  const redisOptions = {
    ...common,
    username,
    password,
    ...(protocol === "rediss:" && { tls: {} }),
  };
  const client = isCluster
    ? new Client([{ host, port }], { lazyConnect: true, redisOptions, clusterRetryStrategy: retry })
    : new Client(url.target, { ...common, lazyConnect: true, retryStrategy: retry });
  client.on("error", (error) => {
    lastError = error;
    onError(error);
  });
  const giveUp = (): unknown => {
    isOpen = false;
    return client["disconnect"]?.();
  };
  return {
    // The structure is looked at by RedisStore.
    client: client as unknown as RedisClient,
    async connect() {
      try {
        await client["connect"]?.();
      } catch (error) {
        // Its own says only that the connection is closed.
        throw lastError ?? error;
      }
      isOpen = true;
    },
    command: async (name = "", ...words) => client["call"]?.(name, ...words),
    close: async () => (isOpen ? client["quit"]?.() : giveUp()),
    giveUp,
  };
}

function pauseAfter(retries: number): number {
  // Not all processes at the same moment.
  return Math.min(50 * 2 ** Math.min(retries, 6), LONGEST_PAUSE) + Math.random() * 100;
}

function partsOf(target: string): {
  username: string | undefined;
  password: string | undefined;
  protocol: string;
  host: string;
  port: number;
  root: string;
} {
  const { username, password, protocol, hostname, port } = new URL(target);
  const orNothing = (text: string): string | undefined =>
    text === "" ? undefined : decodeURIComponent(text);
  return {
    username: orNothing(username),
    password: orNothing(password),
    protocol,
    host: hostname,
    port: Number(port || 6379),
    root: `${protocol}//${hostname}:${port || 6379}`,
  };
}
