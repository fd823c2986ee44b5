import { sessionContext } from "../session.server";
import type { Route } from "./+types/api-profile";

export async function loader({ context }: Route.LoaderArgs) {
  const user = await context.get(sessionContext).user;
  return user ? Response.json(user) : Response.json({ error: "Sign in first" }, { status: 401 });
}
