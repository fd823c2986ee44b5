import { createHmac, timingSafeEqual } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { FastifySessionPlugin } from "harpiats/adapters/fastify";
import { Cookies } from "harpiats/session";

interface Data {
  userId: string;
  visits?: number;
}

/** The store of @fastify/session, as far as it is used. */
interface FormerStore {
  get(id: string, callback: (error: Error | null, session?: object | null) => void): void;
  destroy(id: string, callback: (error?: Error | null) => void): void;
}

/**
 * Takes over what @fastify/session began:
 * `app.addHook("preHandler", adoptFormer(sessions, store, secret))`.
 */
export function adoptFormer(
  sessions: FastifySessionPlugin<Data>,
  store: FormerStore,
  secret: string,
) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const cookies = new Cookies(request, reply);
    const id = verify(cookies.get("sessionId"), secret);
    if (id === undefined) return;
    const former = await new Promise<
      (Partial<Data> & { cookie?: { expires?: string | Date | null } }) | null | undefined
    >((resolve, reject) => {
      store.get(id, (error, session) => (error ? reject(error) : resolve(session)));
    });
    const { userId, visits = 0, cookie } = former ?? {};
    const isLive = !cookie?.expires || new Date(cookie.expires).getTime() > Date.now();
    const own = sessions.of(request);
    if (userId !== undefined && isLive && (await own.user) === undefined)
      await own.login({ userId, visits });
    // It is adopted once: a logout here must not be undone by the cookie there.
    await new Promise<void>((resolve, reject) => {
      store.destroy(id, (error) => (error ? reject(error) : resolve()));
    });
    cookies.delete("sessionId", { path: "/", httpOnly: true });
  };
}

/** The id in a cookie that the secret has signed: `id.signature`. */
function verify(cookie = "", secret: string): string | undefined {
  const dot = cookie.lastIndexOf(".");
  const id = cookie.slice(0, Math.max(dot, 0));
  const given = Buffer.from(cookie.slice(dot + 1));
  const wanted = Buffer.from(
    createHmac("sha256", secret).update(id).digest("base64").replace(/=+$/, ""),
  );
  return id !== "" && given.length === wanted.length && timingSafeEqual(given, wanted)
    ? id
    : undefined;
}
