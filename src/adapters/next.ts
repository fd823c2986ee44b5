// Next.js: the session by `cookies()` in server components, server actions and route handlers. No
// part of Next.js is imported: the caller hands in its functions. A route handler that answers with
// headers of its own is better served by adapters/fetch.
import { assertOptions, check, oneOf, type Shape } from "../core/checks.ts";
import { scanCookies } from "../core/http/cookie-scan.ts";
import type { RequestSession } from "../core/request/request-session.ts";
import type { Session } from "../core/session/session.ts";
import { closeNextSession, type NextCookies, NextSession } from "./next/next-session.ts";

export type { NextCookies, NextSession } from "./next/next-session.ts";

/** What `await headers()` of `next/headers` gives. */
export interface NextHeaders {
  get(name: string): string | null;
}

/** What Next.js gives at once or later, or a function that gives it. */
type Given<Value> = Value | PromiseLike<Value> | (() => Value | PromiseLike<Value>);

/** What is asked of a `Session`. */
type Sessions<Data extends object, Input extends object = Data> = Pick<
  Session<Data, Input>,
  "open" | "cookieName"
> &
  Partial<Pick<Session<Data, Input>, "policy">>;

const OPTIONS = {
  headers: check(
    "headers of next/headers",
    (value) => typeof value === "function" || (typeof value === "object" && value !== null),
  ),
} satisfies Shape;

/** What {@link nextSession} can be told. */
export interface NextOptions {
  /**
   * `headers` of `next/headers`. Give it: of several cookies with one name `cookies()` keeps the
   * last one alone, which may be a stale one, and the user would be nobody and could not sign out.
   * A `Session` asks for other headers too, such as those of the `device`.
   */
  headers?: Given<NextHeaders> | undefined;
}

/** What {@link nextAction} can be told. */
export interface NextActionOptions extends NextOptions {
  /**
   * What becomes of an action's changes when it throws anything but Next.js' own `redirect()`,
   * `notFound()` and the like. `discard`, the default, drops what was not written yet and takes
   * back a login of this action; `commit` writes all the same.
   */
  onError?: "discard" | "commit" | undefined;
}

/**
 * This request's session, anywhere on Next.js' server: `await nextSession(sessions, cookies)`.
 *
 * Where nothing can be changed, a change is HarpiaError `ERR_COOKIES_READ_ONLY`. Changes that wait
 * for a commit are lost without `await session.commit()`: {@link nextAction} does it for you. In a
 * route handler the headers beside the cookie are the handler's own: `withSession` of
 * `harpiats/adapters/fetch` says `no-store` and `Vary`.
 *
 * @param cookies the function of `next/headers`, its promise, or the awaited value.
 * @throws TypeError for what is no `Session`, for one whose transport is no cookie, and for what
 * are no cookies.
 */
export async function nextSession<Data extends object, Input extends object = Data>(
  sessions: Sessions<Data, Input>,
  cookies: Given<NextCookies>,
  options: NextOptions = {},
): Promise<NextSession<Data, Input>> {
  assertOptions("nextSession", options, OPTIONS);
  return openSession(sessions, cookies, options, false);
}

/**
 * Makes a server action of a function that takes the request's session as its first argument; what
 * Next.js hands over follows.
 *
 * The session is written, and its cookie set, when the function has returned or `redirect()` has
 * ended it. What else it throws is thrown on, after its changes were dropped. A store that fails is
 * thrown on too: an error page, never a success.
 */
export function nextAction<
  Data extends object,
  Args extends unknown[],
  Result,
  Input extends object = Data,
>(
  sessions: Sessions<Data, Input>,
  cookies: () => NextCookies | PromiseLike<NextCookies>,
  action: (session: NextSession<Data, Input>, ...args: Args) => Result | PromiseLike<Result>,
  options: NextActionOptions = {},
): (...args: Args) => Promise<Result> {
  assertOptions("nextAction", options, { ...OPTIONS, onError: oneOf("discard", "commit") });
  const { onError = "discard" } = options;
  if (typeof cookies !== "function")
    throw new TypeError(
      "Cannot make this action: its second argument is no function, cookies of next/headers is wanted",
    );
  return async (...args) => {
    const session = await openSession(sessions, cookies, options, true);
    let result: Result;
    try {
      result = await action(session, ...args);
    } catch (error) {
      if (isAnswer(error) || onError === "commit") await session.settle("commit");
      // What went wrong first is what is told.
      else await session.settle("discard").catch(() => {});
      throw error;
    }
    await session.settle("commit");
    return result;
  };
}

async function openSession<Data extends object, Input extends object = Data>(
  sessions: Sessions<Data, Input>,
  cookies: Given<NextCookies>,
  options: NextOptions,
  isHeld: boolean,
): Promise<NextSession<Data, Input>> {
  if (typeof Object(sessions).open !== "function")
    throw new TypeError(
      "Cannot open a session: the first argument is no Session, new Session(…) is wanted",
    );
  if (sessions.policy?.transport === "bearer")
    throw new TypeError(
      "Cannot open a session by cookies: its transport is bearer, withSession of harpiats/adapters/fetch in a route handler is wanted",
    );
  // One after the other: while a page is prerendered, Next.js interrupts at the first.
  const jar = await taken(cookies);
  const headers = options.headers && (await taken(options.headers));
  if (typeof Object(jar).get !== "function")
    throw new TypeError(
      "Cannot open a session: these are no cookies, cookies of next/headers is wanted",
    );
  return closeNextSession(
    new NextSession<Data, Input>(openRequest(sessions, jar, headers), jar, isHeld),
  );
}

function taken<Value>(given: Given<Value>): Value | PromiseLike<Value> {
  // Of the three only the function can be called.
  return typeof given === "function" ? (given as () => Value | PromiseLike<Value>)() : given;
}

function openRequest<Data extends object, Input extends object = Data>(
  sessions: Sessions<Data, Input>,
  cookies: NextCookies,
  headers: NextHeaders | undefined,
): RequestSession<Data, Input> {
  return sessions.open({
    headers: {
      get(name) {
        if (name.toLowerCase() !== "cookie") return headers?.get(name) ?? null;
        // In an action a cookie may have been set already, which the header does not know of. One
        // that was taken back is empty.
        const value = cookies.get(sessions.cookieName)?.value;
        if (!value) return null;
        const sent = headers?.get("cookie") ?? "";
        const values = scanCookies(sent, sessions.cookieName);
        const isAsSent = typeof values === "object" && values.includes(value);
        return isAsSent ? sent : `${sessions.cookieName}=${encodeURIComponent(value)}`;
      },
    },
  });
}

/**
 * `redirect()`, `notFound()`, `forbidden()` and `unauthorized()` throw: they answer, and are no
 * failure.
 */
function isAnswer(error: unknown): boolean {
  const { digest } = Object(error) as { digest?: unknown };
  return (
    typeof digest === "string" && /^NEXT_(REDIRECT|HTTP_ERROR_FALLBACK|NOT_FOUND)\b/.test(digest)
  );
}
