import harpia from "harpiats";
import { Session } from "harpiats/session";

const app = harpia();
const session = new Session();
const cookie = { httpOnly: true, secure: false };

app.get("/", async (req, res) => {
  const data = await session.fromRequest(req);
  res.json({ userId: data?.userId ?? null, visits: data?.visits ?? 0 });
});

app.post("/login/:name", async (req, res) => {
  const sessionId = await session.create({ userId: req.params.name });
  session.setCookie(res, sessionId, cookie);
  res.redirect("/");
});

app.post("/visit", async (req, res) => {
  const data = await session.fromRequest(req);
  const sessionId = req.cookies.get("session_id");
  await session.update(sessionId, { visits: (data?.visits ?? 0) + 1 });
  res.json({ done: true });
});

app.post("/logout", async (req, res) => {
  await session.delete(req.cookies.get("session_id"), res);
  res.redirect("/");
});

export default app;
