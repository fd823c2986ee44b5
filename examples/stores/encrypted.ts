// Logins whose data is encrypted in PostgreSQL: DATABASE_URL=postgres://user@host/database
// SESSION_KEYS=new,old PORT=3000. A key is made by node -p
// "crypto.randomBytes(32).toString('base64url')"; the newest comes first.
import harpia from "harpiats";
import { Session } from "harpiats/session";
import { EncryptedStore } from "harpiats/stores/encrypted";
import { PostgresStore } from "harpiats/stores/postgres";
import { Pool } from "pg";

interface Visitor {
  userId: string;
  card: string;
}

const { DATABASE_URL, SESSION_KEYS, PORT = "3000" } = process.env;
if (!DATABASE_URL || !SESSION_KEYS) {
  console.error(
    "Cannot start: DATABASE_URL or SESSION_KEYS is not set, postgres://user@host/database and one or more keys with commas between are wanted",
  );
  process.exit(1);
}

// Whoever opens the connections closes them: this program.
const pool = new Pool({
  connectionString: DATABASE_URL,
  connectionTimeoutMillis: 2000,
  query_timeout: 6000,
});
pool.on("error", (error) => console.error(error.message));
const table = new PostgresStore({ client: pool, table: "encrypted_sessions" });
await table.migrate();

const session = new Session<Visitor>({
  store: new EncryptedStore<Visitor>(table, { keys: SESSION_KEYS.split(",") }),
});
// A key was taken out, or somebody has changed the table.
session.on("unreadable", ({ handle }) =>
  console.error(`There is a row that does not open: ${handle}`),
);

const app = harpia().onError((error, _req, res) => {
  console.error(error);
  // An outage is not a logout: the cookie stays, and works again when the database does.
  res.status(503).json({ error: "try again" });
});

app.post("/login", async (req, res) => {
  const { name, card } = (await req.json()) as { name?: unknown; card?: unknown };
  // Here a password would be checked.
  if (typeof name !== "string" || name === "" || typeof card !== "string")
    return res.status(400).json({ error: "a name and a card are wanted" });
  session.setCookie(res, await session.create({ userId: name, card }));
  res.json({ userId: name });
});

app.get("/profile", async (req, res) => {
  const user = await session.userFromRequest(req, res);
  if (!user) return res.status(401).json({ error: "not signed in" });
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
  table.close();
  await pool.end();
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stop());
