// The sessions of the application, and how its pages come by the one of their request.
import { nextSession } from "harpiats/adapters/next";
import { MemoryStore, Session, type SessionStore } from "harpiats/session";
import { cookies, headers } from "next/headers";
import { cache } from "react";

export interface Visitor {
  name: string;
  visits?: number;
  color?: string;
  font?: string;
  size?: string;
  language?: string;
}

/** What a user may choose. */
export const PREFERENCES = ["color", "font", "size", "language"] as const;

// Next.js loads this file once for pages and once more for route handlers, and again after each change in development: memory
// has to be in a place that all of them see. A store with a server or a file (Redis, PostgreSQL, SQLite) needs none of this.
const shared = globalThis as { visitorStore?: SessionStore<Visitor> };

export const sessions = new Session<Visitor>({
  store: (shared.visitorStore ??= new MemoryStore<Visitor>()),
  // A session with a name is a user's; without one, a visitor's.
  user: "name",
});

/** The session of the page that is rendered: however many components ask, it is read once. */
export const getSession = cache(() => nextSession(sessions, cookies, { headers }));
