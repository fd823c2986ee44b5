// Hears the notifications of one channel on a connection of pg, and gets another connection when that one is lost.
import type { Clock } from "../core/clock.ts";
import type { Listener, PgClient, PgPool, PgPoolClient } from "./_postgres-client.ts";

const FIRST_DELAY = 100;
const LONGEST_DELAY = 5000;
// A connection that only listens never finds out by itself that the other end is gone.
const HEARTBEAT = 15_000;

/** Listens on a connection of the pool's. It is the pool's again, closed, once the returned function has resolved. */
export async function listenOnPool(pool: PgPool, channel: string, listener: Listener, clock: Clock): Promise<() => Promise<void>> {
  let isStopped = false;
  let current: { close(): void } | undefined;
  let cancelRetry = (): void => {};

  const connect = async (): Promise<void> => {
    const client = await pool.connect();
    if (isStopped) return client.release();
    current = await hear(client, channel, listener, clock, () => {
      if (isStopped) return;
      listener.onGap();
      retry(FIRST_DELAY);
    });
    if (isStopped) current.close();
  };
  const retry = (delay: number): void => {
    cancelRetry = clock.schedule(delay, () => {
      if (isStopped) return;
      connect().then(
        () => {
          if (isStopped) return;
          listener.onGap();
          listener.onListening();
        },
        () => isStopped || retry(Math.min(delay * 2, LONGEST_DELAY)),
      );
    });
  };

  await connect();
  return async () => {
    isStopped = true;
    cancelRetry();
    current?.close();
  };
}

/** Listens on the caller's only connection. A `Client` of pg that has lost its connection never gets another. */
export async function listenOnClient(client: PgClient, channel: string, listener: Listener): Promise<() => Promise<void>> {
  let isStopped = false;
  client.on("notification", (message) => {
    if (!isStopped && message.channel === channel) listener.onPayload(message.payload ?? "");
  });
  client.on("end", () => {
    if (!isStopped) listener.onGap();
  });
  await client.query(`LISTEN "${channel}"`);
  return async () => {
    isStopped = true;
    await client.query(`UNLISTEN "${channel}"`);
  };
}

async function hear(client: PgPoolClient, channel: string, { onPayload }: Listener, clock: Clock, onLost: () => void): Promise<{ close(): void }> {
  let isClosed = false;
  let isHeard = false;
  let cancelHeartbeat = (): void => {};
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    cancelHeartbeat();
    // Closed and not given back: the next to use it would get our notifications.
    client.release(true);
  };
  const lose = (): void => {
    if (isClosed) return;
    close();
    // Before that the caller is told by the rejection.
    if (isHeard) onLost();
  };
  const beat = (): void => {
    if (isClosed) return;
    cancelHeartbeat = clock.schedule(HEARTBEAT, () => {
      const cancelTimeout = clock.schedule(HEARTBEAT, lose);
      client.query("SELECT 1").then(beat, lose).finally(cancelTimeout);
    });
  };
  client.on("error", lose);
  client.on("end", lose);
  client.on("notification", (message) => {
    if (!isClosed && message.channel === channel) onPayload(message.payload ?? "");
  });
  try {
    await client.query(`LISTEN "${channel}"`);
  } catch (error) {
    close();
    throw error;
  }
  isHeard = true;
  beat();
  return { close };
}
