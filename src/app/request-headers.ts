// The headers of a request, as far as an application may look. Notes when it looks at the cookies,
// since the response then depends on them.

/** The headers of a request. Names are matched whatever their case. */
export interface RequestHeaders extends Iterable<[string, string]> {
  /** The value, several of the same name joined by a comma; `null` when there is none. */
  get(name: string): string | null;
  has(name: string): boolean;
  entries(): IterableIterator<[string, string]>;
}

/**
 * Headers that call `onCookieRead` whenever the Cookie header may have been seen, present or not.
 */
export class WatchedHeaders implements RequestHeaders {
  readonly #headers: Headers;
  readonly #onCookieRead: () => void;

  constructor(headers: Headers, onCookieRead: () => void) {
    this.#headers = headers;
    this.#onCookieRead = onCookieRead;
  }

  get(name: string): string | null {
    this.#note(name);
    return this.#headers.get(name);
  }

  has(name: string): boolean {
    this.#note(name);
    return this.#headers.has(name);
  }

  entries(): IterableIterator<[string, string]> {
    this.#onCookieRead();
    return this.#headers.entries();
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }

  #note(name: string): void {
    if (name.toLowerCase() === "cookie") this.#onCookieRead();
  }
}
