// What an application hands to the app: handlers, middleware and listeners for errors. Only shapes;
// the chain runs them.
import type { Request } from "./request.ts";
import type { Response } from "./response.ts";

/** Runs what comes after a middleware. Calling it twice runs it once. */
export interface Next {
  /**
   * @param error given and not `null`, it goes to `onError` and nothing else runs.
   * @returns a promise that resolves when the rest has run, and never rejects: an error there has
   * become a response by then. Nothing has been sent yet, so headers may still be changed.
   */
  (error?: unknown): Promise<void>;
}

/** Answers a request. What it returns is waited for and otherwise ignored. */
export type Handler<Params extends Record<string, string> = Record<string, string>> = (
  req: Request<Params>,
  res: Response,
) => unknown;

/** Answers a request or passes it on with `next`. */
export type Middleware<Params extends Record<string, string> = Record<string, string>> = (
  req: Request<Params>,
  res: Response,
  next: Next,
) => unknown;

/**
 * Is told of every error in a handler, and may answer. Without an answer the visitor gets a plain
 * 500, or 503 when the session store has failed (`StoreError`).
 *
 * What the visitor alone has caused, such as a malformed body that a handler read, is answered with
 * a 4xx and not told.
 */
export type ErrorHandler = (error: Error, req: Request, res: Response) => unknown;

/**
 * The parameters that a path names: with `/user/:id` there is surely an `id`. Others may come from
 * a router's prefix.
 */
export type PathParams<Path extends string> = Record<ParamName<Path>, string> &
  Record<string, string>;

type ParamName<Path extends string> = Path extends `${infer Segment}/${infer Rest}`
  ? NameIn<Segment> | ParamName<Rest>
  : NameIn<Path>;

// An optional parameter (`:id?`) may be missing, and a pattern (`:id{[0-9]+}`) is no part of the
// name.
type NameIn<Segment extends string> = Segment extends `${string}?`
  ? never
  : Segment extends `:${infer Name}{${string}`
    ? Name
    : Segment extends `:${infer Name}`
      ? Name
      : never;
