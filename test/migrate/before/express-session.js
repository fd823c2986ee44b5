import express from "express";
import session from "express-session";

// Where it is to last: connect-redis, connect-pg-simple or another.
export const store = new session.MemoryStore();

const app = express();
app.use(session({ secret: "a long random text", store, resave: false, saveUninitialized: false }));

app.get("/", (req, res) => {
  res.json({ userId: req.session.userId ?? null, visits: req.session.visits ?? 0 });
});

app.post("/login/:name", (req, res, next) => {
  req.session.regenerate((error) => {
    if (error) return next(error);
    req.session.userId = req.params.name;
    req.session.save((error) => (error ? next(error) : res.redirect("/")));
  });
});

app.post("/visit", (req, res) => {
  req.session.visits = (req.session.visits ?? 0) + 1;
  res.json({ done: true });
});

app.post("/logout", (req, res, next) => {
  req.session.destroy((error) => (error ? next(error) : res.redirect("/")));
});

export default app;
