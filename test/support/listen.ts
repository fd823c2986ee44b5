// Starts what listens on a free port of loopback, and ends it.
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "srvx";

export interface Listening {
  /** Its origin, such as `http://127.0.0.1:1234`. */
  url: string;
  close(): Promise<unknown>;
}

export async function listen(server: Server): Promise<Listening> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A server that listens on a port has an address with one.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Serves a fetch handler by the runtime itself: node:http, Bun.serve or Deno.serve. */
export async function serveFetch(
  fetch: (request: Request) => Response | Promise<Response>,
): Promise<Listening> {
  const server = serve({
    fetch,
    port: 0,
    hostname: "127.0.0.1",
    silent: true,
    gracefulShutdown: false,
    error: () => new Response("error", { status: 500 }),
  });
  await server.ready();
  return { url: String(server.url).replace(/\/$/, ""), close: () => server.close(true) };
}
