import { honoSession } from "harpiats/adapters/hono";
import { Session } from "harpiats/session";
import { Hono } from "hono";

export interface Data {
  userId: string;
  visits?: number;
}

const app = new Hono();
// On plain http only here. Where it is to last: store: new RedisStore({ client }) or another.
export const sessions = honoSession(new Session<Data>({ cookie: { secure: false } }));
app.use(sessions);

app.get("/", async (c) => {
  const data = await sessions.of(c).data;
  return c.json({ userId: data?.userId ?? null, visits: data?.visits ?? 0 });
});

app.post("/login/:name", async (c) => {
  await sessions.of(c).login({ userId: c.req.param("name") });
  return c.redirect("/");
});

app.post("/visit", async (c) => {
  await sessions.of(c).update((data) => ({ visits: (data.visits ?? 0) + 1 }));
  return c.json({ done: true });
});

app.post("/logout", async (c) => {
  await sessions.of(c).destroy();
  return c.redirect("/");
});

export default app;
