// One request's session over time: what was loaded, what is saved, and so what is due at the end.
import { forbidCaching, type ResponseLike, suggestCaching } from "../core/http/http-messages.ts";
import type { HoldHooks } from "../adapters/node/held-response.ts";
import { isSecure, type SessionRequest } from "./connection.ts";
import type { Settings } from "./options.ts";
import type { Session, SessionObserver } from "./session.ts";
import { type Secret, sign } from "./signed-cookie.ts";
import type { Store } from "./store.ts";

/** What our own stores tell beside an error: whether the session was there. */
export type Outcome = "found" | "gone" | "unasked";
type OutcomeCallback = (error?: unknown, outcome?: Outcome) => void;

/** Whatever else than the session the answer's end depends on. */
export interface RequestParts {
  settings: Settings;
  store: Store;
  secret: Secret;
  req: SessionRequest;
  res: ResponseLike & { getHeader(name: string): unknown; setHeader(n: string, v: never): unknown };
  next(error?: unknown): void;
  /** What the request's cookie named, genuinely: the id, whether or not there is such a session. */
  cookieId: string | undefined;
}

// No JSON text is like this.
const CHANGED = "changed";

/** Decides what is due before the headers and before the end, and does it. */
export class RequestState implements SessionObserver, HoldHooks {
  readonly #parts: RequestParts;
  #originalId: unknown;
  #original = "";
  #saved: string | undefined;
  #isFound = false;
  #isRefreshed = false;
  #isTouched = false;
  // The session that the cookie would name has ended, or nobody knows: no cookie.
  #isCookieOff = false;
  #failure: { error: unknown } | undefined;
  // What Set-Cookie was before ours, until the head has left.
  #cookiesBefore: string[] | undefined;

  constructor(parts: RequestParts) {
    this.#parts = parts;
  }

  /** The request's session is a new one. */
  begun(session: Session): void {
    this.#originalId = this.#parts.req.sessionID;
    this.#original = textOf(session);
  }

  /** The request's session was stored. */
  loaded(session: Session): void {
    this.begun(session);
    this.#isFound = true;
    if (!this.#parts.settings.resave) this.#saved = this.#original;
  }

  saving(session: Session): OutcomeCallback {
    const text = textOf(session);
    return (error, outcome) => {
      if (error) return;
      this.#saved = text;
      this.#isCookieOff = outcome === "gone";
    };
  }

  reloaded(session: Session): void {
    this.#saved = this.#original = textOf(session);
    this.#isCookieOff = false;
  }

  isNew(session: Session): boolean {
    return !this.#isFound && this.#saved === undefined && this.#originalId === session.id;
  }

  changed(): void {
    // What else the application has changed is saved at the end: the store writes what differs.
    this.#saved = this.#original = CHANGED;
  }

  failedUnseen(error: unknown): void {
    this.#failure ??= { error };
  }

  beforeHeaders(): Promise<void> | undefined {
    return this.#settle();
  }

  /** The headers have left already: what was changed since is saved. */
  beforeEnd(): Promise<void> | undefined {
    return this.#settle();
  }

  writeHeaders(): void {
    const { settings, req, res, secret, next } = this.#parts;
    const session = sessionOf(req);
    if (this.#isFound && settings.cacheControl !== false)
      suggestCaching(res, settings.cacheControl);
    if (!session || this.#isCookieOff || !this.#wantsCookie(session)) return;
    if (session.cookie.secure && !isSecure(req, settings.proxy)) return;
    try {
      const line = session.cookie.serialize(settings.name, sign(req.sessionID as string, secret));
      const before = [res.getHeader("Set-Cookie") ?? []].flat() as string[];
      this.#cookiesBefore = before;
      res.setHeader("Set-Cookie", [...before, line] as never);
      forbidCaching(res);
    } catch (error) {
      // The answer goes on without the cookie.
      setImmediate(next, error);
    }
  }

  /** node has refused the head: its own error page has no cookie of ours. */
  unwriteHeaders(): void {
    if (this.#cookiesBefore) this.#parts.res.setHeader("Set-Cookie", this.#cookiesBefore as never);
    this.#cookiesBefore = undefined;
  }

  onFailure(error: unknown): void {
    this.#isCookieOff = true;
    // Told once: the error page is an answer like others.
    this.#failure = undefined;
    // The error page is not to be saved for, once more.
    this.#parts.req.sessionID = undefined;
    this.#parts.next(error);
  }

  #settle(): Promise<void> | undefined {
    const { settings, req } = this.#parts;
    if (this.#failure) return Promise.reject(toError(this.#failure.error));
    const { session } = req;
    if (session === undefined || session === null)
      return settings.destroysUnset && req.sessionID ? this.#destroy() : undefined;
    if (typeof (session as Partial<Session>).touch !== "function")
      return Promise.reject(
        new TypeError(
          "Cannot save req.session: it was replaced by what is no session, set fields of it instead",
        ),
      );
    const own = session as Session;
    if (!this.#isRefreshed) own.touch();
    this.#isRefreshed = true;
    // Somebody has overwritten it: nothing can be saved under it.
    if (typeof req.sessionID !== "string") return undefined;
    if (this.#isSaveDue(own)) return this.#save(own);
    return this.#isTouchDue() ? this.#touch(own) : undefined;
  }

  #isSaveDue(session: Session): boolean {
    const { settings, req, cookieId } = this.#parts;
    if (!settings.saveUninitialized && this.#saved === undefined && cookieId !== req.sessionID)
      return this.#isModified(session);
    return this.#originalId !== session.id || this.#saved !== textOf(session);
  }

  #isTouchDue(): boolean {
    const { req, cookieId, store } = this.#parts;
    return cookieId === req.sessionID && !this.#isTouched && typeof store.touch === "function";
  }

  #isModified(session: Session): boolean {
    return this.#originalId !== session.id || this.#original !== textOf(session);
  }

  #wantsCookie(session: Session): boolean {
    const { settings, req, cookieId } = this.#parts;
    if (typeof req.sessionID !== "string") return false;
    if (cookieId !== req.sessionID) return settings.saveUninitialized || this.#isModified(session);
    return settings.rolling || (session.cookie.expires !== null && this.#isModified(session));
  }

  #destroy(): Promise<void> | undefined {
    const { req, store } = this.#parts;
    const id = req.sessionID as string;
    // Once: not again before the end.
    req.sessionID = undefined;
    return whenCalled((done) => store.destroy(id, done));
  }

  #save(session: Session): Promise<void> | undefined {
    // What is saved is as good as touched.
    this.#isTouched = true;
    return whenCalled((done) => session.save(done));
  }

  /** Activity is no data: where it cannot be noted, the request goes on. */
  #touch(session: Session): Promise<void> | undefined {
    const { req, store } = this.#parts;
    const id = req.sessionID as string;
    this.#isTouched = true;
    return whenCalled((done) => {
      const noted: OutcomeCallback = (error, outcome) => {
        if (error) {
          this.#isCookieOff = true;
          tellError(store, error);
          return done();
        }
        this.#isCookieOff = outcome === "gone";
        if (outcome !== "unasked" || !this.#wantsCookie(session)) return done();
        // A sign-in elsewhere may have ended it since: its cookie would sign the visitor out.
        store.get(id, (failure, found) => {
          this.#isCookieOff = !found;
          if (failure) tellError(store, failure);
          done();
        });
      };
      store.touch?.(id, session, noted);
    });
  }
}

/** What a handler left in `req.session`: a session, or what stands in its place. */
function sessionOf(req: SessionRequest): Session | undefined {
  return (req.session as Session | null | undefined) ?? undefined;
}

/** The application's fields, to be compared. */
function textOf(session: Session): string {
  const { cookie: _cookie, ...fields } = session;
  return JSON.stringify(fields);
}

/** Nothing where it called back at once: what is in this process need not be waited for. */
function whenCalled(run: (done: (error?: unknown) => void) => void): Promise<void> | undefined {
  let isDone = false;
  let failure: unknown;
  let settle: ((error?: unknown) => void) | undefined;
  run((error) => {
    if (isDone) return;
    isDone = true;
    failure = error;
    settle?.(error);
  });
  if (isDone) return failure ? Promise.reject(toError(failure)) : undefined;
  return new Promise((resolve, reject) => {
    settle = (error) => (error ? reject(toError(error)) : resolve());
  });
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error), { cause: error });
}

function tellError(store: Store, error: unknown): void {
  if (store.listenerCount("error") > 0) store.emit("error", error);
  else process.emitWarning(toError(error));
}
