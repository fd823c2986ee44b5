// Hears the notifications of one channel on a connection of pg, and gets another connection when
// that one is lost.
import type { Clock } from "../../core/clock.ts";
import { deaf, Echo, ECHO } from "./echo.ts";
import type { Listener, PgClient, PgPool, PgPoolClient } from "./port.ts";

const FIRST_DELAY = 100;
const LONGEST_DELAY = 5000;
// A connection that only listens never finds out by itself that the other end is gone.
const HEARTBEAT = 15_000;

/**
 * Listens on a connection of the pool's. It is the pool's again, closed, once the returned function
 * has resolved.
 *
 * @throws StoreError `ERR_STORE_UNSUPPORTED` where nothing is heard on it.
 */
export async function listenOnPool(
  pool: PgPool,
  channel: string,
  listener: Listener,
  clock: Clock,
): Promise<() => Promise<void>> {
  let isStopped = false;
  let current: { close(): void } | undefined;
  let cancelRetry = (): void => {};

  const connect = async (): Promise<void> => {
    const client = await pool.connect();
    if (isStopped) return client.release();
    current = await hear(client, channel, {
      clock,
      onPayload: (payload) => listener.onPayload(payload),
      notify: () => pool.query(`NOTIFY "${channel}", '${ECHO}'`),
      onLost: () => {
        if (isStopped) return;
        listener.onGap();
        retry(FIRST_DELAY);
      },
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

/**
 * Listens on the caller's only connection. A `Client` of pg that has lost its connection never gets
 * another.
 *
 * @throws StoreError `ERR_STORE_UNSUPPORTED` where a pooler is between: with one connection nobody
 * can find out whether something is heard on it.
 */
export async function listenOnClient(
  client: PgClient,
  channel: string,
  listener: Listener,
): Promise<() => Promise<void>> {
  let isStopped = false;
  client.on("notification", (message) => {
    if (!isStopped && message.channel === channel) listener.onPayload(message.payload ?? "");
  });
  client.on("end", () => {
    if (!isStopped) listener.onGap();
  });
  // A pooler says a number of its own; in session mode too, where a Pool can listen.
  const { rows } = await client.query({
    text: "SELECT pg_backend_pid()::text",
    values: [],
    rowMode: "array",
  });
  if (typeof client.processID === "number" && String(client.processID) !== rows[0]?.[0])
    throw deaf("between this Client and the server is a pooler");
  await client.query(`LISTEN "${channel}"`);
  return async () => {
    isStopped = true;
    await client.query(`UNLISTEN "${channel}"`);
  };
}

interface Hearing {
  clock: Clock;
  onPayload(payload: string): void;
  /** Sends a notification on another connection. */
  notify(): Promise<unknown>;
  onLost(): void;
}

async function hear(
  client: PgPoolClient,
  channel: string,
  { clock, onPayload, notify, onLost }: Hearing,
): Promise<{ close(): void }> {
  const echo = new Echo();
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
    else echo.lost();
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
    if (isClosed || message.channel !== channel) return;
    echo.heard();
    onPayload(message.payload ?? "");
  });
  try {
    await client.query(`LISTEN "${channel}"`);
    await echo.await(notify, clock);
  } catch (error) {
    close();
    throw error;
  }
  isHeard = true;
  beat();
  return { close };
}
