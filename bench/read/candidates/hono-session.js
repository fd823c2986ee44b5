// @hono/session as it is by default: the data itself in an encrypted cookie (JWE). A request
// without one, or with one that it cannot open, is answered with a new one: that is what such a
// request costs there.
import { useSession } from "@hono/session";
import { Hono } from "hono";
import { cookieIn, fetchRequest } from "../messages.js";

const COOKIE = "sid";

export async function setUp() {
  const middleware = useSession({ secret: new Uint8Array(32).fill(7) });
  // Hono exports its Context as a type only.
  let Context;
  const app = new Hono().get("/", (context) => {
    Context = context.constructor;
    return context.text("");
  });
  await app.request("/");
  return {
    cookieName: COOKIE,
    async signIn(data) {
      const context = new Context(fetchRequest(undefined));
      await middleware(context, () => context.get("session").update(data));
      return cookieIn(context.res.headers.get("set-cookie"));
    },
    toInput: (cookie) => new Context(fetchRequest(cookie)),
    async read(context) {
      let data;
      await middleware(context, async () => {
        data = await context.get("session").get();
      });
      return data;
    },
    toData: (data) => data ?? {},
  };
}
