// harpia(): an app that routes requests to handlers and listens. A thin face on Hono's router and
// on srvx; sessions need neither.
import { getPath } from "hono/utils/url";
import { Exchange } from "./exchange.ts";
import type { ErrorHandler, Middleware } from "./handler.ts";
import { RouteTable } from "./route-table.ts";
import { RouteList, type Router } from "./router.ts";
import { type Answer, type ListenOptions, type Server, startServer } from "./server.ts";

/** An app: routes, and a way to serve them. */
export interface App extends Router {
  /** A fetch handler, for Workers and for tests: `export default { fetch: app.fetch }`. */
  readonly fetch: (request: globalThis.Request) => Promise<globalThis.Response>;
  /**
   * Is told of every error in a handler or in a body that was streamed, in the place of an earlier
   * listener. Without one they are process warnings (`process.on("warning", …)`), which Node
   * prints.
   */
  onError(handler: ErrorHandler): this;
  /**
   * Listens on Node, Bun or Deno.
   *
   * @param options a port, or options; default port 3000 on all addresses.
   * @param callback called when it listens.
   */
  listen(options?: number | ListenOptions, callback?: (server: Server) => void): Server;
}

/** Makes an app. */
export default function harpia(): App {
  return new RoutedApp();
}

class RoutedApp extends RouteList implements App {
  #table: RouteTable<Middleware> | undefined;
  #onError: ErrorHandler | undefined;

  readonly fetch = (request: globalThis.Request): Promise<globalThis.Response> =>
    this.#answer(request, Response);

  onError(handler: ErrorHandler): this {
    this.#onError = handler;
    return this;
  }

  listen(
    options: number | ListenOptions = {},
    callback: (server: Server) => void = () => {},
  ): Server {
    return startServer(
      this.#answer,
      typeof options === "object" ? options : { port: options },
      callback,
    );
  }

  readonly #answer: Answer = async (request, Class) => {
    const path = getPath(request);
    this.#table ??= new RouteTable(this.collect());
    const match = this.#table.match(request.method, path);
    return new Exchange(request, { path, match, onError: this.#onError }).toFetchResponse(Class);
  };
}
