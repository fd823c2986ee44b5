// A strict program on the whole package: the app, sessions on it, on a node server and in a test.
// It is compiled against the packed tarball, on @types/node.
import { createServer } from "node:http";
import harpia, { Router, type Request, type Response } from "harpiats";
import { Session } from "harpiats/session";
import { ManualClock, storeConformance } from "harpiats/testing";
import { MemoryStore } from "harpiats/memory-store";
import { describe, it, before, after } from "node:test";

const app = harpia();
const session = new Session<{ userId: string; role?: string }>();

app.post("/login", async (req: Request, res: Response) => {
  const { userId } = (await req.json()) as { userId: string };
  const id = await session.create({ userId });
  session.setCookie(res, id, { secure: false });
  res.json({ ok: true });
});

const router = new Router("/account");
router.get("/role/:role", async (req, res) => {
  const role: string = req.params.role;
  const updated = await session.update(req.cookies.get(session.cookieName), { role });
  res.status(updated ? 200 : 404).send(role);
});
router.get("/logout", async (req, res) => {
  await session.delete(req.cookies.get("session_id"), res);
  res.redirect("/");
});
app.routes(router);
app.listen({ port: 0 }, (server) => void server.close());

createServer((req, res) => {
  void session.fromRequest(req).then(async (data) => {
    if (!data) session.setCookie(res, await session.create({ userId: "1" }));
    res.end(data?.role);
  });
});

const clock = new ManualClock();
storeConformance(
  { describe, it, before, after },
  { name: "MemoryStore", open: async (time) => ({ store: new MemoryStore({ clock: time }) }) },
);
export const testSession = new Session({ store: new MemoryStore({ clock }), clock });
