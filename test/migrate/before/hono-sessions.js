import { Hono } from "hono";
import { MemoryStore, sessionMiddleware } from "hono-sessions";

// Where it is to last: a store of your own.
export const store = new MemoryStore();

const app = new Hono();
app.use(
  sessionMiddleware({
    store,
    expireAfterSeconds: 86_400,
    cookieOptions: { path: "/", httpOnly: true, sameSite: "Lax" },
  }),
);

app.get("/", (c) =>
  c.json({ userId: c.get("session").get("userId"), visits: c.get("session").get("visits") ?? 0 }),
);

app.post("/login/:name", (c) => {
  c.set("session_key_rotation", true);
  c.get("session").set("userId", c.req.param("name"));
  return c.redirect("/");
});

app.post("/visit", (c) => {
  const session = c.get("session");
  session.set("visits", (session.get("visits") ?? 0) + 1);
  return c.json({ done: true });
});

app.post("/logout", (c) => {
  c.get("session").deleteSession();
  return c.redirect("/");
});

export default app;
