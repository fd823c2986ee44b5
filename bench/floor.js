// What nobody can do without who keeps sessions under hashed ids: one look for one name in the
// Cookie header, and one SHA-256. It checks nothing.
import { hash, randomBytes } from "node:crypto";

export const COOKIE = "session_id";
const PREFIX = `${COOKIE}=`;
const keyOf = (id) => hash("sha256", id, "base64url");

/** The key of the session that a Cookie header names; `undefined` where it names none. */
export function keyIn(header) {
  const at = header.indexOf(PREFIX);
  if (at === -1) return undefined;
  const end = header.indexOf(";", at);
  return keyOf(header.slice(at + PREFIX.length, end === -1 ? header.length : end));
}

/** A new session's key, and the cookie that names it. */
export function newKey() {
  const id = randomBytes(24).toString("base64url");
  return { key: keyOf(id), cookie: `${PREFIX}${id}` };
}
