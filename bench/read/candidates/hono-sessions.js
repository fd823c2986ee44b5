// hono-sessions with its MemoryStore. Without an encryption key and without extending the expiry at
// every request: both are options, and cost more.
import { Hono } from "hono";
import { MemoryStore, sessionMiddleware } from "hono-sessions";
import { cookieIn, fetchRequest } from "../messages.js";

const COOKIE = "session";

export async function setUp() {
  const middleware = sessionMiddleware({
    store: new MemoryStore(),
    autoExtendExpiration: false,
    cookieOptions: { path: "/", httpOnly: true },
  });
  // Hono exports its Context as a type only.
  let Context;
  const app = new Hono().get("/", (context) => {
    Context = context.constructor;
    return context.text("");
  });
  await app.request("/");
  const next = async () => {};
  return {
    cookieName: COOKIE,
    async signIn(data) {
      const context = new Context(fetchRequest(undefined));
      await middleware(context, async () => {
        const session = context.get("session");
        for (const [field, value] of Object.entries(data)) session.set(field, value);
      });
      return cookieIn(context.res.headers.get("set-cookie"));
    },
    toInput: (cookie) => new Context(fetchRequest(cookie)),
    async read(context) {
      await middleware(context, next);
      return context;
    },
    toData: (context) =>
      Object.fromEntries(
        ["userId", "role", "name", "signedInAt"].map((field) => [
          field,
          context.get("session").get(field) ?? undefined,
        ]),
      ),
  };
}
