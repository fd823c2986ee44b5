// The session's own cookie: found in a request, and on a response with the session's attributes,
// alone of its name, and never in a cache.
import { scanCookies } from "./cookie-scan.ts";
import {
  type CookieOptions,
  formatDeletion,
  formatSetCookie,
  writeSetCookie,
  writtenCookie,
} from "./cookies.ts";
import {
  cookieHeaderOf,
  forbidCaching,
  type RequestLike,
  type ResponseLike,
} from "./http-messages.ts";
import { keepLastWord } from "./last-word.ts";
import type { NewSession } from "../store.ts";
import type { Transport } from "./transport.ts";

// As long as an id. Not one: randomness may be had only while a request is handled (Workers), and
// belongs to no snapshot.
const SAMPLE = "x".repeat(32);

/** Reads, writes and takes back one cookie. */
export class SessionCookie implements Transport {
  readonly header = "Cookie";
  readonly #name: string;
  readonly #defaults: CookieOptions;

  /**
   * @throws TypeError or RangeError for a cookie that browsers would refuse: found out here, not at
   * the first login.
   */
  constructor(name: string, defaults: CookieOptions) {
    this.#name = name;
    this.#defaults = defaults;
    formatSetCookie(name, SAMPLE, defaults);
  }

  read(req: RequestLike): string | string[] | undefined {
    const header = cookieHeaderOf(req);
    return header ? scanCookies(header, this.#name) : undefined;
  }

  write(res: ResponseLike, value: string, options: CookieOptions = {}): void {
    this.#put(res, formatSetCookie(this.#name, value, mergeCookieOptions(this.#defaults, options)));
  }

  assertWritable(options: CookieOptions): void {
    writtenCookie("cookie", options);
    formatSetCookie(this.#name, SAMPLE, mergeCookieOptions(this.#defaults, options));
  }

  /** Deletion repeats the attributes, or browsers ignore it. */
  erase(res: ResponseLike, options: CookieOptions = {}): void {
    this.#put(res, formatDeletion(this.#name, mergeCookieOptions(this.#defaults, options)));
  }

  #put(res: ResponseLike, line: string): void {
    writeSetCookie(res, this.#name, line);
    // A cache that kept this response would hand out the session.
    forbidCaching(res);
    keepLastWord(res);
  }
}

// Browsers keep no cookie longer (RFC 6265bis 5.5).
const LONGEST_COOKIE = 400 * 86_400;

/**
 * How long the cookie of a session lasts: to the session's end where it outlives the browser,
 * unless the options say something else.
 */
export function lifeOfCookie(
  session: Pick<NewSession<unknown>, "facts" | "endsAt"> | undefined,
  now: number,
  { maxAge, expires }: CookieOptions = {},
): CookieOptions {
  if (!session?.facts?.isPersistent || maxAge !== undefined || expires !== undefined) return {};
  return { maxAge: Math.min(Math.ceil((session.endsAt - now) / 1000), LONGEST_COOKIE) };
}

/** Options over defaults. What is undefined says nothing: it must not switch a default off. */
export function mergeCookieOptions(defaults: CookieOptions, options: CookieOptions): CookieOptions {
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  );
  // Browsers heed maxAge alone where both are: one that is given must not lose to a default.
  const { maxAge, expires, ...others } = defaults;
  return "maxAge" in given || "expires" in given
    ? { ...others, ...given }
    : { maxAge, expires, ...others, ...given };
}
