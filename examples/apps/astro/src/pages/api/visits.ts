import type { APIRoute } from "astro";

export const POST: APIRoute = async ({ locals: { visit } }) => {
  // With a function the change is exact, however many requests count at once.
  const isCounted = await visit.update(({ visits = 0 }) => ({ visits: visits + 1 }));
  if (!isCounted) return Response.json({ error: "Sign in first" }, { status: 401 });
  return Response.json({ visits: await visit.get("visits") });
};
