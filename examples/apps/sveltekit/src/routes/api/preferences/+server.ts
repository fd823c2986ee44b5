import { json } from "@sveltejs/kit";
import { PREFERENCES } from "../../../lib/server/session";
import type { RequestHandler } from "./$types";

export const POST: RequestHandler = async ({ request, locals: { session } }) => {
  if (!(await session.user)) return json({ error: "Sign in first" }, { status: 401 });
  const given = (await request.json()) as Record<string, unknown>;
  for (const name of PREFERENCES) {
    const value = given[name];
    if (typeof value === "string") session.set(name, value);
  }
  return json({ saved: true });
};
