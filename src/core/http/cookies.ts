// Cookies: reads a Cookie header, writes Set-Cookie headers, by the rules of RFC 6265bis.
// The grammar is the `cookie` package's; the rules that it leaves out (prefixes, sizes, pairs of
// attributes) are here.
import { parseCookie, parseSetCookie, stringifySetCookie } from "cookie";
import {
  cookieHeaderOf,
  type RequestLike,
  type ResponseLike,
  toHeaderPort,
} from "./http-messages.ts";
import { boolean, check, nested, oneOf, pattern, type Shape, text, whole } from "../checks.ts";

/** Attributes of a cookie. Absent ones take the `Session`'s, or for {@link Cookies} none. */
export interface CookieOptions {
  /** Hides the cookie from scripts in the page. `Session` default `true` (ASVS V3.3.4). */
  httpOnly?: boolean | undefined;
  /**
   * Sends the cookie over https only; browsers take http://localhost for safe too. `Session`
   * default `true` (ASVS V3.3.1).
   */
  secure?: boolean | undefined;
  /** Which cross-site requests carry the cookie. `Session` default `"lax"` (ASVS V3.3.2). */
  sameSite?: "strict" | "lax" | "none" | undefined;
  /** Whole seconds from now, at most 400 days. Absent: until the browser is closed. */
  maxAge?: number | undefined;
  /** An instant instead of `maxAge`, at most 400 days from now. */
  expires?: Date | undefined;
  /** `Session` default `"/"`. */
  path?: string | undefined;
  /** Shares the cookie with all subdomains of this domain. Absent: this host alone. */
  domain?: string | undefined;
  /** One jar for each top-level site (CHIPS). Needs `secure`. */
  partitioned?: boolean | undefined;
  /**
   * Which cookies a browser that keeps only so many of a site drops first: a hint of Chromium's.
   * Default: none.
   */
  priority?: "low" | "medium" | "high" | undefined;
}

// RFC 6265bis, sections 5.6 and 5.7: what is larger or later is cut or ignored by browsers.
const LONGEST_COOKIE = 4096;
const LONGEST_ATTRIBUTE = 1024;
const LATEST_SECONDS = 400 * 86_400;
const NAME = /^[!#$%&'*+\-.^`|~\w]+$/;

const SAME_SITE = oneOf("strict", "lax", "none");
/** The name of a cookie. */
export const cookieName = pattern(NAME, "letters, digits and !#$%&'*+-.^_`|~");
const ATTRIBUTES = {
  httpOnly: boolean,
  secure: boolean,
  // Its case does not matter to browsers.
  sameSite: (name, value) =>
    SAME_SITE(name, typeof value === "string" ? value.toLowerCase() : value),
  path: text,
  domain: text,
  partitioned: boolean,
  priority: oneOf("low", "medium", "high"),
} satisfies Shape;
// That it is no more than 400 days is checked with `expires`.
const LASTING = whole(1);
const isDate = (value: unknown): value is Date =>
  value instanceof Date && !Number.isNaN(value.getTime());

/** The attributes of a `Session`'s cookie: the same for each of its responses, so an instant has no place there. */
export const configuredCookie = nested({
  ...ATTRIBUTES,
  maxAge: LASTING,
  expires: check(
    "none: an instant passes, and every later cookie is dead. Give maxAge, in seconds",
    () => false,
  ),
});
/** The attributes of a cookie that is about to be set. */
export const writtenCookie = nested({
  ...ATTRIBUTES,
  maxAge: LASTING,
  expires: check("a Date", isDate),
});
/** The attributes of any cookie, also of one that is to be forgotten. */
export const anyCookie = nested({
  ...ATTRIBUTES,
  maxAge: whole(Number.MIN_SAFE_INTEGER),
  expires: check("a Date", isDate),
});

/** The cookies of one request, and those that its response sets. */
export class Cookies {
  readonly #request: RequestLike | undefined;
  readonly #response: ResponseLike | undefined;
  #all: Record<string, string | undefined> | undefined;

  /**
   * @param request whatever has a Cookie header, or the header's text.
   * @param response whatever takes Set-Cookie headers; needed by `set` and `delete` alone.
   */
  constructor(request?: RequestLike | string | null, response?: ResponseLike) {
    this.#request =
      typeof request === "string" ? { headers: { cookie: request } } : (request ?? undefined);
    this.#response = response;
  }

  /** The value of a cookie, percent-decoded; of several with this name the first. */
  get(name: string): string | undefined {
    return this.#parsed()[name];
  }

  /**
   * All cookies by name, in an object without a prototype, so that no name is special. It is the
   * caller's to change.
   */
  getAll(): Record<string, string> {
    return Object.assign(Object.create(null) as Record<string, string>, this.#parsed());
  }

  /**
   * Adds a Set-Cookie header to the response, in the place of an earlier one with this name.
   *
   * @throws TypeError or RangeError, before anything is sent, for what {@link formatSetCookie}
   * refuses.
   */
  set(name: string, value: string, options: CookieOptions = {}): void {
    writeSetCookie(this.#writable(), name, formatSetCookie(name, value, options));
  }

  /**
   * Makes the browser forget a cookie. Give the attributes it was set with, or browsers keep it.
   */
  delete(name: string, options: CookieOptions = {}): void {
    writeSetCookie(this.#writable(), name, formatDeletion(name, options));
  }

  #parsed(): Record<string, string | undefined> {
    return (this.#all ??= parseCookie((this.#request && cookieHeaderOf(this.#request)) ?? ""));
  }

  #writable(): ResponseLike {
    if (!this.#response)
      throw new TypeError(
        "Cannot set a cookie: these Cookies have no response, new Cookies(request, response) is wanted",
      );
    return this.#response;
  }
}

/**
 * Puts one Set-Cookie line on a response, in the place of any other with this name. Other cookies
 * stay as they are.
 */
export function writeSetCookie(response: ResponseLike, name: string, line: string): void {
  const port = toHeaderPort(response);
  port.setCookies([...port.cookies().filter((other) => !other.startsWith(`${name}=`)), line]);
}

/**
 * Formats a Set-Cookie header.
 *
 * @throws TypeError or RangeError for characters outside the grammar (RFC 6265bis 4.1.1), more than
 * 4096 bytes, 1024 bytes in an attribute, more than 400 days, a broken rule of `__Host-`,
 * `__Secure-`, `__Http-` or `__Host-Http-`, and `SameSite=None` or `Partitioned` without `Secure`.
 */
export function formatSetCookie(name: string, value: string, options: CookieOptions): string {
  assertCookie(name, options);
  if (typeof value !== "string")
    throw new TypeError(`Cannot set cookie ${name}: its value is not a string`);
  const { httpOnly, secure, sameSite, maxAge, expires, path, domain, partitioned, priority } =
    options;
  let line: string;
  try {
    line = stringifySetCookie({
      name,
      value,
      ...(maxAge !== undefined && { maxAge }),
      ...(expires && { expires }),
      ...(domain !== undefined && { domain }),
      ...(path !== undefined && { path }),
      ...(httpOnly && { httpOnly }),
      ...(secure && { secure }),
      ...(partitioned && { partitioned }),
      ...(priority && { priority }),
      ...(sameSite && { sameSite }),
    });
  } catch (cause) {
    // The package names the attribute; of a value it says only that it is malformed.
    const { message } = cause as Error;
    throw new TypeError(
      `Cannot set cookie ${name}: ${message}, expected ASCII in path and domain, and a value without lone surrogates`,
      { cause },
    );
  }
  // The line is ASCII by now: its length is its bytes. Browsers count name and value, servers and
  // proxies all of it.
  if (line.length > LONGEST_COOKIE)
    throw new RangeError(
      `Cannot set cookie ${name}: it has ${line.length} bytes, browsers keep ${LONGEST_COOKIE}`,
    );
  return line;
}

/**
 * Formats the Set-Cookie header that makes a browser forget a cookie: the same attributes, a value
 * of nothing, a date long past.
 */
export function formatDeletion(name: string, options: CookieOptions): string {
  return formatSetCookie(name, "", { ...options, maxAge: 0, expires: new Date(0) });
}

/**
 * A Set-Cookie header of {@link formatSetCookie}'s, as the parts it was made of: for frameworks
 * that take no header.
 */
export function parseSetCookieLine(line: string): CookieOptions & { name: string; value: string } {
  const { value = "", sameSite, ...rest } = parseSetCookie(line);
  return { ...rest, value, ...(typeof sameSite === "string" && { sameSite }) };
}

function assertCookie(name: string, options: CookieOptions): void {
  if (typeof name !== "string" || !NAME.test(name))
    throw new TypeError("Invalid cookie name: expected letters, digits and !#$%&'*+-.^_`|~");
  anyCookie("cookie", options);
  const { maxAge, expires, path, domain, secure, httpOnly, sameSite, partitioned } = options;
  const refuse = (why: string): never => {
    throw new TypeError(`Cannot use cookie ${name}: ${why}`);
  };
  for (const [attribute, text] of Object.entries({ path, domain })) {
    if (text !== undefined && text.length > LONGEST_ATTRIBUTE)
      refuse(`${attribute} has more than ${LONGEST_ATTRIBUTE} bytes`);
  }
  if (path !== undefined && !path.startsWith("/")) refuse("path does not begin with /");
  // By the browser's time, so not by the clock of a test.
  const seconds = Math.max(maxAge ?? 0, expires ? (expires.getTime() - Date.now()) / 1000 : 0);
  if (seconds > LATEST_SECONDS)
    throw new RangeError(
      `Cannot use cookie ${name}: it would live ${Math.round(seconds)} s, browsers keep it 400 days (${LATEST_SECONDS} s)`,
    );
  if (sameSite?.toLowerCase() === "none" && !secure) refuse("sameSite none needs secure");
  if (partitioned && !secure) refuse("partitioned needs secure");
  // Prefixes bind whatever their case (RFC 6265bis 4.1.3): browsers refuse what only looks like
  // one.
  const prefix = /^__(host-http|host|http|secure)-/i.exec(name)?.[1]?.toLowerCase();
  if (!prefix) return;
  if (!secure) refuse("its prefix needs secure");
  if (prefix.includes("http") && !httpOnly) refuse("its prefix needs httpOnly");
  if (prefix.startsWith("host") && (domain !== undefined || path !== "/"))
    refuse("its prefix needs path / and no domain");
}
