// Which store serves: ours behind the face of express-session's, or one of theirs.
import { kindOf } from "../core/checks.ts";
import { MemoryStore as CoreMemoryStore } from "../core/memory/memory-store.ts";
import type { SessionStore } from "../core/store.ts";
import { isSessionStore } from "../core/store/three-method-store.ts";
import { type ExpressStore, toExpressStore } from "../stores/express-session.ts";
import { type SessionOptions, warnOnce } from "./options.ts";
import type { Callback, Session, SessionHolder } from "./session.ts";
import { type FoundCallback, Store } from "./store.ts";

type Fields = Record<string, unknown>;

/** The option `store`, or memory. @throws TypeError for what is no store. */
export function toStore(options: SessionOptions): Store {
  const { store } = options;
  if (store === undefined) return new MemoryStore(options);
  const given: unknown = store;
  if (typeof given !== "object" || given === null)
    throw new TypeError(`Cannot use option store: it is ${kindOf(given)}, expected a store`);
  if (isSessionStore(store as SessionStore)) return wrap(store as SessionStore, options);
  for (const method of ["get", "set", "destroy", "createSession", "on"]) {
    if (typeof (given as Fields)[method] !== "function")
      throw new TypeError(
        `Cannot use option store: it has no method ${method}, expected a store of harpiats or of express-session`,
      );
  }
  // What counts exactly is ours: Session.update asks for the same.
  if (typeof (given as Fields)["update"] !== "function")
    warnOnce(
      "HARPIATS_FOREIGN_STORE",
      "harpiats/express-session: this store has three methods, so parallel requests may undo each other's changes and an ended session may come back, expected a store of harpiats",
    );
  return given as Store;
}

function wrap(store: SessionStore, options: Omit<SessionOptions, "store">): ExpressStore & Store {
  const { idleTimeout, absoluteTimeout, storeTimeout, touchInterval, former, migrate, clock } =
    options;
  const { user = passportUser } = options;
  return toExpressStore(store, {
    Store,
    idleTimeout,
    absoluteTimeout,
    storeTimeout,
    touchInterval,
    former,
    migrate,
    clock,
    user,
  });
}

function passportUser(session: Fields): string | number | undefined {
  const { user } = Object(session["passport"]) as { user?: unknown };
  return typeof user === "string" || typeof user === "number" ? user : undefined;
}

/** Sessions in this process' memory: for development, or a service of one process. */
export class MemoryStore extends Store {
  readonly #store: ReturnType<typeof wrap>;

  constructor(options: Omit<SessionOptions, "store"> = {}) {
    super();
    if (process.env["NODE_ENV"] === "production")
      warnOnce(
        "HARPIATS_MEMORY_STORE",
        "harpiats/express-session: sessions are kept in this process' memory, expected option store in production",
      );
    this.#store = wrap(new CoreMemoryStore(options.clock && { clock: options.clock }), options);
  }

  override get(sid: string, callback: FoundCallback): void {
    this.#store.get(sid, callback);
  }

  override set(sid: string, session: object, callback?: Callback): void {
    this.#store.set(sid, session, callback);
  }

  override touch(sid: string, session: object, callback?: Callback): void {
    this.#store.touch(sid, session, callback);
  }

  override destroy(sid: string, callback?: Callback): void {
    this.#store.destroy(sid, callback);
  }

  update(sid: string, session: object, change: (fields: Fields) => unknown): Promise<boolean> {
    return this.#store.update(sid, session, change);
  }

  /** Every session, by handle: no id is to be had. */
  all(callback: (error?: unknown, sessions?: Record<string, Fields>) => void): void {
    void this.#store.all(callback).catch(() => {});
  }

  length(callback: (error?: unknown, count?: number) => void): void {
    void this.#store.length(callback).catch(() => {});
  }

  clear(callback: Callback = () => {}): void {
    void this.#store.clear(callback).catch(() => {});
  }

  override createSession(req: SessionHolder, found: object): Session {
    return this.#store.createSession(req, found);
  }
}
