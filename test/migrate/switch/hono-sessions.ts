import type { HonoSessionMiddleware } from "harpiats/adapters/hono";
import { Cookies } from "harpiats/session";
import type { MiddlewareHandler } from "hono";

interface Data {
  userId: string;
  visits?: number;
}

/** The store of hono-sessions, as far as it is used. */
interface FormerStore {
  getSessionById(id: string): unknown;
  deleteSession(id: string): unknown;
}

interface Former {
  _data: { [Field in keyof Data]?: { value: Data[Field] } };
  _expire: string | null;
}

/** Takes over what hono-sessions began: `app.use(sessions)`, then this, then the routes. */
export function adoptFormer(
  sessions: HonoSessionMiddleware<Data>,
  store: FormerStore,
): MiddlewareHandler {
  return async (c, next) => {
    const cookies = new Cookies(c, c);
    // With an encryptionKey the cookie is sealed: decrypt it first, as hono-sessions does.
    const id = cookies.get("session");
    if (id !== undefined) {
      const former = (await store.getSessionById(id)) as Former | null | undefined;
      const userId = former?._data.userId?.value;
      const isLive = !former?._expire || Date.parse(former._expire) > Date.now();
      const own = sessions.of(c);
      if (userId !== undefined && isLive && (await own.user) === undefined)
        await own.login({ userId, visits: former?._data.visits?.value ?? 0 });
      // It is adopted once: a logout here must not be undone by the cookie there.
      await store.deleteSession(id);
      cookies.delete("session", { path: "/", httpOnly: true });
    }
    await next();
  };
}
