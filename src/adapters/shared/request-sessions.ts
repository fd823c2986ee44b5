// What every adapter does with a request's session, whatever the framework: make it, find it again,
// and settle it before the headers leave. An adapter says only when.
import { assertOptions, callback, oneOf, type Shape, text } from "../../core/checks.ts";
import type { RequestLike } from "../../core/http/http-messages.ts";
import { OPEN_REAL, realOf } from "../../core/request/closed-session.ts";
import type { RequestSession } from "../../core/request/request-session.ts";
import type { Session } from "../../core/session/session.ts";

/** What an adapter can be told. */
export interface AdapterOptions {
  /**
   * What becomes of a request's changes when it is answered with a status of 500 or above.
   * `discard`, the default, drops what was not written yet and takes back a login of this request,
   * though not the end of the session that it replaced; `commit` writes all the same.
   */
  onError?: "discard" | "commit" | undefined;
  /**
   * The property of the request that holds its session. Default `session`. Several sessions need
   * several.
   */
  property?: string | undefined;
}

// On each Session, the symbol under which its requests have theirs: whatever adapter looks for one
// finds the same.
const MARK = Symbol("mark");

/** The options of every adapter. One that has others names them beside these. */
export const ADAPTER_OPTIONS = {
  onError: oneOf("discard", "commit"),
  property: text,
} satisfies Shape;
/** With `onFailure`, of the adapters that answer failures by themselves. */
export const ANSWERING_OPTIONS = { ...ADAPTER_OPTIONS, onFailure: callback } satisfies Shape;

/** The sessions of the requests under way, found by whatever object stands for the request. */
export class RequestSessions<Data extends object, Input extends object = Data> {
  readonly property: string;
  readonly #open: (req: RequestLike) => RequestSession<Data, Input>;
  // On the request itself: a WeakMap of requests, which all die young, costs the collector more
  // than all else here together.
  readonly #mark: symbol;
  readonly #isDiscarding: boolean;
  #isDecorated = false;
  // Of applications, on which the property was defined.
  readonly #prototypes = new WeakSet<object>();

  /** @throws TypeError for what is no `Session`, and for an option that there is not. */
  constructor(
    session: Pick<Session<Data, Input>, "open">,
    options: AdapterOptions = {},
    shape: Shape = ADAPTER_OPTIONS,
  ) {
    assertOptions("this adapter", options, shape);
    const { onError = "discard", property = "session" } = options;
    if (typeof Object(session).open !== "function")
      throw new TypeError(
        "Cannot make this adapter: its first argument is no Session, new Session(…) is wanted",
      );
    this.#open = openerOf(session);
    this.#mark = markOf(session);
    this.#isDiscarding = onError === "discard";
    this.property = property;
  }

  /**
   * Opens the session of a request and puts it on `holder`, by which it is found again.
   *
   * @throws as {@link expose}.
   */
  open(req: RequestLike, holder: object): RequestSession<Data, Input> {
    const session = this.#open(req);
    // Frameworks freeze no request.
    (holder as Marked<Data, Input>)[this.#mark] = session;
    this.#expose(session, holder);
    return session;
  }

  /**
   * Gives a request the session that an adapter of the same `Session` has opened for it before, as
   * where a middleware is used twice, by an application within another. That adapter settles it:
   * two sessions for one request would each send a cookie, and the browser keeps one.
   *
   * @returns whether there is one.
   */
  joins(holder: object): boolean {
    const session = (holder as Marked<Data, Input>)[this.#mark];
    if (session) this.#expose(session, holder);
    return session !== undefined;
  }

  /**
   * The session of a request that came through the adapter: the one that does the work, for the
   * adapter.
   */
  find(holder: object | undefined): RequestSession<Data, Input> | undefined {
    return (holder as Marked<Data, Input> | undefined)?.[this.#mark];
  }

  /**
   * The session of a request, closed, for the application.
   *
   * @throws TypeError for a request that did not come through the adapter.
   */
  of(holder: object): RequestSession<Data, Input> {
    const session = (holder as Marked<Data, Input>)[this.#mark];
    if (!session)
      throw new TypeError(
        "Cannot give the session of this request: it did not come through the session middleware, which has to be used before",
      );
    return session.face;
  }

  /**
   * A getter and a setter of the property, for a framework that puts them on all of its requests.
   */
  decoration(): { getter(): unknown; setter(value: unknown): void } {
    const { get, set } = this.#accessors;
    this.#isDecorated = true;
    return { getter: get, setter: set };
  }

  get #accessors(): PropertyDescriptor & { get(): unknown; set(value: unknown): void } {
    const { property } = this;
    const mark = this.#mark;
    return {
      configurable: true,
      enumerable: true,
      get(this: Marked<Data, Input>): unknown {
        return this[mark]?.face;
      },
      set(this: Marked<Data, Input>, value: unknown): void {
        // A request that did not come through the adapter is anybody's.
        if (this[mark] === undefined)
          Object.defineProperty(this, property, {
            value,
            configurable: true,
            enumerable: true,
            writable: true,
          });
        else
          throw new TypeError(
            `Cannot write ${property} of a request: it holds the request's session, expected session.destroy() for a logout`,
          );
      },
    };
  }

  /**
   * Commits or discards. Where there is nothing to write nothing is returned, and nothing needs to
   * be waited for. After it, before the headers leave: `session.writeTo(res)`.
   *
   * @throws StoreError when the store fails.
   */
  settle(session: RequestSession<Data, Input>, status: number): Promise<void> | undefined {
    if (this.#isDiscarding && status >= 500) return session.discard();
    return session.hasChanges ? session.commit() : undefined;
  }

  /** @throws TypeError where the property holds what is not ours. */
  #expose(session: RequestSession<Data, Input>, holder: object): void {
    const { property } = this;
    const there = valueOf(holder, property);
    if (there !== undefined && there !== null) {
      if (there === session.face) return;
      throw new TypeError(
        `Cannot put the session on this request: its property ${property} is taken already, expected another name in the option property`,
      );
    }
    if (this.#isDecorated || this.#exposesByPrototype(holder)) return;
    // A field that the framework has made for it is written: to define it anew costs several times
    // as much. What is no more than a getter is replaced.
    const own = Object.getOwnPropertyDescriptor(holder, property);
    if (own ? own.writable : !(property in holder))
      (holder as Record<string, unknown>)[property] = session.face;
    else
      Object.defineProperty(holder, property, {
        value: session.face,
        configurable: true,
        enumerable: true,
        writable: true,
      });
  }

  /**
   * Express and Koa make each request of an object of the application's: there the property is no
   * request's to replace.
   */
  #exposesByPrototype(holder: object): boolean {
    const prototype = Object.getPrototypeOf(holder) as object | null;
    if (prototype === null || this.#prototypes.has(prototype)) return prototype !== null;
    const { app } = holder as { app?: { request?: unknown; context?: unknown } | undefined };
    if (app?.request !== prototype && app?.context !== prototype) return false;
    if (this.property in prototype) return false;
    Object.defineProperty(prototype, this.property, this.#accessors);
    this.#prototypes.add(prototype);
    return true;
  }
}

type Marked<Data extends object, Input extends object = Data> = Record<
  symbol,
  RequestSession<Data, Input> | undefined
>;

/** What opens a request's session as it is, where that can be had. */
export function openerOf<Data extends object, Input extends object = Data>(
  session: Pick<Session<Data, Input>, "open">,
): (req: RequestLike) => RequestSession<Data, Input> {
  const { [OPEN_REAL]: openReal } = session as Partial<Session<Data, Input>>;
  return openReal
    ? (req) => openReal.call(session as Session<Data, Input>, req)
    : (req) => realOf(session.open(req));
}

/** What a field holds. A getter is not asked: it may begin a session of another library. */
function valueOf(holder: object, property: string): unknown {
  if (!(property in holder)) return undefined;
  for (let at: object | null = holder; at; at = Object.getPrototypeOf(at) as object | null) {
    const descriptor = Object.getOwnPropertyDescriptor(at, property);
    if (descriptor) return descriptor.value as unknown;
  }
  return undefined;
}

function markOf(session: object): symbol {
  const mark: unknown = Reflect.get(session, MARK);
  if (typeof mark === "symbol") return mark;
  const own = Symbol("session");
  // One that is frozen has a mark for each adapter.
  Reflect.defineProperty(session, MARK, { value: own });
  return own;
}
