// What every adapter does with a request's session, whatever the framework: find it again, and settle it before the
// headers leave. An adapter says only when.
import type { RequestSession } from "../session.ts";

/** What becomes of a request's changes when it is answered with a status of 500 or above. */
export interface AdapterOptions {
  /**
   * `discard`, the default, drops what was not written yet and takes back a login of this request, as a database rolls
   * back; `commit` writes all the same.
   */
  onError?: "discard" | "commit" | undefined;
}

/** The sessions of the requests under way, found by whatever object stands for the request. */
export class RequestSessions<Data extends object> {
  readonly #sessions = new WeakMap<object, RequestSession<Data>>();
  readonly #isDiscarding: boolean;

  /** @throws TypeError for an option that there is not. */
  constructor(options: AdapterOptions = {}) {
    const { onError = "discard" } = options;
    if (onError !== "discard" && onError !== "commit") throw new TypeError(`Cannot use onError ${String(onError)}: "discard" or "commit" is wanted`);
    this.#isDiscarding = onError === "discard";
  }

  add(request: object, session: RequestSession<Data>): RequestSession<Data> {
    this.#sessions.set(request, session);
    return session;
  }

  /** @throws TypeError for a request that did not come through the adapter. */
  of(request: object): RequestSession<Data> {
    const session = this.#sessions.get(request);
    if (!session) throw new TypeError("Cannot give the session of this request: it did not come through the session middleware, which has to be used before");
    return session;
  }

  /**
   * Commits or discards. Where there is nothing to write nothing is returned, and nothing needs to be waited for. After it,
   * before the headers leave: `session.writeTo(res)`.
   *
   * @throws StoreError when the store fails.
   */
  settle(session: RequestSession<Data>, status: number): Promise<void> | undefined {
    if (this.#isDiscarding && status >= 500) return session.discard();
    return session.hasChanges ? session.commit() : undefined;
  }
}
