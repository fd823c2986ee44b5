// `req.session` as applications of express-session know it: a bag of properties with methods that
// nothing enumerates. What it does, the store of the request does.
import type { Cookie } from "./cookie.ts";

/** A callback of node's kind. */
export type Callback = (error?: unknown) => void;

/** What a session asks of its request. */
export interface SessionHolder {
  session?: unknown;
  sessionID?: unknown;
  sessionStore?: unknown;
}

/** What a session asks of the store that its request has. */
interface RequestStore {
  get(sid: string, callback: (error?: unknown, found?: object | null) => void): void;
  set(sid: string, session: object, callback: (error?: unknown, outcome?: unknown) => void): void;
  update?(
    sid: string,
    session: object,
    change: (fields: Record<string, unknown>) => unknown,
  ): Promise<boolean>;
  destroy(sid: string, callback: Callback): void;
  regenerate(req: SessionHolder, callback: Callback): void;
  createSession(req: SessionHolder, found: object): Session;
}

/** What the middleware wants to hear of one request's session. */
export interface SessionObserver {
  /** A save begins: what is saved then counts as saved once it succeeds. @returns tell how it ended. */
  saving(session: Session): (error?: unknown, outcome?: never) => void;
  /** Another object has taken the place of the session: it was read again. */
  reloaded(session: Session): void;
  /** Whether nothing of this session is stored yet. */
  isNew(session: Session): boolean;
  /** The session was changed in the store, and is up to date. */
  changed(): void;
  /** Something failed that the application did not wait for. */
  failedUnseen(error: unknown): void;
}

const observers = new WeakMap<object, SessionObserver>();

/** From now on the observer hears what becomes of this request's session. */
export function observe(holder: object, observer: SessionObserver): void {
  observers.set(holder, observer);
}

/**
 * The session of a request. Its enumerable properties are `cookie` and the application's own.
 *
 * `regenerate`, `destroy`, `reload` and `save` take a callback and return the session, or return a
 * promise where there is none.
 */
export class Session {
  declare readonly id: string;
  declare readonly req: SessionHolder;
  declare cookie: Cookie;

  /** @param req with the `sessionID` that the session takes. @param data is copied, but for what bears a method's name. */
  constructor(req: SessionHolder, data?: object | null) {
    Object.defineProperty(this, "req", { value: req });
    Object.defineProperty(this, "id", { value: req.sessionID });
    if (typeof data !== "object" || data === null) return;
    for (const [name, value] of Object.entries(data)) {
      // As a property of its own whatever its name, __proto__ too.
      if (!(name in this)) define(this, name, value);
    }
  }

  /** Sets `cookie.maxAge` back to what it was. */
  touch(): this {
    return this.resetMaxAge();
  }

  resetMaxAge(): this {
    this.cookie.maxAge = this.cookie.originalMaxAge;
    return this;
  }

  /**
   * Writes the session now, instead of at the end of the answer.
   *
   * @throws StoreError (as the callback's argument, or the promise's rejection) where the store failed.
   */
  save(): Promise<void>;
  save(callback: Callback): this;
  save(callback?: Callback): this | Promise<void> {
    return this.#answer(callback, (done) => {
      const saved = observers.get(this.req)?.saving(this);
      storeOf(this).set(this.id, this, (error?: unknown, outcome?: unknown) => {
        saved?.(error, outcome as never);
        done(error);
      });
    });
  }

  /**
   * Changes the session by a function of what is stored now, exactly: of two requests that count at
   * once both count. Takes the result over.
   *
   * @param change gets the stored fields, and gives back those that change.
   * @returns whether the session still lives.
   * @throws TypeError with a store that is not of harpiats.
   * @example
   * await req.session.update(({ visits = 0 }) => ({ visits: visits + 1 }));
   */
  async update(
    // The application's own fields.
    // oxlint-disable-next-line typescript/no-explicit-any
    change: (fields: Record<string, any>) => object | undefined | Promise<object | undefined>,
  ): Promise<boolean> {
    const store = storeOf(this);
    if (typeof store.update !== "function")
      throw new TypeError(
        "Cannot update exactly: this store has three methods, expected a store of harpiats",
      );
    const observer = observers.get(this.req);
    if (observer?.isNew(this)) await this.save();
    const isLive = await store.update(this.id, this, change);
    if (isLive) observer?.changed();
    return isLive;
  }

  /** Reads the session again, into a new `req.session`. A session that has ended is an error. */
  reload(): Promise<void>;
  reload(callback: Callback): this;
  reload(callback?: Callback): this | Promise<void> {
    return this.#answer(callback, (done) => {
      const store = storeOf(this);
      store.get(this.id, (error?: unknown, found?: object | null) => {
        if (error) return done(error);
        if (!found) return done(new Error("Cannot reload the session: failed to load session"));
        const session = store.createSession(this.req, found);
        observers.get(this.req)?.reloaded(session);
        done();
      });
    });
  }

  /** Ends the session. `req.session` is gone at once. */
  destroy(): Promise<void>;
  destroy(callback: Callback): this;
  destroy(callback?: Callback): this | Promise<void> {
    // The middleware's answer has no cookie then, nor a save.
    delete this.req.session;
    return this.#answer(callback, (done) => storeOf(this).destroy(this.id, done));
  }

  /** Ends the session and puts a new one, with a new id, in its place: at sign-in. */
  regenerate(): Promise<void>;
  regenerate(callback: Callback): this;
  regenerate(callback?: Callback): this | Promise<void> {
    return this.#answer(callback, (done) => storeOf(this).regenerate(this.req, done));
  }

  #answer(callback: Callback | undefined, run: (done: Callback) => void): this | Promise<void> {
    if (callback !== undefined) {
      if (typeof callback !== "function")
        throw new TypeError(`Cannot call back: it is a ${typeof callback}, expected a function`);
      run(callback);
      return this;
    }
    return new SeenPromise<void>(
      (resolve, reject) => run((error) => (error ? reject(error) : resolve())),
      (error) => observers.get(this.req)?.failedUnseen(error),
    );
  }
}

// Through the object at each call: applications wrap its methods.
function storeOf(session: Session): RequestStore {
  return session.req.sessionStore as RequestStore;
}

function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}

/** A promise whose failure, where nobody looks at it, is told instead of ending the process. */
class SeenPromise<T> extends Promise<T> {
  #isSeen = false;

  // What `then` makes is a plain promise.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  constructor(
    executor: (resolve: (value: T) => void, reject: (reason: unknown) => void) => void,
    onUnseen?: (error: unknown) => void,
  ) {
    super(executor);
    super.then(undefined, (error: unknown) => {
      if (!this.#isSeen) onUnseen?.(error);
    });
  }

  // oxlint-disable-next-line unicorn/no-thenable
  override then<A = T, B = never>(
    onDone?: ((value: T) => A | PromiseLike<A>) | null,
    onFail?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#isSeen = true;
    return super.then(onDone, onFail);
  }
}
