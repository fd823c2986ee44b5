// Logins that are kept in files by unstorage: FOLDER=./sessions PORT=3000. Any other driver goes in
// the same place; one process.
import harpia from "harpiats";
import { Session } from "harpiats/session";
import { UnstorageStore } from "harpiats/stores/unstorage";
import { createStorage } from "unstorage";
import fs from "unstorage/drivers/fs";

interface Visitor {
  name: string;
  visits: number;
}

const { PORT = "3000" } = process.env;

// Whoever makes the storage disposes of it: this program.
const storage = createStorage({ driver: fs({ base: process.env["FOLDER"] ?? "./sessions" }) });
const store = new UnstorageStore<Visitor>({ storage });
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
  process.once(signal, () => void server.close().then(() => storage.dispose()));
