// A listening server: srvx, on Node, Bun and Deno, and what an application needs to know of it.
import { FastResponse, serve } from "srvx";
import { assertOptions, check, invalid, seconds, type Shape, whole } from "../core/checks.ts";

/** Where to listen. */
export interface ListenOptions {
  /** Default 3000; 0 for any free port. */
  port?: number | undefined;
  /** The address to listen on. Default all there are: give `127.0.0.1` for this machine alone. */
  hostname?: string | undefined;
  /** Bytes in a request's body at most, default 1 MiB. Reading a larger one ends in a 413. */
  maxBodySize?: number | undefined;
}

/** A server that listens, or is about to. */
export interface Server {
  /**
   * Resolves when it listens. Rejects if it cannot, with the runtime's error (`code` is
   * `EADDRINUSE` for a busy port); when nobody handles that, the process ends as with any unhandled
   * rejection.
   */
  readonly ready: Promise<Server>;
  /** The port it listens on; until it is ready the one that was asked for. */
  readonly port: number;
  /** The address that was asked for; `undefined` for all. */
  readonly hostname: string | undefined;
  /** Where to reach it on this machine, without a slash at the end: `http://127.0.0.1:3000`. */
  readonly url: string;
  /**
   * Takes no more requests and lets those that run end.
   *
   * @param options.grace seconds until those still running are cut off, default 10. Deno lets them
   * be.
   */
  close(options?: { grace?: number }): Promise<void>;
}

/** Answers a request, with the Response of fetch or with one that the server sends faster. */
export type Answer = (
  request: globalThis.Request,
  Class: typeof globalThis.Response,
) => Promise<globalThis.Response>;

const OPTIONS = {
  port: whole(0, 65_535),
  hostname: check("a string", (value) => typeof value === "string"),
  maxBodySize: (name, value) => {
    if (typeof value !== "number") invalid(name, value, "a number of bytes above 0");
    if (!(value > 0)) invalid(name, value, "a number of bytes above 0", RangeError);
  },
} satisfies Shape;
const CLOSING = { grace: seconds(0, 3600) } satisfies Shape;
const DEFAULT_PORT = 3000;
const DEFAULT_BODY_SIZE = 1_048_576;
const DEFAULT_GRACE = 10;
const ANY_ADDRESS = ["", "0.0.0.0", "::"];

/** Begins to listen. @throws TypeError or RangeError for options that make no sense. */
export function startServer(
  answer: Answer,
  options: ListenOptions,
  onReady: (server: Server) => void,
): Server {
  return new SrvxServer(answer, options, onReady);
}

class SrvxServer implements Server {
  readonly ready: Promise<Server>;
  readonly hostname: string | undefined;
  #port: number;
  readonly #server: ReturnType<typeof serve>;
  #isClosing = false;

  constructor(answer: Answer, options: ListenOptions, onReady: (server: Server) => void) {
    assertOptions("listen", options, OPTIONS);
    const { port = DEFAULT_PORT, hostname, maxBodySize = DEFAULT_BODY_SIZE } = options;
    this.#port = port;
    this.hostname = hostname;
    this.#server = serve({
      fetch: async (request) => {
        const response = await answer(request, FastResponse);
        // Or node keeps the connection, and with it the server, until the client lets go of it.
        if (this.#isClosing && this.#server.runtime === "node")
          response.headers.set("connection", "close");
        return response;
      },
      port,
      // The environment is the application's to read: a HOST that a shell has set must not decide.
      hostname: hostname ?? "",
      bun: { hostname: hostname ?? "0.0.0.0" },
      deno: { hostname: hostname ?? "0.0.0.0" },
      maxRequestBodySize: maxBodySize,
      manual: true,
      silent: true,
      gracefulShutdown: false,
    });
    this.ready = this.#start(onReady);
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    const { hostname = "" } = this;
    const host = ANY_ADDRESS.includes(hostname) ? "localhost" : hostname;
    return `http://${host.includes(":") ? `[${host}]` : host}:${this.port}`;
  }

  async close(options: { grace?: number } = {}): Promise<void> {
    assertOptions("close", options, CLOSING);
    try {
      await this.ready;
    } catch {
      return;
    }
    this.#isClosing = true;
    const { grace = DEFAULT_GRACE } = options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const afterGrace = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        // On Deno it changes nothing, so it is not waited for.
        void this.#server.close(true);
        resolve();
      }, grace * 1000);
    });
    await Promise.race([this.#server.close(), afterGrace]).finally(() => clearTimeout(timer));
  }

  // Async, so that a runtime that throws at once rejects as well.
  async #start(onReady: (server: Server) => void): Promise<Server> {
    await this.#server.serve();
    // Port 80 is not written in a URL.
    if (this.#server.url !== undefined) this.#port = Number(new URL(this.#server.url).port || 80);
    onReady(this);
    return this;
  }
}
