// better-auth's session lookup: `auth.api.getSession({ headers })`, which verifies the cookie's
// signature, finds session and user, and checks the deadline. Its cookie cache is off (it would not
// ask at all, and not notice a sign-out), sessions are in its secondary storage, a Map of texts
// here: its memory adapter looks through all sessions one by one. No sign-in is timed: sessions are
// made by its internal adapter.
import { createHmac } from "node:crypto";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { fetchRequest } from "../messages.js";

const SECRET = "a secret of at least 32 characters";

export async function setUp() {
  const texts = new Map();
  const field = (type) => ({ type, required: false });
  const auth = betterAuth({
    secret: SECRET,
    baseURL: "http://127.0.0.1",
    database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
    secondaryStorage: {
      get: (key) => texts.get(key) ?? null,
      set: (key, value) => void texts.set(key, value),
      delete: (key) => void texts.delete(key),
    },
    session: {
      cookieCache: { enabled: false },
      additionalFields: {
        login: field("string"),
        role: field("string"),
        fullName: field("string"),
        signedInAt: field("number"),
      },
    },
    telemetry: { enabled: false },
    logger: { disabled: true },
  });
  const { internalAdapter, authCookies } = await auth.$context;
  const cookieName = authCookies.sessionToken.name;
  let users = 0;
  return {
    cookieName,
    isReusable: true,
    async signIn({ userId, role, name, signedInAt }) {
      const user = await internalAdapter.createUser({
        email: `${users++}@example.org`,
        name,
        emailVerified: true,
      });
      const { token } = await internalAdapter.createSession(user.id, false, {
        login: userId,
        role,
        fullName: name,
        signedInAt,
      });
      return `${cookieName}=${encodeURIComponent(`${token}.${createHmac("sha256", SECRET).update(token).digest("base64")}`)}`;
    },
    toInput: fetchRequest,
    read: ({ headers }) => auth.api.getSession({ headers }),
    toData: (found) =>
      found
        ? {
            userId: found.session.login,
            role: found.session.role,
            name: found.session.fullName,
            signedInAt: found.session.signedInAt,
          }
        : {},
  };
}
