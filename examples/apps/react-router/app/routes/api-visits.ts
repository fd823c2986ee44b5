import { sessionContext } from "../session.server";
import type { Route } from "./+types/api-visits";

export async function action({ context }: Route.ActionArgs) {
  const session = context.get(sessionContext);
  if (!(await session.user)) return Response.json({ error: "Sign in first" }, { status: 401 });
  // With a function the change is exact, however many requests count at once.
  await session.update(({ visits = 0 }) => ({ visits: visits + 1 }));
  return Response.json({ visits: await session.get("visits") });
}
