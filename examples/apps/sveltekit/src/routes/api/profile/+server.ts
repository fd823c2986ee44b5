import { json } from "@sveltejs/kit";
import type { RequestHandler } from "./$types";

export const GET: RequestHandler = async ({ locals: { session } }) => {
  const visitor = await session.data;
  return visitor ? json(visitor) : json({ error: "Sign in first" }, { status: 401 });
};
