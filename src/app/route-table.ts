// Which handlers a request meets, in which order: Hono's router behind one question.
import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";

/** One handler at one place. */
export interface Route<Handler = unknown> {
  /** `ALL` for every method. */
  method: string;
  path: string;
  handler: Handler;
}

/**
 * The handlers that fit a request, in the order they were added, with what their parameters stand
 * for: the texts, or the places of the texts in a list. As Hono gives it, written out so that no
 * declaration of ours names Hono's.
 */
export type Match<Handler = unknown> =
  | [[Route<Handler>, Record<string, number>][], string[]]
  | [[Route<Handler>, Record<string, string>][]];

/** Finds the routes of a request. */
export class RouteTable<Handler> {
  readonly #router = new SmartRouter<Route<Handler>>({
    routers: [new RegExpRouter<Route<Handler>>(), new TrieRouter<Route<Handler>>()],
  });

  constructor(routes: Iterable<Route<Handler>>) {
    for (const route of routes) this.#router.add(route.method, route.path, route);
  }

  match(method: string, path: string): Match<Handler> {
    const match = this.#router.match(method, path);
    // HEAD is GET without a body (RFC 9110 9.3.2), unless somebody answers HEAD itself.
    if (method === "HEAD" && !match[0].some(([route]) => route.method === "HEAD"))
      return this.#router.match("GET", path);
    return match;
  }
}
