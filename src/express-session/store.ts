// What applications of express-session extend: `class Mine extends session.Store`.
import { EventEmitter } from "node:events";
import { Cookie } from "./cookie.ts";
import { type Callback, Session, type SessionHolder } from "./session.ts";

/** What a store calls with what it found. */
export type FoundCallback = (error?: unknown, session?: object | null) => void;

/** The three methods that every store has, and what the middleware adds. */
// A class cannot declare methods that those who extend it bring.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export interface Store {
  get(sid: string, callback: FoundCallback): void;
  set(sid: string, session: object, callback?: Callback): void;
  destroy(sid: string, callback?: Callback): void;
  /** Moves the deadline of a session that was not changed. */
  touch?(sid: string, session: object, callback?: Callback): void;
  /** A new id and a new session for a request: the middleware gives it to its store. */
  generate(req: object): void;
}

/** The base of every store. Emits `disconnect` and `connect` where a store wants no sessions meanwhile. */
export class Store extends EventEmitter {
  /** Ends a request's session and gives it a new one. Where the old one cannot be ended, it stays. */
  regenerate(req: SessionHolder, callback: Callback): void {
    this.destroy(req.sessionID as string, (error) => {
      if (!error) this.generate(req);
      callback(error);
    });
  }

  /** Reads a session by its id, without a request. */
  load(sid: string, callback: (error?: unknown, session?: Session) => void): void {
    this.get(sid, (error, found) => {
      if (error) return callback(error);
      if (!found) return callback();
      callback(null, this.createSession({ sessionID: sid, sessionStore: this }, found));
    });
  }

  /** Makes `req.session` of what was stored. */
  createSession(req: SessionHolder, found: object): Session {
    const { cookie: stored } = found as { cookie?: object };
    const { expires, originalMaxAge } = Object(stored) as {
      expires?: string | Date | null;
      originalMaxAge?: number | null;
    };
    const cookie = new Cookie(stored as never);
    if (typeof expires === "string") cookie.expires = new Date(expires);
    cookie.originalMaxAge = originalMaxAge ?? null;
    const session = new Session(req, { ...found, cookie });
    req.session = session;
    return session;
  }
}
