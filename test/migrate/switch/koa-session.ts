import type { KoaSessionMiddleware } from "harpiats/adapters/koa";
import type { Middleware } from "koa";

interface Data {
  userId: string;
  visits?: number;
}

/**
 * Takes over what koa-session began. Leave `app.keys` as they are; `app.use(sessions)`, then this,
 * then the routes.
 */
export function adoptFormer(sessions: KoaSessionMiddleware<Data>): Middleware {
  return async (ctx, next) => {
    // Signed by app.keys, or it is none.
    const value = ctx.cookies.get("koa.sess", { signed: true });
    if (value !== undefined) {
      // With an external store the cookie has the key: await store.get(value).
      const {
        userId,
        visits = 0,
        _expire = Infinity,
      } = JSON.parse(Buffer.from(value, "base64").toString()) as Partial<Data> & {
        _expire?: number;
      };
      const own = sessions.of(ctx);
      if (userId !== undefined && Date.now() < _expire && (await own.user) === undefined)
        await own.login({ userId, visits });
      for (const name of ["koa.sess", "koa.sess.sig"])
        ctx.cookies.set(name, null, { signed: false });
    }
    await next();
  };
}
