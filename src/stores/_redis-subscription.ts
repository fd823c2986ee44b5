// A connection of its own that listens to one channel, made by the client's own means and kept up. It says when messages
// may have been missed and knows nothing of sessions.
import { setTimeout } from "node:timers";
import type { RedisNode, RedisPort } from "./_redis-client.ts";
import { toText } from "./_redis-record.ts";

/** What hears messages. */
export interface ChannelListener {
  onMessage(message: string): void;
  /** Messages may have been missed. Called when the connection is lost, and again once there is another. */
  onGap(): void;
}

// A connection as both dialects have it, after duplicate().
interface Connection {
  on(event: string, listener: (...args: never[]) => void): unknown;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener?: (message: unknown) => void): Promise<unknown>;
  disconnect(): unknown;
  destroy?(): unknown;
  options?: { socket?: object };
  duplicate?(options?: object): Connection;
}

interface Link {
  close(): Promise<void>;
}

// A node that is gone is not asked for again at once.
const PAUSE = 250;

/**
 * Listens to a channel.
 *
 * A single server (or what Sentinel stands for): the client reconnects by its own rules. A cluster: one connection to
 * one of its masters, and to another when that one is gone; every node hears what is published on any.
 *
 * @returns a function that ends it.
 */
export async function listen(port: RedisPort, channel: string, listener: ChannelListener): Promise<() => Promise<void>> {
  if (!port.isCluster) {
    const [node] = await port.nodes();
    const link = await connect(port, node as RedisNode, channel, listener);
    return () => link.close();
  }
  let isEnded = false;
  let link: Link;
  const open = async (): Promise<Link> => {
    const nodes = await port.nodes();
    const node = nodes[Math.floor(Math.random() * nodes.length)];
    if (!node) throw new Error("The client knows no master of the cluster");
    return connect(port, node, channel, { onMessage: listener.onMessage, onGap: once(() => void reopen()) });
  };
  const reopen = async (): Promise<void> => {
    if (isEnded) return;
    listener.onGap();
    await link.close();
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE).unref());
      if (isEnded) return;
      try {
        link = await open();
        // It may have been ended meanwhile.
        return isEnded ? await link.close() : listener.onGap();
      } catch {
        // Another node, in a while: listeners were told that nothing is certain.
      }
    }
  };
  link = await open();
  return async () => {
    isEnded = true;
    await link.close();
  };
}

async function connect(port: RedisPort, node: RedisNode, channel: string, listener: ChannelListener): Promise<Link> {
  // It has what the client of a node has; a pool of node-redis has no duplicate.
  const original = node.client as Connection;
  if (typeof original.duplicate !== "function") throw new TypeError("Cannot subscribe: the client has no duplicate(), one with it is wanted (not a pool)");
  const mayReconnect = !port.isCluster;
  let isClosed = false;
  let isConnected = false;
  const onGap = (): void => void (isConnected && !isClosed && listener.onGap());
  const isIoRedis = port.dialect === "ioredis";
  const connection = original.duplicate(isIoRedis ? ioRedisOptions(mayReconnect) : nodeRedisOptions(original, mayReconnect));
  // Without a listener an error would end the process. What it means is told by the events below.
  connection.on("error", () => {});
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    await (connection.destroy ? connection.destroy() : connection.disconnect());
  };
  try {
    if (isIoRedis) {
      connection.on("message", (...[, message]: unknown[]) => listener.onMessage(toText(message)));
      connection.on("close", onGap);
      // It says ready before it has subscribed again; this one waits for that.
      connection.on("ready", () => void (isConnected && connection.subscribe(channel).then(onGap, () => {})));
      await connection.subscribe(channel);
    } else {
      for (const event of ["reconnecting", "end", "ready", "topology-change", "client-error"]) connection.on(event, onGap);
      await connection.connect();
      await connection.subscribe(channel, (message) => listener.onMessage(toText(message)));
    }
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
  isConnected = true;
  return { close };
}

function ioRedisOptions(mayReconnect: boolean): object {
  return { enableOfflineQueue: true, autoResubscribe: true, lazyConnect: false, ...(!mayReconnect && { retryStrategy: null, maxRetriesPerRequest: 0 }) };
}

function nodeRedisOptions(original: Connection, mayReconnect: boolean): object | undefined {
  return mayReconnect ? undefined : { socket: { ...original.options?.socket, reconnectStrategy: false } };
}

function once(task: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    task();
  };
}
