import type { APIRoute } from "astro";

export const POST: APIRoute = async ({ locals: { visit } }) => {
  if (!(await visit.user)) return Response.json({ error: "Sign in first" }, { status: 401 });
  // With a function the change is exact, however many requests count at once.
  await visit.update(({ visits = 0 }) => ({ visits: visits + 1 }));
  return Response.json({ visits: await visit.get("visits") });
};
