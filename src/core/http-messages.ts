// The one place that knows what a request and a response look like in somebody else's framework: by structure only.
// Reading wants a Cookie header; writing wants to set headers. What fits nothing is the caller's mistake, said clearly.
import { HarpiaError } from "./errors.ts";
import { kindOf } from "./json.ts";

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
 * Anything that carries a Cookie header: a fetch `Request` or `Headers`; the request of node, Express, Fastify or
 * Koa; a WebSocket's upgrade request; the context of Hono or Koa; an object with such a `request`.
 */
export type RequestLike = HasHeaders | HeaderGetter | { readonly req: { readonly raw: HasHeaders } } | { readonly request: HasHeaders };

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
 * Anything that takes Set-Cookie headers: a fetch `Response` or `Headers`; the response of node, Express or Koa;
 * Fastify's reply; the context of Hono or Koa.
 */
export type ResponseLike = { readonly headers: CookieHeaders } | CookieHeaders | NodeResponse | FastifyReply | HonoContext | { readonly res: NodeResponse };

/** The Cookie header of a request, `undefined` or empty when there is none. @throws TypeError for what is no request. */
export function cookieHeaderOf(source: RequestLike): string | undefined {
  // Node's headers first, and by a name that is written out: this runs for every request.
  const cookie = (source as { headers?: HeaderRecord | null } | null | undefined)?.headers?.cookie;
  return typeof cookie === "string" ? cookie : headerOf(source, "cookie");
}

/** Any header of a request, by its name in lower case. @throws TypeError for what is no request. */
export function headerOf(source: RequestLike, name: string): string | undefined {
  const headers = (source as Partial<HasHeaders> | undefined)?.headers;
  if (typeof headers !== "object" || headers === null) return headerElsewhere(source, name);
  if ("get" in headers && typeof headers.get === "function") return fieldOf(headers as HeaderGetter, name);
  const value = (headers as Record<string, string | string[] | undefined>)[name];
  // A header that came in several lines is one; a Cookie header's lines are joined by semicolons (RFC 9113 8.2.3).
  return Array.isArray(value) ? value.join(name === "cookie" ? "; " : ", ") : value;
}

/** HTTP/2's pseudo-header fields are node's; Headers of fetch throw at their names. */
function fieldOf(headers: HeaderGetter, name: string): string | undefined {
  return name.startsWith(":") ? undefined : (headers.get(name) ?? undefined);
}

function headerElsewhere(source: unknown, name: string): string | undefined {
  const { get, req, request } = Object(source) as { get?: unknown; req?: { raw?: RequestLike }; request?: RequestLike };
  // Hono's context holds a request that holds the fetch Request; Koa's, SvelteKit's and others hold a request.
  const inner = req?.raw ?? request;
  if (typeof inner === "object") return headerOf(inner, name);
  if (typeof get === "function") return fieldOf(source as HeaderGetter, name);
  throw new TypeError(`Cannot read a session from this request: it is ${kindOf(source)} without headers, a request of fetch, node, Express, Fastify, Koa or Hono is wanted`);
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

/** Says to caches that the response depends on a header of the request, beside what it says already. */
export function addVary(target: ResponseLike, name: string): void {
  const port = toHeaderPort(target);
  const vary = port.header("Vary") ?? "";
  if (vary === "") return port.setHeader("Vary", name);
  const names = vary.split(",").map((one) => one.trim().toLowerCase());
  if (!names.includes("*") && !names.includes(name.toLowerCase())) port.setHeader("Vary", `${vary}, ${name}`);
}

/**
 * Finds out how a response takes headers.
 *
 * @throws TypeError for what is no response; HarpiaError `ERR_HEADERS_SENT` when it is too late.
 */
export function toHeaderPort(target: ResponseLike): HeaderPort {
  const port = portOf(target);
  if (port.isSent) throw new HarpiaError("ERR_HEADERS_SENT", "Cannot set a cookie: the headers of this response have been sent, set it before the body");
  return port;
}

/** The headers that a response has, also when they have been sent. @throws TypeError for what is no response. */
export function responseHeaders(target: ResponseLike): Pick<HeaderPort, "cookies" | "header"> {
  return portOf(target);
}

function portOf(target: ResponseLike): HeaderPort {
  const shape = Object(target) as Record<string, unknown>;
  const { headers, res } = shape as { headers?: Partial<CookieHeaders>; res?: unknown };
  if (isMethod(shape, "setHeader")) return nodePort(target as NodeResponse);
  if (isMethod(shape, "header") && isMethod(shape, "removeHeader")) return fastifyPort(target as FastifyReply);
  if (isMethod(shape, "header") && typeof res === "object") return honoPort(target as HonoContext);
  if (isMethod(Object(res), "setHeader")) return nodePort(res as NodeResponse);
  if (isMethod(Object(headers), "getSetCookie")) return fetchPort(headers as CookieHeaders);
  if (isMethod(shape, "getSetCookie")) return fetchPort(target as CookieHeaders);
  throw new TypeError(`Cannot set a cookie on this response: it is ${kindOf(target)} that takes no headers, a response of fetch, node, Express, Fastify, Koa or Hono is wanted`);
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

function nodePort(response: NodeResponse): HeaderPort {
  return {
    isSent: response.headersSent,
    cookies: () => toList(response.getHeader("set-cookie")),
    setCookies: (lines) => void response.setHeader("Set-Cookie", lines),
    setHeader: (name, value) => void response.setHeader(name, value),
    header: (name) => toText(response.getHeader(name)),
  };
}

function fastifyPort(reply: FastifyReply): HeaderPort {
  return {
    // While a stream is being sent, Fastify's own `sent` is still false.
    isSent: reply.sent || reply.raw.headersSent,
    cookies: () => toList(reply.getHeader("set-cookie")),
    setCookies(lines) {
      // Fastify adds to the Set-Cookie headers that are there.
      reply.removeHeader("set-cookie");
      reply.header("set-cookie", lines);
    },
    setHeader: (name, value) => void reply.header(name, value),
    header: (name) => toText(reply.getHeader(name)),
  };
}

function honoPort(context: HonoContext): HeaderPort {
  const present = (): HeaderPort => fetchPort(context.res.headers);
  // In place where that can be done: `context.header` makes the response anew once there is one, and its server sends such a one in pieces.
  const change = (inPlace: (port: HeaderPort) => void, anew: () => void): void => {
    try {
      inPlace(present());
    } catch {
      // What `fetch` gave has headers that cannot be changed.
      anew();
    }
  };
  return {
    isSent: false,
    cookies: () => present().cookies(),
    setCookies: (lines) =>
      change(
        (port) => port.setCookies(lines),
        () => {
          context.header("Set-Cookie", undefined);
          for (const line of lines) context.header("Set-Cookie", line, { append: true });
        },
      ),
    setHeader: (name, value) => change((port) => port.setHeader(name, value), () => context.header(name, value)),
    header: (name) => present().header(name),
  };
}

function fetchPort(headers: CookieHeaders): HeaderPort {
  return {
    isSent: false,
    cookies: () => headers.getSetCookie(),
    setCookies(lines) {
      try {
        headers.delete("set-cookie");
      } catch (cause) {
        // The app's own response: it says that it is too late.
        if (cause instanceof HarpiaError) throw cause;
        throw new TypeError("Cannot set a cookie: the headers of this Response are immutable, new Response(body, { headers }) is wanted", { cause });
      }
      for (const line of lines) headers.append("set-cookie", line);
    },
    setHeader: (name, value) => headers.set(name, value),
    header: (name) => headers.get(name) ?? undefined,
  };
}
