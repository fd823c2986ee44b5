import { createHmac, timingSafeEqual } from "node:crypto";
import type { RequestHandler } from "express";
import type { SessionMiddleware } from "harpiats/adapters/express";
import { Cookies } from "harpiats/session";

interface Data {
  userId: string;
  visits?: number;
}

/** Takes over what cookie-session began: `app.use(sessions)`, then this, then the routes. */
export function adoptFormer(
  sessions: SessionMiddleware<Data>,
  keys: readonly string[],
): RequestHandler {
  return async (req, res, next) => {
    const cookies = new Cookies(req, res);
    const value = cookies.get("session");
    if (value !== undefined && isSigned(value, cookies.get("session.sig"), keys)) {
      // What it holds was ours to write: nobody else has the key.
      const { userId, visits = 0 } = JSON.parse(
        Buffer.from(value, "base64").toString(),
      ) as Partial<Data>;
      const own = sessions.of(req);
      if (userId !== undefined && (await own.user) === undefined)
        await own.login({ userId, visits });
    }
    for (const name of ["session", "session.sig"])
      if (cookies.get(name) !== undefined) cookies.delete(name, { path: "/", httpOnly: true });
    next();
  };
}

/** Whether one of the keys has signed the cookie: a second cookie has the signature. */
function isSigned(value: string, signature = "", keys: readonly string[]): boolean {
  const given = Buffer.from(signature);
  return keys.some((key) => {
    const wanted = Buffer.from(
      createHmac("sha1", key).update(`session=${value}`).digest("base64url"),
    );
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}
