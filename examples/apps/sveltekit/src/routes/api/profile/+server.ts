import { json } from "@sveltejs/kit";
import type { RequestHandler } from "./$types";

export const GET: RequestHandler = async ({ locals: { session } }) => {
  const user = await session.user;
  return user ? json(user) : json({ error: "Sign in first" }, { status: 401 });
};
