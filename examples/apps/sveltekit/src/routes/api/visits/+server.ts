import { json } from "@sveltejs/kit";
import type { RequestHandler } from "./$types";

export const POST: RequestHandler = async ({ locals: { session } }) => {
  // With a function the change is exact, however many requests count at once.
  const isCounted = await session.update(({ visits = 0 }) => ({ visits: visits + 1 }));
  if (!isCounted) return json({ error: "Sign in first" }, { status: 401 });
  return json({ visits: await session.get("visits") });
};
