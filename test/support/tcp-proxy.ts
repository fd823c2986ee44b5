// A TCP proxy on loopback that a test can stall, cut and delay: a network and a server as they are
// on a bad day.
import { createConnection, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A proxy in front of a server. */
export interface TcpProxy {
  readonly port: number;
  /** Connections that are open through it. */
  readonly connections: number;
  /**
   * From now on no byte goes through, in either direction; connections stay open, and new ones are
   * taken.
   */
  stall(): void;
  /** Every chunk is held back by so many milliseconds. */
  delay(milliseconds: number): void;
  /** Breaks every open connection. New ones are taken. */
  cut(): void;
  /** Breaks every open connection, and every new one at once. */
  refuse(): void;
  /** Bytes go through again, at once, those that waited first. */
  restore(): void;
  close(): Promise<void>;
}

/** Starts a proxy on a free port of 127.0.0.1 that leads to another. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let isRefusing = false;
  let held = 0;
  let stalled: Promise<void> | undefined;
  let resume = (): void => {};

  const forward = (from: Socket, to: Socket): void => {
    // One after another: what came first leaves first, however long it is held.
    let last = Promise.resolve();
    const inOrder = (task: () => void): void => {
      last = last.then(async () => {
        if (held > 0) await sleep(held);
        await stalled;
        task();
      });
    };
    from.on("data", (chunk) => inOrder(() => void (to.destroyed || to.write(chunk))));
    from.on("end", () => inOrder(() => void to.end()));
  };

  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on("error", () => {});
    if (isRefusing) return void client.destroy();
    const target = createConnection({ port: targetPort, host: "127.0.0.1", allowHalfOpen: true });
    target.on("error", () => {});
    const pair = [client, target] as const;
    pairs.add(pair);
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on("close", () => {
        pairs.delete(pair);
        client.destroy();
        target.destroy();
      });
    }
    forward(client, target);
    forward(target, client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();

  const cut = (): void => {
    for (const [client, target] of pairs) {
      client.resetAndDestroy();
      target.destroy();
    }
  };
  const restore = (): void => {
    isRefusing = false;
    held = 0;
    stalled = undefined;
    resume();
  };
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    get connections() {
      return pairs.size;
    },
    stall() {
      stalled ??= new Promise((resolve) => (resume = resolve));
    },
    delay(milliseconds) {
      held = milliseconds;
    },
    cut,
    refuse() {
      isRefusing = true;
      cut();
    },
    restore,
    async close() {
      isRefusing = true;
      cut();
      restore();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
