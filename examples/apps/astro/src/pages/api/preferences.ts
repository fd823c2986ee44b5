import type { APIRoute } from "astro";
import { PREFERENCES } from "../../lib/session";

export const POST: APIRoute = async ({ request, locals: { visit } }) => {
  if (!(await visit.user)) return Response.json({ error: "Sign in first" }, { status: 401 });
  const given = (await request.json()) as Record<string, unknown>;
  for (const name of PREFERENCES) {
    const value = given[name];
    if (typeof value === "string") visit.set(name, value);
  }
  return Response.json({ saved: true });
};
