// What a session owes a response, where it is not known yet which of several will be sent: put on
// each of them.
import {
  addVary,
  forbidCaching,
  type ResponseLike,
  suggestCaching,
  toHeaderPort,
} from "../../core/http/http-messages.ts";
import type { RequestSession } from "../../core/request/request-session.ts";

/** Takes what is owed: it counts as written. */
export function takeOwed(own: RequestSession<object>): Headers {
  const owed = new Headers();
  own.writeTo(owed);
  return owed;
}

/**
 * Puts it beside the headers that are there; what is there already once.
 *
 * @param others as for `forbidCaching`.
 */
export function putOwed(target: ResponseLike, owed: Headers, others?: Headers): void {
  const port = toHeaderPort(target);
  const present = port.cookies();
  const missing = owed.getSetCookie().filter((line) => !present.includes(line));
  if (missing.length > 0) port.setCookies([...present, ...missing]);
  for (const name of owed.get("vary")?.split(",") ?? []) addVary(target, name.trim());
  const caching = owed.get("cache-control");
  if (caching === null) return;
  // Beside an id nothing is kept, whatever the application said. A page that only read a session is
  // its to decide.
  if (owed.has("set-cookie") || owed.has("x-auth-token")) forbidCaching(target, others);
  else suggestCaching(target, caching, others);
}
