// A connection of its own that listens to one channel, made by the client's own means and kept up.
// It says when messages may have been missed and knows nothing of sessions.
import { setTimeout } from "node:timers";
import type { RedisNode, RedisPort } from "./client.ts";
import { toText } from "./record.ts";

/** What hears messages. */
export interface ChannelListener {
  onMessage(message: string): void;
  /**
   * Messages may have been missed. Called when the connection is lost, and again once there is
   * another.
   */
  onGap(): void;
  /** After that: messages arrive again. */
  onListening(): void;
}

// A connection as both dialects have it, after duplicate().
interface Connection {
  on(event: string, listener: (...args: never[]) => void): unknown;
  off(event: string, listener: (...args: never[]) => void): unknown;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener?: (message: unknown) => void): Promise<unknown>;
  unsubscribe(channel: string, listener: (message: unknown) => void): Promise<unknown>;
  disconnect(): unknown;
  destroy?(): unknown;
  options?: { socket?: object };
  duplicate?: Duplicate;
}

type Duplicate = (this: Connection, options?: object) => Connection;

interface Link {
  close(): Promise<void>;
}

// After any of these messages may have been missed; the last two are a Sentinel's.
const GAPS = ["reconnecting", "end", "topology-change", "client-error"];
// A node that is gone is not asked for again at once.
const PAUSE = 250;

/**
 * Listens to a channel.
 *
 * A single server (or what Sentinel stands for): the client reconnects by its own rules. A cluster:
 * one connection to one of its masters, and to another when that one is gone; every node hears what
 * is published on any.
 *
 * @returns a function that ends it.
 */
export async function listen(
  port: RedisPort,
  channel: string,
  listener: ChannelListener,
): Promise<() => Promise<void>> {
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
    return connect(port, node, channel, {
      onMessage: listener.onMessage,
      onGap: once(() => void reopen()),
      onListening() {},
    });
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
        if (isEnded) return await link.close();
        listener.onGap();
        return listener.onListening();
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

async function connect(
  port: RedisPort,
  node: RedisNode,
  channel: string,
  listener: ChannelListener,
): Promise<Link> {
  // It has what the client of a node has; a pool of node-redis has no duplicate, and neither has
  // the Sentinel of node-redis 5.
  const original = node.client as Connection;
  if (port.dialect === "ioredis")
    return connectIoRedis(original, channel, { ...listener, mayReconnect: !port.isCluster });
  if (typeof original.duplicate === "function")
    return connectNodeRedis(original, channel, { ...listener, mayReconnect: !port.isCluster });
  if (typeof original.subscribe === "function") return shareConnection(original, channel, listener);
  throw new TypeError(
    "Cannot subscribe: the client has neither duplicate() nor subscribe(), one with either is wanted (not a pool)",
  );
}

interface ConnectOptions extends ChannelListener {
  mayReconnect: boolean;
}

async function connectIoRedis(
  original: Connection,
  channel: string,
  { onMessage, onGap, onListening, mayReconnect }: ConnectOptions,
): Promise<Link> {
  const options = { enableOfflineQueue: true, autoResubscribe: true, lazyConnect: false };
  const connection = (original.duplicate as Duplicate).call(
    original,
    mayReconnect ? options : { ...options, retryStrategy: null, maxRetriesPerRequest: 0 },
  );
  const link = new OwnLink(connection, onGap, onListening);
  connection.on("message", (...[, message]: unknown[]) => onMessage(toText(message)));
  connection.on("close", link.onGap);
  // It says ready before it has subscribed again; this one waits for that.
  connection.on(
    "ready",
    () => void (link.isOpen && connection.subscribe(channel).then(link.onReturn, () => {})),
  );
  return link.open(() => connection.subscribe(channel));
}

async function connectNodeRedis(
  original: Connection,
  channel: string,
  { onMessage, onGap, onListening, mayReconnect }: ConnectOptions,
): Promise<Link> {
  const options = mayReconnect
    ? undefined
    : { socket: { ...original.options?.socket, reconnectStrategy: false } };
  const connection = (original.duplicate as Duplicate).call(original, options);
  const link = new OwnLink(connection, onGap, onListening);
  // One that does not reconnect says nothing but the error.
  for (const event of mayReconnect ? GAPS : [...GAPS, "error"]) connection.on(event, link.onGap);
  // It says so when it has subscribed again.
  connection.on("ready", link.onReturn);
  return link.open(async () => {
    await connection.connect();
    await connection.subscribe(channel, (message) => onMessage(toText(message)));
  });
}

/**
 * A Sentinel keeps a connection for subscriptions by itself, and does not say when it has
 * subscribed again: the next message does.
 */
async function shareConnection(
  original: Connection,
  channel: string,
  { onMessage, onGap }: ChannelListener,
): Promise<Link> {
  const onText = (message: unknown): void => onMessage(toText(message));
  for (const event of [...GAPS, "ready"]) original.on(event, onGap);
  await original.subscribe(channel, onText);
  return {
    async close() {
      for (const event of [...GAPS, "ready"]) original.off(event, onGap);
      await original.unsubscribe(channel, onText);
    },
  };
}

/** A connection that was duplicated for the subscription alone, and is closed with it. */
class OwnLink implements Link {
  readonly #connection: Connection;
  readonly onGap: () => void;
  /** There is another connection. */
  readonly onReturn: () => void;
  #state: "opening" | "open" | "closed" = "opening";

  constructor(connection: Connection, onGap: () => void, onListening: () => void) {
    this.#connection = connection;
    this.onGap = () => void (this.isOpen && onGap());
    this.onReturn = () => {
      this.onGap();
      if (this.isOpen) onListening();
    };
    // Without a listener an error would end the process. What it means is told by other events.
    connection.on("error", () => {});
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  async open(subscribe: () => Promise<unknown>): Promise<Link> {
    try {
      await subscribe();
    } catch (error) {
      await this.close().catch(() => {});
      throw error;
    }
    this.#state = "open";
    return this;
  }

  async close(): Promise<void> {
    if (this.#state === "closed") return;
    this.#state = "closed";
    await (this.#connection.destroy ? this.#connection.destroy() : this.#connection.disconnect());
  }
}

function once(task: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    task();
  };
}
