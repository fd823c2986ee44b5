// iron-session: the data itself, sealed in the cookie (AES-256-CBC, HMAC, two PBKDF2).
import { getIronSession, nodeCookies } from "iron-session";
import { cookieIn, nodeRequest, nodeResponse } from "../messages.js";

const COOKIE = "session";

export async function setUp() {
  const options = { cookieName: COOKIE, password: "a secret of at least 32 characters" };
  const toInput = (cookie) => {
    const req = nodeRequest(cookie);
    return nodeCookies(req, nodeResponse(req));
  };
  return {
    cookieName: COOKIE,
    isReusable: true,
    async signIn(data) {
      const req = nodeRequest(undefined);
      const res = nodeResponse(req);
      const session = await getIronSession(nodeCookies(req, res), options);
      Object.assign(session, data);
      await session.save();
      return cookieIn(res.getHeader("set-cookie"));
    },
    toInput,
    read: (input) => getIronSession(input, options),
    toData: (session) => session,
  };
}
