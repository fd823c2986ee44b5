import type { Middleware } from "harpiats";
import type { HarpiaSessionMiddleware } from "harpiats/adapters/harpia";
import type { Store } from "harpiats/session";

interface Data {
  userId: string;
  visits?: number;
}

// What your ids have looked like: here UUIDs. Ids of this library are no UUIDs.
const FORMER_ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/**
 * Takes over sessions in your own store, under ids that you have given out: `app.use(sessions)`,
 * then this, then the routes.
 */
export function adoptFormer(
  sessions: HarpiaSessionMiddleware<Data>,
  store: Store<Data>,
): Middleware {
  return async (req, _res, next) => {
    const id = req.cookies.get("session_id");
    if (id !== undefined && FORMER_ID.test(id)) {
      const former = await store.get(id);
      // The new cookie takes the place of the old one, which has the same name.
      if (former) await sessions.of(req).login(former);
      // It is adopted once: a logout here must not be undone by the cookie there.
      await store.delete(id);
    }
    await next();
  };
}
