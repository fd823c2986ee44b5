import type { APIRoute } from "astro";

export const GET: APIRoute = async ({ locals }) => {
  const visitor = await locals.visit.data;
  return visitor
    ? Response.json(visitor)
    : Response.json({ error: "Sign in first" }, { status: 401 });
};
