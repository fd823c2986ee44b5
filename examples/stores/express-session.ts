// An application of express-session, its code as it was, with its sessions in a store of ours:
// PORT=3000. Here the file of SqliteStore (SQLITE_FILE=sessions.db, Node 22.13 or later, or Deno);
// every other SessionStore goes in the same place.
import { DatabaseSync } from "node:sqlite";
import express from "express";
import session from "express-session";
import { toExpressStore } from "harpiats/stores/express-session";
import { SqliteStore } from "harpiats/stores/sqlite";

declare module "express-session" {
  interface SessionData {
    userId: string;
    visits: number;
  }
}

const {
  SQLITE_FILE = "sessions.db",
  PORT = "3000",
  SESSION_SECRET = "only for this example",
} = process.env;

const client = new DatabaseSync(SQLITE_FILE);
const sessions = new SqliteStore({ client });
await sessions.migrate();
const store = toExpressStore(sessions, {
  Store: session.Store,
  user: (data) => data["userId"] as string | undefined,
});

const app = express();
app.use(express.json());
app.use(
  session({
    secret: SESSION_SECRET,
    resave: false,
    saveUninitialized: false,
    cookie: { maxAge: 86_400_000, sameSite: "lax" },
    store,
    genid: store.genid,
  }),
);

app.post("/login", (req, res, next) => {
  const { name } = (req.body ?? {}) as { name?: unknown };
  // Here a password would be checked.
  if (typeof name !== "string" || name === "")
    return void res.status(400).json({ error: "a name is wanted" });
  req.session.regenerate((error: unknown) => {
    if (error) return next(error);
    Object.assign(req.session, { userId: name, visits: 0 });
    res.json({ userId: name });
  });
});

app.get("/profile", (req, res) => {
  const { userId, visits = 0 } = req.session;
  if (userId === undefined) return void res.status(401).json({ error: "not signed in" });
  req.session.visits = visits + 1;
  res.json({ userId, visits: visits + 1 });
});

app.post("/logout", (req, res, next) =>
  req.session.destroy((error: unknown) => (error ? next(error) : void res.json({}))),
);

// What express-session cannot do: the store beneath can.
app.post("/logout-everywhere", async (req, res) => {
  const { userId } = req.session;
  if (userId === undefined) return void res.status(401).json({ error: "not signed in" });
  res.json({ ended: await sessions.removeByUser(userId) });
});

const server = app.listen(Number(PORT), "127.0.0.1", () =>
  console.log(`It is on http://127.0.0.1:${PORT}/`),
);

function stop(): void {
  server.close(() => void sessions.close().then(() => client.close()));
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop);
