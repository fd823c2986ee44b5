// Whether a session's user has signed in lately.
import { CLOCK_TOLERANCE } from "../clock.ts";
import { HarpiaError } from "../errors.ts";
import type { StoredSession } from "../store.ts";

/**
 * @param maxAge seconds since the sign-in. One that lies in the future is another machine's, whose
 * clock is ahead by a little, or it is wrong: then nobody knows its age.
 * @throws HarpiaError `ERR_NOT_FRESH`, also where there is no session or it is nobody's.
 */
export function assertFresh(
  session: StoredSession<unknown> | undefined,
  maxAge: number,
  now: number,
): void {
  const age =
    session?.userId === undefined
      ? NaN
      : now - (session.facts?.authenticatedAt ?? session.createdAt);
  if (age <= maxAge * 1000 && age >= -CLOCK_TOLERANCE) return;
  throw new HarpiaError(
    "ERR_NOT_FRESH",
    `Cannot go on with this session: a sign-in within the last ${maxAge} s is wanted`,
  );
}
