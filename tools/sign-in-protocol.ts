// What sign-in-checks.ts and the process that runs a program say to one another.

/** What the checks may ask for. Headers are those of a request. */
export interface Question {
  number: number;
  ask: "visitor" | "member" | "hide" | "isSignedIn";
  headers: [string, string][];
}

/** What the host sends once: where the program listens, if it does. */
export interface Ready {
  ready: true;
  url: string | undefined;
}

/** The answer to a question. Headers are those of a response. */
export interface Reply {
  number: number;
  headers: [string, string][];
  isSignedIn: boolean;
  /** How many sessions, the class, the program has used so far. */
  sessions: number;
  /** Whether the program has closed its server meanwhile. */
  hasClosed: boolean;
}

/** The value of a field that no page may answer. */
export const HIDDEN = "hidden-from-every-page";
/** A program that listens for others than visitors, such as for metrics, is given this port. */
export const NOT_FOR_VISITORS = 1;
