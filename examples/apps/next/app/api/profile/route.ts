// Route handlers answer with headers of their own: the fetch adapter puts the session's there, and a store that fails is a 503.
import { withSession } from "harpiats/adapters/fetch";
import { sessions } from "../../../lib/session";

export const GET = withSession(sessions, async (_request, session) => {
  const user = await session.user;
  return user ? Response.json(user) : Response.json({ error: "Sign in first" }, { status: 401 });
});
