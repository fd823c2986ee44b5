// The sessions of the application. Memory is this process' own: where several serve, give them a store that they share.
import { Session } from "harpiats/session";

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
export const sessions = new Session<Visitor>({ user: "name" });
