import { koaSession } from "harpiats/adapters/koa";
import { Session } from "harpiats/session";
import Koa from "koa";

export interface Data {
  userId: string;
  visits?: number;
}

const app = new Koa();
// On plain http only here. Where it is to last: store: new RedisStore({ client }) or another.
export const sessions = koaSession(new Session<Data>({ cookie: { secure: false } }));
app.use(sessions);

app.use(async (ctx) => {
  const session = sessions.of(ctx);
  const data = await session.data;
  const [, action = "", name = ""] = ctx.path.split("/");
  if (ctx.path === "/") ctx.body = { userId: data?.userId ?? null, visits: data?.visits ?? 0 };
  if (action === "login") {
    await session.login({ userId: name });
    ctx.redirect("/");
  }
  if (action === "visit") {
    await session.update(({ visits = 0 }) => ({ visits: visits + 1 }));
    ctx.body = { done: true };
  }
  if (action === "logout") {
    await session.destroy();
    ctx.redirect("/");
  }
});

export default app;
