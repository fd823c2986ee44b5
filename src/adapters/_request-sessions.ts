// What every adapter does with a request's session, whatever the framework: make it, find it again, and settle it before
// the headers leave. An adapter says only when.
import type { RequestLike } from "../core/http-messages.ts";
import type { RequestSession } from "../core/request-session.ts";
import type { Session } from "../core/session.ts";

/** What an adapter can be told. */
export interface AdapterOptions {
  /**
   * What becomes of a request's changes when it is answered with a status of 500 or above. `discard`, the default, drops what
   * was not written yet and takes back a login of this request, though not the end of the session that it replaced; `commit` writes all the same.
   */
  onError?: "discard" | "commit" | undefined;
  /** The property of the request that holds its session. Default `session`. Several sessions need several. */
  property?: string | undefined;
}

// On each Session, the symbol under which its requests have theirs: whatever adapter looks for one finds the same.
const MARK = Symbol("mark");

/** The sessions of the requests under way, found by whatever object stands for the request. */
export class RequestSessions<Data extends object> {
  readonly property: string;
  readonly #open: (req: RequestLike) => RequestSession<Data>;
  // On the request itself: a WeakMap of requests, which all die young, costs the collector more than all else here together.
  readonly #mark: symbol;
  readonly #isDiscarding: boolean;

  /** @throws TypeError for what is no `Session`, and for an option that there is not. */
  constructor(session: Pick<Session<Data>, "open">, options: AdapterOptions = {}) {
    const { onError = "discard", property = "session" } = options;
    if (typeof Object(session).open !== "function") throw new TypeError("Cannot make this adapter: its first argument is no Session, new Session(…) is wanted");
    if (onError !== "discard" && onError !== "commit") throw new TypeError(`Cannot use onError ${String(onError)}: "discard" or "commit" is wanted`);
    if (typeof property !== "string" || property === "") throw new TypeError("Cannot use property: the name of a property is wanted");
    this.#open = (req) => session.open(req);
    this.#mark = markOf(session);
    this.#isDiscarding = onError === "discard";
    this.property = property;
  }

  /** Opens the session of a request and puts it on `holder`, by which it is found again. */
  open(req: RequestLike, holder: object): RequestSession<Data> {
    const session = this.#open(req);
    // Frameworks freeze no request.
    (holder as Record<symbol, unknown>)[this.#mark] = session;
    this.#expose(session, holder);
    return session;
  }

  /**
   * Gives a request the session that an adapter of the same `Session` has opened for it before, as where a middleware is used twice, by an application
   * within another. That adapter settles it: two sessions for one request would each send a cookie, and the browser keeps one.
   *
   * @returns whether there is one.
   */
  joins(holder: object): boolean {
    const session = this.find(holder);
    if (session) this.#expose(session, holder);
    return session !== undefined;
  }

  /** The session of a request that came through the adapter. */
  find(holder: object | undefined): RequestSession<Data> | undefined {
    // Nobody else has the symbol.
    return (holder as { readonly [mark: symbol]: RequestSession<Data> | undefined } | undefined)?.[this.#mark];
  }

  /** @throws TypeError for a request that did not come through the adapter. */
  of(holder: object): RequestSession<Data> {
    const session = this.find(holder);
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

  #expose(session: RequestSession<Data>, holder: object): void {
    // A field that the framework has made for it is written: to define it anew costs several times as much. What is no more than a getter is replaced.
    const own = Object.getOwnPropertyDescriptor(holder, this.property);
    if (own ? own.writable : !(this.property in holder)) (holder as Record<string, unknown>)[this.property] = session;
    else Object.defineProperty(holder, this.property, { value: session, configurable: true, enumerable: true, writable: true });
  }
}

function markOf(session: object): symbol {
  const mark: unknown = Reflect.get(session, MARK);
  if (typeof mark === "symbol") return mark;
  const own = Symbol("session");
  // One that is frozen has a mark for each adapter.
  Reflect.defineProperty(session, MARK, { value: own });
  return own;
}
