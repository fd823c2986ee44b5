// The request as a handler sees it: a thin face on Hono's. What the network sends never throws, but
// for a body that cannot be read; if nobody catches that, it is the visitor's fault and not the
// application's.
import { HonoRequest } from "hono/request";
import { HarpiaError } from "../core/errors.ts";
import { Cookies } from "../core/http/cookies.ts";
import { type RequestHeaders, WatchedHeaders } from "./request-headers.ts";
import type { Match } from "./route-table.ts";

/** An HTTP request. */
export interface Request<Params extends Record<string, string> = Record<string, string>> {
  /** In capital letters: `GET`. */
  readonly method: string;
  /** The whole URL, the host as the client named it. */
  readonly url: string;
  /** What the path's parameters stand for, percent-decoded: `:id` is `params.id`. */
  readonly params: Params;
  /**
   * The query by name, percent-decoded; of several with one name the first. An object without a
   * prototype.
   */
  readonly query: Record<string, string>;
  readonly headers: RequestHeaders;
  /** The cookies that came. Looking at them adds `Vary: Cookie` to the response. */
  readonly cookies: Pick<Cookies, "get" | "getAll">;
  /**
   * The body, read as JSON.
   *
   * @throws SyntaxError for anything else. If the handler does not catch it, the response is a 400.
   */
  json(): Promise<unknown>;
  /** The body as text. */
  text(): Promise<string>;
  /**
   * The fields of a form.
   *
   * @throws TypeError for a body that is none. If the handler does not catch it, the response is a
   * 400.
   */
  formData(): Promise<FormData>;
}

// Errors that the visitor has caused, and the status that says so.
const FAULTS = new WeakMap<object, number>();

/**
 * The 4xx status of an error that a visitor has caused: what reading a body has thrown, or what
 * asked for somebody who is signed in. `undefined` for any other error.
 */
export function faultStatusOf(error: unknown): number | undefined {
  if (error instanceof HarpiaError && error.status !== undefined && error.status < 500)
    return error.status;
  return typeof error === "object" && error !== null ? FAULTS.get(error) : undefined;
}

/** See {@link Request}. */
export class IncomingRequest implements Request {
  readonly #hono: HonoRequest;
  readonly #raw: globalThis.Request;
  #headers: WatchedHeaders | undefined;
  #cookies: Cookies | undefined;
  #query: Record<string, string> | undefined;
  #hasReadCookies = false;

  constructor(raw: globalThis.Request, path: string, match: Match) {
    this.#raw = raw;
    // Hono asks for the routes' own descriptions too, for features that are not used here.
    this.#hono = new HonoRequest(
      raw,
      path,
      match as unknown as ConstructorParameters<typeof HonoRequest>[2],
    );
  }

  /** Whether the response depends on the cookies that came. */
  get hasReadCookies(): boolean {
    return this.#hasReadCookies;
  }

  /** Which layer of the match is running: the parameters are those of its path. */
  set layer(index: number) {
    this.#hono.routeIndex = index;
  }

  get method(): string {
    return this.#raw.method;
  }

  get url(): string {
    return this.#raw.url;
  }

  get params(): Record<string, string> {
    return this.#hono.param();
  }

  get query(): Record<string, string> {
    return (this.#query ??= this.#hono.query());
  }

  get headers(): RequestHeaders {
    return (this.#headers ??= new WatchedHeaders(this.#raw.headers, () => {
      this.#hasReadCookies = true;
    }));
  }

  get cookies(): Pick<Cookies, "get" | "getAll"> {
    return (this.#cookies ??= new Cookies(this));
  }

  async json(): Promise<unknown> {
    const text = await this.text();
    try {
      return JSON.parse(text) as unknown;
    } catch {
      // The parser's own message quotes the body, which may hold a password.
      throw toFault(new SyntaxError("Cannot read the body as JSON: it is malformed"), 400);
    }
  }

  text(): Promise<string> {
    return this.#read("text", () => this.#hono.text());
  }

  formData(): Promise<FormData> {
    return this.#read("a form", async () => {
      // As bytes first: on Deno, srvx's limit on the body's size loses the Content-Type, and with
      // it the form.
      await this.#hono.arrayBuffer();
      return this.#hono.formData();
    });
  }

  async #read<T>(kind: string, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (cause) {
      const isTooLarge = (cause as { status?: unknown } | undefined)?.status === 413;
      const what = isTooLarge
        ? "it is larger than the server's maxBodySize"
        : "it is malformed or was cut off";
      throw toFault(
        new TypeError(`Cannot read the body as ${kind}: ${what}`, { cause }),
        isTooLarge ? 413 : 400,
      );
    }
  }
}

function toFault<E extends Error>(error: E, status: number): E {
  FAULTS.set(error, status);
  return error;
}
