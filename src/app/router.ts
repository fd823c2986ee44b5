// Router: collects routes, in order, and hands them to the app. It answers nothing itself.
import { mergePath } from "hono/utils/url";
import { kindOf } from "../core/checks.ts";
import type { Middleware, PathParams } from "./handler.ts";
import type { Route } from "./route-table.ts";

/** Adds handlers for one method at a path. Each but the last passes on with `next`. */
export type AddRoute<This> = <Path extends string>(
  path: Path,
  ...handlers: [Middleware<PathParams<Path>>, ...Middleware<PathParams<Path>>[]]
) => This;

/**
 * A list of routes. Paths are Hono's: `/user/:id`, `/user/:id?`, `/user/:id{[0-9]+}`, `/files/*`.
 * They are matched to the letter, a slash at the end included. Routes are tried in the order they
 * were added, and all must be there before the first request.
 */
export interface Router {
  /** Answers GET, and HEAD where no `head` does. */
  readonly get: AddRoute<this>;
  readonly post: AddRoute<this>;
  readonly put: AddRoute<this>;
  readonly patch: AddRoute<this>;
  readonly delete: AddRoute<this>;
  readonly head: AddRoute<this>;
  readonly options: AddRoute<this>;
  /** Answers every method. */
  readonly all: AddRoute<this>;
  /**
   * Runs middleware for every method, at a path and everything below it, or everywhere. It sees the
   * requests that routes added before it did not answer.
   */
  use(path: string, ...middleware: [Middleware, ...Middleware[]]): this;
  use(...middleware: [Middleware, ...Middleware[]]): this;
  /** Adds all routes of a router here, those that it gets later included. */
  routes(router: Router): this;
}

/** Makes a {@link Router}, with `new` or without. `prefix` goes before each of its paths. */
export interface RouterConstructor {
  new (prefix?: string): Router;
  (prefix?: string): Router;
  readonly prototype: Router;
}

/** See {@link Router}. */
export class RouteList implements Router {
  readonly #prefix: string;
  readonly #entries: (Route<Middleware> | RouteList)[] = [];
  #isClosed = false;

  readonly get = this.#adder("GET");
  readonly post = this.#adder("POST");
  readonly put = this.#adder("PUT");
  readonly patch = this.#adder("PATCH");
  readonly delete = this.#adder("DELETE");
  readonly head = this.#adder("HEAD");
  readonly options = this.#adder("OPTIONS");
  readonly all = this.#adder("ALL");

  constructor(prefix = "/") {
    if (typeof prefix !== "string")
      throw new TypeError(
        `Cannot make a Router: its prefix is ${kindOf(prefix)}, a path is wanted`,
      );
    this.#prefix = prefix === "" ? "/" : prefix;
  }

  use(first: string | Middleware, ...rest: Middleware[]): this {
    if (typeof first !== "string") return this.#add("ALL", "*", [first, ...rest]);
    // Below the path too: otherwise a login that guards /admin would let /admin/users pass.
    return this.#add("ALL", first.endsWith("*") ? first : mergePath(first, "*"), rest);
  }

  routes(router: Router): this {
    if (!(router instanceof RouteList))
      throw new TypeError(`Cannot add routes: it is ${kindOf(router)}, a Router is wanted`);
    if (router.#contains(this))
      throw new TypeError("Cannot add routes: the router would contain itself");
    this.#push(router);
    return this;
  }

  /** All routes in order, their paths complete. None can be added afterwards. */
  *collect(prefix = "/"): Generator<Route<Middleware>> {
    this.#isClosed = true;
    const base = mergePath(prefix, this.#prefix);
    for (const entry of this.#entries) {
      if (entry instanceof RouteList) yield* entry.collect(base);
      else yield { ...entry, path: mergePath(base, entry.path) };
    }
  }

  #adder(method: string): AddRoute<this> {
    // A handler that knows its parameters is called with all of them: Hono fills in those that the
    // path names.
    return (path, ...handlers) => this.#add(method, path, handlers as Middleware[]);
  }

  #add(method: string, path: string, handlers: readonly Middleware[]): this {
    if (typeof path !== "string")
      throw new TypeError(`Cannot add a route: its path is ${kindOf(path)}, a string is wanted`);
    if (handlers.length === 0) throw new TypeError(`Cannot add route ${path}: it has no handler`);
    for (const handler of handlers) {
      if (typeof handler !== "function")
        throw new TypeError(
          `Cannot add route ${path}: a handler is ${kindOf(handler)}, a function is wanted`,
        );
      this.#push({ method, path, handler });
    }
    return this;
  }

  #push(entry: Route<Middleware> | RouteList): void {
    if (this.#isClosed)
      throw new TypeError(
        "Cannot add a route: the app has answered requests already, all routes are wanted before",
      );
    this.#entries.push(entry);
  }

  #contains(router: RouteList): boolean {
    return (
      router === this ||
      this.#entries.some((entry) => entry instanceof RouteList && entry.#contains(router))
    );
  }
}

// A function, since it is called with and without `new`. Its prototype makes `instanceof` true.
function makeRouter(prefix?: string): Router {
  return new RouteList(prefix);
}
makeRouter.prototype = RouteList.prototype;

/** Makes a {@link Router}. */
// A function declaration has no construct signature in TypeScript.
export const Router = makeRouter as unknown as RouterConstructor;
