// What Express' requests have behind the middleware. The build puts it beside the declarations of
// harpiats/express-session. Here it is no part of the program: the tests have @types/express-session
// too, which declares the same names otherwise.
// oxlint-disable-next-line no-restricted-imports
import type { Session, SessionData, Store } from "../express-session.js";

declare global {
  namespace Express {
    interface Request {
      session: Session & Partial<SessionData>;
      /** The id of the session: a secret, as the cookie is. */
      sessionID: string;
      sessionStore: Store;
    }
  }
}
