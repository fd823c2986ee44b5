// The one place that knows what a request and a response look like in somebody else's framework: by
// structure only. Reading wants a Cookie header; writing wants to set headers. What fits nothing is
// the caller's mistake, said clearly.
import { kindOf } from "../checks.ts";
import { HarpiaError } from "../errors.ts";

interface HeaderGetter {
  get(name: string): string | null | undefined;
}

interface HeaderRecord {
  readonly cookie?: string | string[] | undefined;
}

interface HasHeaders {
  readonly headers: HeaderGetter | HeaderRecord;
}

/**
 * Anything that carries a Cookie header: a fetch `Request` or `Headers`; the request of node,
 * Express, Fastify or Koa; a WebSocket's upgrade request; the context of Hono or Koa; an object
 * with such a `request`.
 */
export type RequestLike =
  | HasHeaders
  | HeaderGetter
  | { readonly req: { readonly raw: HasHeaders } }
  | { readonly request: HasHeaders };

/**
 * Names a session: by its id, as it comes from a cookie, or by a request that carries one. A
 * request means the session that `fromRequest` finds and, once the request has changed its id, the
 * new one.
 */
export type SessionRef = string | undefined | RequestLike;

interface CookieHeaders extends HeaderGetter {
  getSetCookie(): string[];
  set(name: string, value: string): void;
  append(name: string, value: string): void;
  delete(name: string): void;
}

interface NodeResponse {
  readonly headersSent: boolean;
  getHeader(name: string): unknown;
  setHeader(name: string, value: string | string[]): unknown;
}

interface FastifyReply {
  readonly sent: boolean;
  readonly raw: { readonly headersSent: boolean };
  getHeader(name: string): unknown;
  removeHeader(name: string): unknown;
  header(name: string, value: string | string[]): unknown;
}

interface HonoContext {
  readonly res: { readonly headers: CookieHeaders };
  header(name: string, value?: string, options?: { append?: boolean }): void;
}

/**
 * Anything that takes Set-Cookie headers: a fetch `Response` or `Headers`; the response of node,
 * Express or Koa; Fastify's reply; the context of Hono or Koa.
 */
export type ResponseLike =
  | { readonly headers: CookieHeaders }
  | CookieHeaders
  | NodeResponse
  | FastifyReply
  | HonoContext
  | { readonly res: NodeResponse };

/**
 * The Cookie header of a request, `undefined` or empty when there is none.
 *
 * @throws TypeError for what is no request.
 */
export function cookieHeaderOf(source: RequestLike): string | undefined {
  // Node's headers first, and by a name that is written out: this runs for every request.
  const cookie = (source as { headers?: HeaderRecord | null } | null | undefined)?.headers?.cookie;
  return typeof cookie === "string" ? cookie : headerOf(source, "cookie");
}

/** Any header of a request, by its name in lower case. @throws TypeError for what is no request. */
export function headerOf(source: RequestLike, name: string): string | undefined {
  const headers = (source as Partial<HasHeaders> | undefined)?.headers;
  if (typeof headers !== "object" || headers === null) return headerElsewhere(source, name);
  if ("get" in headers && typeof headers.get === "function")
    return fieldOf(headers as HeaderGetter, name);
  const value = (headers as Record<string, string | string[] | undefined>)[name];
  // A header that came in several lines is one; a Cookie header's lines are joined by semicolons
  // (RFC 9113 8.2.3).
  return Array.isArray(value) ? value.join(name === "cookie" ? "; " : ", ") : value;
}

/** HTTP/2's pseudo-header fields are node's; Headers of fetch throw at their names. */
function fieldOf(headers: HeaderGetter, name: string): string | undefined {
  return name.startsWith(":") ? undefined : (headers.get(name) ?? undefined);
}

function headerElsewhere(source: unknown, name: string): string | undefined {
  const { get, req, request } = Object(source) as {
    get?: unknown;
    req?: { raw?: RequestLike };
    request?: RequestLike;
  };
  // Hono's context holds a request that holds the fetch Request; Koa's, SvelteKit's and others hold
  // a request.
  const inner = req?.raw ?? request;
  if (typeof inner === "object") return headerOf(inner, name);
  if (typeof get === "function") return fieldOf(source as HeaderGetter, name);
  throw new TypeError(
    `Cannot read a session from this request: it is ${kindOf(source)} without headers, a request of fetch, node, Express, Fastify, Koa or Hono is wanted`,
  );
}

/**
 * The object that holds a request's headers: one for the request and for each context around it.
 */
export function headersOf(source: RequestLike): object | undefined {
  // Alone, since this runs for every request, and nearly all of them end here.
  const { headers } = source as { headers?: unknown };
  return typeof headers === "object" && headers !== null ? headers : headersWithin(source);
}

function headersWithin(source: RequestLike): object | undefined {
  const { get, req, request } = Object(source) as {
    get?: unknown;
    req?: { raw?: RequestLike };
    request?: RequestLike;
  };
  const inner = req?.raw ?? request;
  if (typeof inner === "object" && inner !== null) return headersOf(inner);
  return typeof get === "function" ? source : undefined;
}

/**
 * Whether it is a request. What is neither that nor an id, such as a parsed query, names no
 * session.
 */
export function isRequest(ref: SessionRef): ref is RequestLike {
  return typeof ref === "object" && ref !== null && headersOf(ref) !== undefined;
}

/**
 * The request that a response answers, where the response knows: node's and Express' `res.req`,
 * Fastify's reply, the context of Koa and Hono.
 */
export function requestOf(res: ResponseLike): RequestLike | undefined {
  const { req, request, res: inner } = Object(res) as Record<"req" | "request" | "res", unknown>;
  for (const candidate of [
    Object(req).raw as unknown,
    req,
    request,
    Object(inner).req as unknown,
  ]) {
    const { headers } = Object(candidate) as { headers?: unknown };
    // What has headers can be read as a request.
    if (typeof headers === "object" && headers !== null) return candidate as RequestLike;
  }
  return undefined;
}

/** What writing cookies needs of any response. */
interface HeaderPort {
  readonly isSent: boolean;
  /** The Set-Cookie lines so far. */
  cookies(): string[];
  /** Puts these in their place. */
  setCookies(lines: string[]): void;
  setHeader(name: string, value: string): void;
  /** A header that is not Set-Cookie; several of one name joined by commas. */
  header(name: string): string | undefined;
}

/**
 * Says to caches that the response depends on a header of the request, beside what it says already.
 */
export function addVary(target: ResponseLike, name: string): void {
  const port = toHeaderPort(target);
  const vary = port.header("Vary") ?? "";
  if (vary === "") return port.setHeader("Vary", name);
  const names = vary.split(",").map((one) => one.trim().toLowerCase());
  if (!names.includes("*") && !names.includes(name.toLowerCase()))
    port.setHeader("Vary", `${vary}, ${name}`);
}

// Delivery networks prefer these to Cache-Control, whose they are (RFC 9213).
const TARGETED = [
  "CDN-Cache-Control",
  "Cloudflare-CDN-Cache-Control",
  "Netlify-CDN-Cache-Control",
  "Surrogate-Control",
  "Vercel-CDN-Cache-Control",
];

/**
 * Says to every cache that this response is not to be kept (ASVS V14.3.2), also to those that the
 * application has told otherwise.
 *
 * @param others headers that the response will have beside these, where these take their place.
 */
export function forbidCaching(target: ResponseLike, others?: Headers): void {
  const port = toHeaderPort(target);
  port.setHeader("Cache-Control", "no-store");
  for (const name of TARGETED)
    if (port.header(name) !== undefined || others?.has(name)) port.setHeader(name, "no-store");
}

/** Whether a header tells caches what they may keep. @param name in whatever case. */
export function isCachingHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return lower === "cache-control" || TARGETED.some((one) => one.toLowerCase() === lower);
}

/**
 * Finds out how a response takes headers.
 *
 * @throws TypeError for what is no response; HarpiaError `ERR_HEADERS_SENT` when it is too late.
 */
export function toHeaderPort(target: ResponseLike): HeaderPort {
  const port = portOf(target);
  if (port.isSent)
    throw new HarpiaError(
      "ERR_HEADERS_SENT",
      "Cannot set a cookie: the headers of this response have been sent, set it before the body",
    );
  return port;
}

/** Whether a response can still be given a cookie. @throws TypeError for what is no response. */
export function takesCookies(target: ResponseLike): boolean {
  return !portOf(target).isSent;
}

/**
 * Says how a response may be cached, where the application says nothing.
 *
 * @param others as for {@link forbidCaching}.
 */
export function suggestCaching(target: ResponseLike, value: string, others?: Headers): void {
  const port = toHeaderPort(target);
  if (port.header("Cache-Control") === undefined && !others?.has("cache-control")) {
    port.setHeader("Cache-Control", value);
  }
}

/**
 * The headers that a response has, also when they have been sent.
 *
 * @throws TypeError for what is no response.
 */
export function responseHeaders(target: ResponseLike): Pick<HeaderPort, "cookies" | "header"> {
  return portOf(target);
}

function portOf(target: ResponseLike): HeaderPort {
  const shape = Object(target) as Record<string, unknown>;
  const { headers, res } = shape as { headers?: Partial<CookieHeaders>; res?: unknown };
  if (isMethod(shape, "setHeader")) return new NodePort(target as NodeResponse);
  if (isMethod(shape, "header") && isMethod(shape, "removeHeader"))
    return new FastifyPort(target as FastifyReply);
  if (isMethod(shape, "header") && typeof res === "object")
    return new HonoPort(target as HonoContext);
  if (isMethod(Object(res), "setHeader")) return new NodePort(res as NodeResponse);
  if (isMethod(Object(headers), "getSetCookie")) return new FetchPort(headers as CookieHeaders);
  if (isMethod(shape, "getSetCookie")) return new FetchPort(target as CookieHeaders);
  throw new TypeError(
    `Cannot set a cookie on this response: it is ${kindOf(target)} that takes no headers, a response of fetch, node, Express, Fastify, Koa or Hono is wanted`,
  );
}

function isMethod(target: object, name: string): boolean {
  return typeof (target as Record<string, unknown>)[name] === "function";
}

function toList(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value.map(String) : [String(value)];
}

function toText(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : toList(value).join(", ");
}

// Classes, not object literals: what a literal makes V8 may come to keep in its old generation,
// where each would hold on to its dead response, and that to all that came after it, until the next
// full collection. Seen in some server processes of many: they lost a good part of their throughput
// for good.
class NodePort implements HeaderPort {
  readonly #response: NodeResponse;

  constructor(response: NodeResponse) {
    this.#response = response;
  }

  get isSent(): boolean {
    return this.#response.headersSent;
  }

  cookies(): string[] {
    return toList(this.#response.getHeader("set-cookie"));
  }

  setCookies(lines: string[]): void {
    this.#response.setHeader("Set-Cookie", lines);
  }

  setHeader(name: string, value: string): void {
    this.#response.setHeader(name, value);
  }

  header(name: string): string | undefined {
    return toText(this.#response.getHeader(name));
  }
}

class FastifyPort implements HeaderPort {
  readonly #reply: FastifyReply;

  constructor(reply: FastifyReply) {
    this.#reply = reply;
  }

  get isSent(): boolean {
    // While a stream is being sent, Fastify's own `sent` is still false.
    return this.#reply.sent || this.#reply.raw.headersSent;
  }

  cookies(): string[] {
    return toList(this.#reply.getHeader("set-cookie"));
  }

  setCookies(lines: string[]): void {
    // Fastify adds to the Set-Cookie headers that are there.
    this.#reply.removeHeader("set-cookie");
    this.#reply.header("set-cookie", lines);
  }

  setHeader(name: string, value: string): void {
    this.#reply.header(name, value);
  }

  header(name: string): string | undefined {
    return toText(this.#reply.getHeader(name));
  }
}

class FetchPort implements HeaderPort {
  readonly isSent = false;
  readonly #headers: CookieHeaders;

  constructor(headers: CookieHeaders) {
    this.#headers = headers;
  }

  cookies(): string[] {
    return this.#headers.getSetCookie();
  }

  setCookies(lines: string[]): void {
    try {
      this.#headers.delete("set-cookie");
    } catch (cause) {
      // The app's own response: it says that it is too late.
      if (cause instanceof HarpiaError) throw cause;
      throw new TypeError(
        "Cannot set a cookie: the headers of this Response are immutable, new Response(body, { headers }) is wanted",
        { cause },
      );
    }
    for (const line of lines) this.#headers.append("set-cookie", line);
  }

  setHeader(name: string, value: string): void {
    this.#headers.set(name, value);
  }

  header(name: string): string | undefined {
    return this.#headers.get(name) ?? undefined;
  }
}

// In place where that can be done: `context.header` makes the response anew once there is one, and
// its server sends such a one in pieces.
class HonoPort implements HeaderPort {
  readonly isSent = false;
  readonly #context: HonoContext;

  constructor(context: HonoContext) {
    this.#context = context;
  }

  cookies(): string[] {
    return this.#present().cookies();
  }

  setCookies(lines: string[]): void {
    try {
      this.#present().setCookies(lines);
    } catch {
      // What `fetch` gave has headers that cannot be changed.
      this.#context.header("Set-Cookie", undefined);
      for (const line of lines) this.#context.header("Set-Cookie", line, { append: true });
    }
  }

  setHeader(name: string, value: string): void {
    try {
      this.#present().setHeader(name, value);
    } catch {
      this.#context.header(name, value);
    }
  }

  header(name: string): string | undefined {
    return this.#present().header(name);
  }

  #present(): FetchPort {
    return new FetchPort(this.#context.res.headers);
  }
}
