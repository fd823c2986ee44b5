import { json } from "@sveltejs/kit";
import type { RequestHandler } from "./$types";

export const POST: RequestHandler = async ({ locals: { session } }) => {
  if (!(await session.user)) return json({ error: "Sign in first" }, { status: 401 });
  // With a function the change is exact, however many requests count at once.
  await session.update(({ visits = 0 }) => ({ visits: visits + 1 }));
  return json({ visits: await session.get("visits") });
};
