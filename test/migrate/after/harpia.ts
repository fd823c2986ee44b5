import harpia from "harpiats";
import { harpiaSession } from "harpiats/adapters/harpia";
import { Session } from "harpiats/session";

export interface Data {
  userId: string;
  visits?: number;
}

const app = harpia();
// On plain http only here. Where it is to last: store: new RedisStore({ client }) or another.
export const sessions = harpiaSession(new Session<Data>({ cookie: { secure: false } }));
app.use(sessions);

app.get("/", async (req, res) => {
  const data = await sessions.of(req).data;
  res.json({ userId: data?.userId ?? null, visits: data?.visits ?? 0 });
});

app.post("/login/:name", async (req, res) => {
  await sessions.of(req).login({ userId: req.params.name });
  res.redirect("/");
});

app.post("/visit", async (req, res) => {
  await sessions.of(req).update((data) => ({ visits: (data.visits ?? 0) + 1 }));
  res.json({ done: true });
});

app.post("/logout", async (req, res) => {
  await sessions.of(req).destroy();
  res.redirect("/");
});

export default app;
