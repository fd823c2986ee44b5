// Logins that are kept in Redis: REDIS_URL=redis://localhost:6379 PORT=3000. Start it as often as
// you like: all processes share the sessions.
import harpia from "harpiats";
import { Session } from "harpiats/session";
import { RedisStore } from "harpiats/stores/redis";
import { createClient } from "redis";

interface Visitor {
  userId: string;
  visits: number;
}

const { REDIS_URL, PORT = "3000" } = process.env;
if (!REDIS_URL) {
  console.error("Cannot start: REDIS_URL is not set, redis://user:password@host:6379 is wanted");
  process.exit(1);
}

// Whoever opens the connection closes it: this program. It connects again by itself; without a
// listener for its errors a lost connection would end the process.
const client = createClient({ url: REDIS_URL });
client.on("error", (error: Error) => console.error(`Redis: ${error.message}`));
await client.connect();

const session = new Session<Visitor>({ store: new RedisStore<Visitor>({ client }) });

const app = harpia().onError((error, _req, res) => {
  console.error(error);
  // An outage is not a logout: the cookie stays, and works again when Redis does.
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
  await client.quit();
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stop());
