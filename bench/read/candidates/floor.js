// The floor: what nobody who keeps sessions in memory under hashed ids can do without. One look for
// one name in the header, one SHA-256, one Map, one await. It checks nothing, copies nothing,
// expires nothing. With `copies`, it parses the record too: the least that gives each request data
// of its own.
import { COOKIE, keyIn, newKey } from "../../floor.js";
import { fetchRequest, nodeRequest } from "../messages.js";

export async function setUp({ request, copies = false }) {
  const sessions = new Map();
  function lookUp(header) {
    const key = keyIn(header);
    const found = key === undefined ? undefined : sessions.get(key);
    return copies && found !== undefined ? JSON.parse(found) : found;
  }
  return {
    cookieName: COOKIE,
    isReusable: true,
    async signIn(data) {
      const { key, cookie } = newKey();
      sessions.set(key, copies ? JSON.stringify(data) : data);
      return cookie;
    },
    toInput: request === "fetch" ? fetchRequest : nodeRequest,
    read:
      request === "fetch"
        ? async ({ headers }) => {
            const cookie = headers.get("cookie");
            return cookie === null ? undefined : lookUp(cookie);
          }
        : async ({ headers }) =>
            headers.cookie === undefined ? undefined : lookUp(headers.cookie),
    toData: (data) => data,
  };
}
