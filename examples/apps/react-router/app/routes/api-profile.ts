import { sessionContext } from "../session.server";
import type { Route } from "./+types/api-profile";

export async function loader({ context }: Route.LoaderArgs) {
  const visitor = await context.get(sessionContext).data;
  return visitor
    ? Response.json(visitor)
    : Response.json({ error: "Sign in first" }, { status: 401 });
}
