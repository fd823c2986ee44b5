import Koa from "koa";
import { createSession } from "koa-session";

const app = new Koa();
app.keys = ["a long random text"];
app.use(createSession({ maxAge: 86_400_000 }, app));

app.use((ctx) => {
  const [, action, name] = ctx.path.split("/");
  if (ctx.path === "/")
    ctx.body = { userId: ctx.session.userId ?? null, visits: ctx.session.visits ?? 0 };
  if (action === "login") {
    ctx.session = { userId: name };
    ctx.redirect("/");
  }
  if (action === "visit") {
    ctx.session.visits = (ctx.session.visits ?? 0) + 1;
    ctx.body = { done: true };
  }
  if (action === "logout") {
    ctx.session = null;
    ctx.redirect("/");
  }
});

export default app;
