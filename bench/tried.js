// What was tried for an aim that is missed: written by hand in tried.json, by the aim's id or by
// what it begins with.
import { readFileSync } from "node:fs";

const TRIED = JSON.parse(readFileSync(new URL("tried.json", import.meta.url), "utf8"));

/** `http/read/Hono` is looked for, then `http/read`, then `http`. */
export function triedFor(id) {
  for (let name = id; name !== ""; name = name.slice(0, Math.max(name.lastIndexOf("/"), 0)))
    if (TRIED[name]) return TRIED[name];
  return undefined;
}
