// @remix-run/session as its middleware uses it: the data itself in a signed cookie
// (@remix-run/cookie, HMAC by WebCrypto), which is read, and looked at after the request whether it
// is to be saved.
import { createCookie } from "@remix-run/cookie";
import { createCookieSessionStorage } from "@remix-run/session/cookie-storage";
import { cookieIn, fetchRequest } from "../messages.js";

const COOKIE = "session";
const FIELDS = ["userId", "role", "name", "signedInAt"];

export async function setUp() {
  const cookie = createCookie(COOKIE, { secrets: ["a secret of at least 32 characters"] });
  const storage = createCookieSessionStorage();
  return {
    cookieName: COOKIE,
    isReusable: true,
    async signIn(data) {
      const session = await storage.read(null);
      for (const [field, value] of Object.entries(data)) session.set(field, value);
      return cookieIn(await cookie.serialize(await storage.save(session)));
    },
    toInput: fetchRequest,
    async read({ headers }) {
      const session = await storage.read(await cookie.parse(headers.get("cookie")));
      await storage.save(session);
      return session;
    },
    toData: (session) =>
      Object.fromEntries(FIELDS.map((field) => [field, session.get(field) ?? undefined])),
  };
}
