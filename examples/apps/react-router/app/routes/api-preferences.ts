import { PREFERENCES, sessionContext } from "../session.server";
import type { Route } from "./+types/api-preferences";

export async function action({ request, context }: Route.ActionArgs) {
  const session = context.get(sessionContext);
  if (!(await session.user)) return Response.json({ error: "Sign in first" }, { status: 401 });
  const given = (await request.json()) as Record<string, unknown>;
  for (const name of PREFERENCES) {
    const value = given[name];
    if (typeof value === "string") session.set(name, value);
  }
  return Response.json({ saved: true });
}
