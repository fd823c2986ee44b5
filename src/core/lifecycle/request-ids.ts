// Remembers, for as long as a request lives, the id that its session has since the request changed
// it.
import { headersOf, type RequestLike } from "../http/http-messages.ts";

/**
 * The ids that requests gave their sessions. Holds no request: an entry goes when its request does.
 */
export class RequestIds {
  // By the object that holds the headers: a framework's context and the request within it share
  // that one.
  readonly #ids = new WeakMap<object, string | null>();
  // Most processes that only read never need to look.
  #isUsed = false;
  // Where ids are renewed: those that each request was admitted with.
  readonly #admitted = new WeakMap<object, string[]>();

  /**
   * The id that the session of this request has now; `null` after its end, `undefined` where the
   * cookie still tells.
   */
  of(req: RequestLike): string | null | undefined {
    if (!this.#isUsed) return undefined;
    const headers = headersOf(req);
    return headers && this.#ids.get(headers);
  }

  /** @param id `null` when the session has ended. */
  keep(req: RequestLike | undefined, id: string | null): void {
    const headers = req && headersOf(req);
    if (!headers) return;
    this.#isUsed = true;
    this.#ids.set(headers, id);
  }

  /** Remembers that this request came with an id that was good. */
  admit(req: RequestLike, id: string): void {
    const headers = headersOf(req);
    if (!headers) return;
    const ids = this.#admitted.get(headers);
    if (ids) ids.push(id);
    else this.#admitted.set(headers, [id]);
  }

  isAdmitted(req: RequestLike, id: string): boolean {
    const headers = headersOf(req);
    return headers !== undefined && (this.#admitted.get(headers)?.includes(id) ?? false);
  }
}
