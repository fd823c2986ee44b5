import cookieSession from "cookie-session";
import express from "express";

const app = express();
app.use(
  cookieSession({ name: "session", keys: ["a long random text"], maxAge: 24 * 60 * 60 * 1000 }),
);

app.get("/", (req, res) => {
  res.json({ userId: req.session.userId ?? null, visits: req.session.visits ?? 0 });
});

app.post("/login/:name", (req, res) => {
  req.session = { userId: req.params.name };
  res.redirect("/");
});

app.post("/visit", (req, res) => {
  req.session.visits = (req.session.visits ?? 0) + 1;
  res.json({ done: true });
});

app.post("/logout", (req, res) => {
  req.session = null;
  res.redirect("/");
});

export default app;
