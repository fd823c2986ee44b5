// Logins that are kept in a file: SQLITE_FILE=sessions.db PORT=3000, on Node 22.13 or later, or
// Deno. Start it as often as you like on one machine: all processes share the sessions.
import { DatabaseSync } from "node:sqlite";
import harpia from "harpiats";
import { Session } from "harpiats/session";
import { SqliteStore } from "harpiats/stores/sqlite";

interface Visitor {
  userId: string;
  visits: number;
}

const { SQLITE_FILE = "sessions.db", PORT = "3000" } = process.env;

// Whoever opens the database closes it: this program. On Node 20: new Database(SQLITE_FILE) of
// better-sqlite3.
const client = new DatabaseSync(SQLITE_FILE);
const store = new SqliteStore<Visitor>({ client });
await store.migrate();
const session = new Session<Visitor>({ store });

const app = harpia().onError((error, _req, res) => {
  console.error(error);
  // An outage is not a logout: the cookie stays, and works again when the file does.
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

const server = app.listen({ port: Number(PORT), hostname: "127.0.0.1" });
await server.ready;
console.log(`It is on ${server.url}`);

async function stop(): Promise<void> {
  await server.close();
  // What was acknowledged is written; this waits for what is under way.
  await store.close();
  client.close();
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stop());
