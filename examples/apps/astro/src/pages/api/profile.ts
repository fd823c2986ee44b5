import type { APIRoute } from "astro";

export const GET: APIRoute = async ({ locals }) => {
  const user = await locals.visit.user;
  return user ? Response.json(user) : Response.json({ error: "Sign in first" }, { status: 401 });
};
