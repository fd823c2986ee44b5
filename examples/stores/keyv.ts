// Logins that are kept by Keyv, here in memory: PORT=3000. Any adapter goes in as its option
// `store`; one process.
import harpia from "harpiats";
import { Session } from "harpiats/session";
import { KeyvStore } from "harpiats/stores/keyv";
import { Keyv } from "keyv";

interface Visitor {
  name: string;
  visits: number;
}

const { PORT = "3000" } = process.env;

// Whoever makes the Keyv disconnects it: this program.
const keyv = new Keyv({ namespace: "sessions", throwOnErrors: true });
const store = new KeyvStore<Visitor>({ keyv });
const session = new Session<Visitor>({ store, user: "name" });

const app = harpia().onError((error, _req, res) => {
  console.error(error);
  // An outage is not a logout: the cookie stays, and works again when the storage does.
  res.status(503).json({ error: "try again" });
});

app.post("/login", async (req, res) => {
  const { name } = (await req.json()) as { name?: unknown };
  // Here a password would be checked.
  if (typeof name !== "string" || name === "")
    return res.status(400).json({ error: "a name is wanted" });
  session.setCookie(res, await session.create({ name, visits: 0 }));
  res.json({ name });
});

app.get("/profile", async (req, res) => {
  const user = await session.userFromRequest(req, res);
  if (!user) return res.status(401).json({ error: "not signed in" });
  // Exact in this process alone: a bridge cannot do more.
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

for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void server.close().then(() => keyv.disconnect()));
