import { sessionContext } from "../session.server";
import type { Route } from "./+types/api-visits";

export async function action({ context }: Route.ActionArgs) {
  const session = context.get(sessionContext);
  // With a function the change is exact, however many requests count at once.
  const isCounted = await session.update(({ visits = 0 }) => ({ visits: visits + 1 }));
  if (!isCounted) return Response.json({ error: "Sign in first" }, { status: 401 });
  return Response.json({ visits: await session.get("visits") });
}
