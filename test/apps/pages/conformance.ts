// What test/apps/conformance.ts puts into the process that serves an application: the session, and what is done with it.

/** This request's session: whose class it is, the pages need not know. */
export type Own = object;

export interface Conformance {
  /** The adapter: `next` is the framework's own way on. */
  answer(request: Request, next: (own: Own) => Response | Promise<Response>): Promise<Response>;
  /** The answer of the path. What it throws goes the framework's error way. */
  respond(own: Own, path: string): Promise<Response>;
}

/** Looked up at each request: the application is built before the test runs. */
export function conformance(): Conformance {
  return (globalThis as unknown as { conformance: Conformance }).conformance;
}
