// The sessions of the application, and the middleware that gives every request its own. Memory is this process' own: where
// several serve, give them a store that they share.
import { withSession } from "harpiats/adapters/fetch";
import { withCsrf } from "harpiats/csrf";
import { type RequestSession, Session } from "harpiats/session";
import { createContext, type MiddlewareFunction } from "react-router";

export interface Visitor {
  name: string;
  visits?: number;
  color?: string;
  font?: string;
  size?: string;
  language?: string;
}

/** What a visitor may choose. */
export const PREFERENCES = ["color", "font", "size", "language"] as const;

// A session with a name is a user's; without one, a visitor's.
const sessions = new Session<Visitor>({ user: "name" });

/** In loaders and actions: `context.get(sessionContext)`. */
export const sessionContext = createContext<RequestSession<Visitor>>();

type Arguments = Parameters<MiddlewareFunction<Response>>;

// The session is written when loaders, actions and the page have answered, and before the answer leaves.
const answer = withSession(
  sessions,
  (_request, session, { context }: Arguments[0], next: Arguments[1]) => {
    context.set(sessionContext, session);
    return next();
  },
);

// Refuses what another site has made the browser send.
const checked = withCsrf(answer);

export const sessionMiddleware: MiddlewareFunction<Response> = (args, next) =>
  checked(args.request, args, next);
