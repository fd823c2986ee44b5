// Signs in by our own means: for us, and for whoever reads the very same records.
import { nodeRequest } from "../../read/messages.js";
import { dataOf, SESSIONS } from "../data.js";

/** @returns a request for each session. */
export async function signIn(session, size) {
  const ids = await Promise.all(
    Array.from({ length: SESSIONS }, (_, number) => session.create(dataOf(number, size))),
  );
  return ids.map((id) => nodeRequest(`${session.cookieName}=${id}`));
}
