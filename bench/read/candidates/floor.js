// The floor: what nobody who keeps sessions in memory under hashed ids can do without. One look for one name in the
// header, one SHA-256, one Map, one await. It checks nothing, copies nothing, expires nothing. With `copies`, it parses the record
// too: the least that gives each request data of its own.
import { hash, randomBytes } from "node:crypto";
import { fetchRequest, nodeRequest } from "../messages.js";

const COOKIE = "session_id";
const PREFIX = `${COOKIE}=`;

export async function setUp({ request, copies = false }) {
  const sessions = new Map();
  function lookUp(header) {
    const at = header.indexOf(PREFIX);
    if (at === -1) return undefined;
    const end = header.indexOf(";", at);
    const id = header.slice(at + PREFIX.length, end === -1 ? header.length : end);
    const found = sessions.get(hash("sha256", id, "base64url"));
    return copies && found !== undefined ? JSON.parse(found) : found;
  }
  return {
    cookieName: COOKIE,
    isReusable: true,
    async signIn(data) {
      const id = randomBytes(24).toString("base64url");
      sessions.set(hash("sha256", id, "base64url"), copies ? JSON.stringify(data) : data);
      return `${PREFIX}${id}`;
    },
    toInput: request === "fetch" ? fetchRequest : nodeRequest,
    read:
      request === "fetch"
        ? async ({ headers }) => {
            const cookie = headers.get("cookie");
            return cookie === null ? undefined : lookUp(cookie);
          }
        : async ({ headers }) => (headers.cookie === undefined ? undefined : lookUp(headers.cookie)),
    toData: (data) => data,
  };
}
