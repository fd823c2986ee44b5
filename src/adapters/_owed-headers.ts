// What a session owes a response, where it is not known yet which of several will be sent: put on each of them.
import { addVary, type ResponseLike, toHeaderPort } from "../core/http-messages.ts";
import type { RequestSession } from "../core/request-session.ts";

/** Takes what is owed: it counts as written. */
export function takeOwed(own: RequestSession<object>): Headers {
  const owed = new Headers();
  own.writeTo(owed);
  return owed;
}

/** Puts it beside the headers that are there. */
export function putOwed(target: ResponseLike, owed: Headers): void {
  const port = toHeaderPort(target);
  const cookies = owed.getSetCookie();
  if (cookies.length > 0) port.setCookies([...port.cookies(), ...cookies]);
  for (const name of owed.get("vary")?.split(",") ?? []) addVary(target, name.trim());
  const cacheControl = owed.get("cache-control");
  if (cacheControl !== null) port.setHeader("Cache-Control", cacheControl);
}

/** Headers as errors carry them: by name, several of one name in a list. */
export function withOwed(headers: unknown, owed: Headers): Record<string, string | string[]> {
  const all = new Headers();
  for (const [name, value] of Object.entries(Object(headers) as object)) for (const one of [value as unknown].flat()) all.append(name, String(one));
  putOwed(all, owed);
  const cookies = all.getSetCookie();
  return { ...Object.fromEntries(all), ...(cookies.length > 0 && { "set-cookie": cookies }) };
}
