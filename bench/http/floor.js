// The floor beside a server's sessions in memory: a Map that gives out what is stored and expires
// nothing. Nobody could use it.
import { keyIn, newKey } from "../floor.js";
import { DATA } from "./data.js";

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
    paths: new Map([
      ["/", read],
      ["/write", write],
    ]),
  };
}
