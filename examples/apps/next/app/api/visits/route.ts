import { nextSession } from "harpiats/adapters/next";
import { withCsrf } from "harpiats/csrf";
import { cookies, headers } from "next/headers";
import { sessions } from "../../../lib/session";

// The session by cookies() works in a route handler as well.
async function count(): Promise<Response> {
  const session = await nextSession(sessions, cookies, { headers });
  if (!(await session.user)) return Response.json({ error: "Sign in first" }, { status: 401 });
  // With a function the change is exact, however many requests count at once.
  await session.update(({ visits = 0 }) => ({ visits: visits + 1 }));
  return Response.json({ visits: await session.get("visits") });
}

export const POST = withCsrf(count);
