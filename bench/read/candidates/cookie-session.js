// cookie-session: the data itself in a signed cookie, which is read when the handler first asks for
// it.
import cookieSession from "cookie-session";
import { nodeRequest, nodeResponse } from "../messages.js";

const COOKIE = "session";

export async function setUp() {
  const middleware = cookieSession({ name: COOKIE, keys: ["a secret of at least 32 characters"] });
  const toInput = (cookie) => {
    const req = nodeRequest(cookie);
    return { req, res: nodeResponse(req) };
  };
  return {
    cookieName: COOKIE,
    async signIn(data) {
      const { req, res } = toInput(undefined);
      middleware(req, res, () => {
        req.session = data;
      });
      res.end();
      // The value and its signature are two cookies.
      return res
        .getHeader("set-cookie")
        .map((line) => line.slice(0, line.indexOf(";")))
        .join("; ");
    },
    toInput,
    readAll(inputs) {
      for (const { req, res } of inputs) {
        middleware(req, res, () => req.session);
        res.end();
      }
      return inputs;
    },
    toData: ({ req }) => req.session,
  };
}
