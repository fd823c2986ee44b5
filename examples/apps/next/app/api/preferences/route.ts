import { withSession } from "harpiats/adapters/fetch";
import { withCsrf } from "harpiats/csrf";
import { PREFERENCES, sessions } from "../../../lib/session";

const save = withSession(sessions, async (request, session) => {
  if (!(await session.user)) return Response.json({ error: "Sign in first" }, { status: 401 });
  const given = (await request.json()) as Record<string, unknown>;
  for (const name of PREFERENCES) {
    const value = given[name];
    if (typeof value === "string") session.set(name, value);
  }
  return Response.json({ saved: true });
});

// Next.js checks where server actions come from; route handlers are yours to check.
export const POST = withCsrf(save);
