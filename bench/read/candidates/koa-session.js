// koa-session as it is by default: the data itself in a signed cookie, which is read when the
// handler first asks for it.
import Koa from "koa";
import session from "koa-session";
import { nodeRequest, nodeResponse } from "../messages.js";

const COOKIE = "koa.sess";

export async function setUp() {
  const app = new Koa();
  app.keys = ["a secret of at least 32 characters"];
  const middleware = session({ key: COOKIE }, app);
  const toInput = (cookie) => {
    const req = nodeRequest(cookie);
    return app.createContext(req, nodeResponse(req));
  };
  return {
    cookieName: COOKIE,
    async signIn(data) {
      const context = toInput(undefined);
      await middleware(context, async () => {
        Object.assign(context.session, data);
      });
      return context.res
        .getHeader("set-cookie")
        .map((line) => line.slice(0, line.indexOf(";")))
        .join("; ");
    },
    toInput,
    async read(context) {
      await middleware(context, async () => context.session);
      return context;
    },
    toData: (context) => context.session,
  };
}
