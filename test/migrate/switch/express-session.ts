import { createHmac, timingSafeEqual } from "node:crypto";
import type { RequestHandler } from "express";
import type { SessionMiddleware } from "harpiats/adapters/express";
import { Cookies } from "harpiats/session";
import type { ConnectStore } from "harpiats/stores/express-session";

interface Data {
  userId: string;
  visits?: number;
}

/** Takes over what express-session began: `app.use(sessions)`, then this, then the routes. */
export function adoptFormer(
  sessions: SessionMiddleware<Data>,
  store: ConnectStore,
  secret: string,
): RequestHandler {
  return async (req, res, next) => {
    const cookies = new Cookies(req, res);
    const id = verify(cookies.get("connect.sid"), secret);
    if (id !== undefined) {
      const former = await new Promise<Partial<Data> | null | undefined>((resolve, reject) => {
        store.get(id, (error, session) => (error ? reject(error as Error) : resolve(session)));
      });
      const { userId, visits = 0 } = former ?? {};
      const own = sessions.of(req);
      if (userId !== undefined && (await own.user) === undefined)
        await own.login({ userId, visits });
      // It is adopted once: a logout here must not be undone by the cookie there.
      await new Promise<void>((resolve, reject) => {
        store.destroy(id, (error) => (error ? reject(error as Error) : resolve()));
      });
      cookies.delete("connect.sid", { path: "/", httpOnly: true });
    }
    next();
  };
}

/** The id in a cookie that the secret has signed: `s:id.signature`. */
function verify(cookie = "", secret: string): string | undefined {
  const dot = cookie.lastIndexOf(".");
  const id = cookie.slice("s:".length, dot);
  const given = Buffer.from(cookie.slice(dot + 1));
  const wanted = Buffer.from(
    createHmac("sha256", secret).update(id).digest("base64").replace(/=+$/, ""),
  );
  const isGenuine =
    cookie.startsWith("s:") && given.length === wanted.length && timingSafeEqual(given, wanted);
  return isGenuine ? id : undefined;
}
