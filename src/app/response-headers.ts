// The headers of a response: a fetch Headers that can be closed, and that remembers whether
// no-store was asked for.
import { HarpiaError } from "../core/errors.ts";
import { forbidCaching } from "../core/http/http-messages.ts";

/** The headers of a response. Names are matched whatever their case. */
export interface ResponseHeaders extends Iterable<[string, string]> {
  /** The value, several of the same name joined by a comma; `null` when there is none. */
  get(name: string): string | null;
  has(name: string): boolean;
  /** The Set-Cookie headers, one by one. */
  getSetCookie(): string[];
  /**
   * Sets a header in the place of all others with this name.
   *
   * @throws TypeError for what no header can hold, such as a line break.
   */
  set(name: string, value: string): void;
  /** Adds a header beside others with this name. @throws as `set` does. */
  append(name: string, value: string): void;
  delete(name: string): void;
  entries(): IterableIterator<[string, string]>;
}

// They describe a body that an error has made void.
const OF_THE_BODY = [
  "content-type",
  "content-length",
  "content-encoding",
  "content-disposition",
  "content-language",
  "content-location",
  "content-range",
  "etag",
  "last-modified",
  "expires",
  "location",
];

/** Headers that can be changed until they are closed; then HarpiaError `ERR_HEADERS_SENT`. */
export class GuardedHeaders implements ResponseHeaders {
  readonly #headers = new Headers();
  #isClosed = false;
  #wasNoStore = false;

  get(name: string): string | null {
    return this.#headers.get(name);
  }

  has(name: string): boolean {
    return this.#headers.has(name);
  }

  getSetCookie(): string[] {
    return this.#headers.getSetCookie();
  }

  set(name: string, value: string): void {
    this.#open(name, value).set(name, value);
  }

  append(name: string, value: string): void {
    this.#open(name, value).append(name, value);
  }

  delete(name: string): void {
    this.#open(name).delete(name);
  }

  entries(): IterableIterator<[string, string]> {
    return this.#headers.entries();
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }

  /**
   * Forgets what described a body that will not be sent, and keeps the rest: cookies, security
   * headers.
   */
  dropBody(): void {
    for (const name of OF_THE_BODY) this.delete(name);
    this.set("cache-control", "no-store");
  }

  /** Adds what caches need to know. Nothing changes afterwards. */
  close(hasReadCookies: boolean): Headers {
    if (hasReadCookies) this.#varyByCookie();
    // The session's cookie came with no-store. What was said to caches afterwards, by any of the
    // headers that they read, must not let one keep the cookie.
    if (this.#wasNoStore && this.has("set-cookie")) forbidCaching(this.#headers);
    this.#isClosed = true;
    return this.#headers;
  }

  #varyByCookie(): void {
    const names = (this.get("vary") ?? "")
      .toLowerCase()
      .split(",")
      .map((name) => name.trim());
    if (!names.includes("cookie") && !names.includes("*")) this.append("vary", "Cookie");
  }

  #open(name: string, value = ""): Headers {
    if (this.#isClosed) {
      throw new HarpiaError(
        "ERR_HEADERS_SENT",
        "Cannot change a header: this response has been handed over, change it before the last handler has ended",
      );
    }
    if (/^cache-control$/i.test(name) && /\bno-store\b/i.test(value)) this.#wasNoStore = true;
    return this.#headers;
  }
}
