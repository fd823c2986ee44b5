// A store that counts how often core asks it. The work is done by the store that it stands before.
import type { SessionStore } from "../../src/session.ts";

const METHODS = [
  "get",
  "set",
  "delete",
  "create",
  "read",
  "readSync",
  "extend",
  "patch",
  "move",
  "remove",
  "listByUser",
  "removeByUser",
  "scan",
  "count",
  "prune",
];

export interface CountingStore<Data> {
  store: SessionStore<Data>;
  /** The names of the methods that were called, in order. */
  calls: string[];
}

/** @param answersAtOnce whether `readSync` is there: core takes another path without it. */
export function countCalls<Data>(
  inner: SessionStore<Data>,
  answersAtOnce: boolean,
): CountingStore<Data> {
  const calls: string[] = [];
  const store = new Proxy(inner, {
    get(target, name) {
      if (name === "readSync" && !answersAtOnce) return undefined;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function" || name === "constructor") return value;
      return (...args: unknown[]): unknown => {
        if (METHODS.includes(String(name))) calls.push(String(name));
        return Reflect.apply(value, target, args);
      };
    },
  });
  return { store, calls };
}
