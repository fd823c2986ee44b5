// Logins that are kept in MySQL or MariaDB: DATABASE_URL=mysql://user@host/database PORT=3000.
// Start it as often as you like: all processes share the sessions.
import harpia from "harpiats";
import { Session } from "harpiats/session";
import { MysqlStore } from "harpiats/stores/mysql";
import { createPool } from "mysql2/promise";

interface Visitor {
  userId: string;
  visits: number;
}

const { DATABASE_URL, PORT = "3000" } = process.env;
if (!DATABASE_URL) {
  console.error(
    "Cannot start: DATABASE_URL is not set, mysql://user:password@host/database is wanted",
  );
  process.exit(1);
}

// Whoever opens the connections closes them: this program.
const pool = createPool({ uri: DATABASE_URL, connectTimeout: 2000 });
const store = new MysqlStore<Visitor>({ client: pool });
await store.migrate();
// One more login than five ends the oldest session of the user.
const session = new Session<Visitor>({ store, maxPerUser: { limit: 5, onLimit: "evict-oldest" } });
session.on("unreadable", ({ handle }) =>
  console.error(`There is a row that is no session: ${handle}`),
);

const app = harpia().onError((error, _req, res) => {
  console.error(error);
  // An outage is not a logout: the cookie stays, and works again when the database does.
  res.status(503).json({ error: "try again" });
});

app.post("/login", async (req, res) => {
  const { name } = (await req.json()) as { name?: unknown };
  // Here a password would be checked.
  if (typeof name !== "string" || name === "")
    return res.status(400).json({ error: "a name is wanted" });
  session.setCookie(res, await session.create({ userId: name, visits: 0 }));
  res.json({ userId: name });
});

app.get("/profile", async (req, res) => {
  const user = await session.userFromRequest(req, res);
  if (!user) return res.status(401).json({ error: "not signed in" });
  await session.update(req, ({ visits }) => ({ visits: visits + 1 }));
  res.json(user);
});

app.post("/logout", async (req, res) => {
  await session.delete(req, res);
  res.json({});
});

app.post("/logout-everywhere", async (req, res) => {
  const user = await session.userFromRequest(req, res);
  if (!user) return res.status(401).json({ error: "not signed in" });
  res.json({ ended: await session.revokeAll(user.userId) });
});

const server = app.listen({ port: Number(PORT), hostname: "127.0.0.1" });
await server.ready;
console.log(`It is on ${server.url}`);

async function stop(): Promise<void> {
  await server.close();
  await store.close();
  await pool.end();
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stop());
