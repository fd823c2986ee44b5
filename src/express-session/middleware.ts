// The factory: a middleware in the place of express-session's.
import { holdResponse, type HoldableResponse } from "../adapters/node/held-response.ts";
import { addVary, type ResponseLike } from "../core/http/http-messages.ts";
import { isClosed } from "../core/request/closed-session.ts";
import { isSecure, pathOf, type SessionRequest } from "./connection.ts";
import { Cookie } from "./cookie.ts";
import { type SessionOptions, type Settings, toSettings } from "./options.ts";
import { RequestState } from "./request-state.ts";
import { observe, Session } from "./session.ts";
import { idsOf, type Secret } from "./signed-cookie.ts";
import type { Store } from "./store.ts";
import { toStore } from "./stores.ts";

type Next = (error?: unknown) => void;

/** What a server calls with each request. */
export type Middleware = (
  req: SessionRequest,
  res: HoldableResponse & ResponseLike,
  next: Next,
) => void;

/**
 * Makes a middleware whose requests have a session: `req.session`, `req.sessionID` and
 * `req.sessionStore`, as express-session's have.
 *
 * No byte of an answer leaves before its session is saved. Where that fails, `next` gets the error
 * and no cookie is set. A session that ended elsewhere is not brought back by a late request, and
 * its cookie is not sent again.
 *
 * @throws TypeError for an option that cannot work.
 * @example
 * app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }));
 */
export function makeMiddleware(options: SessionOptions = {}): Middleware {
  const settings = toSettings(options);
  const store = toStore(options);
  store.generate = (req: SessionRequest) => generate(settings, req);
  let isReady = true;
  store.on("disconnect", () => void (isReady = false));
  store.on("connect", () => void (isReady = true));

  return (req, res, next) => {
    if (isClosed(req.session)) return next(new TypeError(SIDE_BY_SIDE));
    if (req.session || !isReady) return next();
    if (!pathOf(req).startsWith(settings.cookieOf(req).path ?? "/")) return next();
    const secrets = settings.secrets ?? (req.secret ? [req.secret as Secret] : []);
    const [secret] = secrets;
    if (secret === undefined)
      return next(new Error("Cannot make a session: a secret is required, expected option secret"));
    const ids = idsOf(req, settings.name, secrets);
    const [cookieId] = ids;
    req.sessionStore = store;
    addVary(res, "Cookie");
    const begin = (id: string | undefined, found: object | undefined): void => {
      const parts = { settings, store, secret, req, res: res as never, next, cookieId: id };
      const state = new RequestState(parts);
      observe(req, state);
      if (found) state.loaded(store.createSession(req, found));
      else {
        store.generate(req);
        state.begun(req.session as Session);
      }
      // What stands in for a response at an upgrade (socket.io's) has nothing to hold: no end either.
      if ("writableEnded" in res) holdResponse(res, state);
      next();
    };
    if (cookieId === undefined) return begin(undefined, undefined);
    find(store, req, ids, (error, id, found) =>
      error ? next(error) : begin(id ?? cookieId, found),
    );
  };
}

const SIDE_BY_SIDE =
  "Cannot make a session: req.session is the session of an adapter of harpiats already, expected its option property with another name";

/** The first of the ids that there is a session of. Of several cookies only one is the browser's latest. */
function find(
  store: Store,
  req: SessionRequest,
  [id, ...others]: readonly string[],
  callback: (error: unknown, id?: string, found?: object) => void,
): void {
  if (id === undefined) return callback(null);
  req.sessionID = id;
  store.get(id, (error, found) => {
    // Stores of files say ENOENT when there is none.
    if (error && (error as { code?: unknown }).code !== "ENOENT") return callback(error);
    // What has no cookie, nobody of express-session's has written.
    const isSession = !error && typeof (found as { cookie?: unknown } | null)?.cookie === "object";
    if (isSession && found) callback(null, id, found);
    else find(store, req, others, callback);
  });
}

function generate(settings: Settings, req: SessionRequest): void {
  req.sessionID = settings.makeId(req);
  const session = new Session(req);
  const options = settings.cookieOf(req);
  session.cookie = new Cookie(options);
  if (options.secure === "auto") session.cookie.secure = isSecure(req, settings.proxy);
  if (options.sameSite === "auto")
    session.cookie.sameSite = isSecure(req, settings.proxy) ? "none" : "lax";
  req.session = session;
}
