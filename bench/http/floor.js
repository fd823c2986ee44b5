// What nobody can do without who keeps sessions under hashed ids: one look for one name in the Cookie header, one SHA-256, one question to where the
// sessions are. It checks nothing, expires nothing and gives out what is stored: nobody could use it.
import { hash, randomBytes } from "node:crypto";
import { DATA } from "./servers.js";

const COOKIE = "session_id=";
const keyOf = (id) => hash("sha256", id, "base64url");

/** The key of the session that a Cookie header names. */
export const keyIn = (header) => keyOf(header.slice(header.indexOf(COOKIE) + COOKIE.length));

/** A new session's key, and the Set-Cookie header that names it. */
export function newKey() {
  const id = randomBytes(24).toString("base64url");
  return { key: keyOf(id), cookie: `${COOKIE}${id}` };
}

/** Sessions in memory, behind a promise as everywhere. */
export function floorInMemory() {
  const sessions = new Map();
  let count = 0;
  const read = async (header) => sessions.get(keyIn(header));
  const write = async (header) => {
    const key = keyIn(header);
    const data = { ...sessions.get(key), count: ++count };
    sessions.set(key, data);
    return data;
  };
  return {
    /** @returns the Set-Cookie header. */
    signIn() {
      const { key, cookie } = newKey();
      sessions.set(key, DATA);
      return cookie;
    },
    /** What is done with the session that a Cookie header names. */
    paths: new Map([["/", read], ["/write", write]]),
  };
}
