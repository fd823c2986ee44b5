// What the causes are called in words that help whoever develops the application. Never an id, a
// value, or a part of one.
import { birthOf, ID_LENGTH } from "../core/ids/session-id.ts";
import type { SessionEnd } from "./ended-sessions.ts";

const ENDS: Record<string, string> = {
  logout: "it was signed out, or made way for a login",
  revoked: "it was revoked, alone or with all sessions of its user",
  evicted:
    "it made way for another: the store is full, or its user has as many sessions as maxPerUser allows",
  idle: "nothing was asked of it for as long as idleTimeout allows",
  absolute: "absoluteTimeout was over",
  replaced:
    "its id was replaced by rotate, and the answer with the new cookie has not reached this browser, or this request overtook it",
  superseded:
    "its id was renewed more than renewOverlap ago, and the new one has not reached this browser, or the cookie was stolen",
  "superseded-reuse":
    "a superseded id of it was used after renewOverlap, which is the sign of a stolen cookie",
};

/** How a session ended, and how long ago. */
export function wordsOfEnd({ reason, at }: SessionEnd, now: number): string {
  return `The session ended ${wordsOfDuration(now - at)} ago: ${ENDS[reason] ?? reason}.`;
}

const KINDS: [pattern: RegExp, words: string][] = [
  [/^s(:|%3A)/i, "It looks like one of express-session's or cookie-parser's."],
  [/^Fe26\./, "It looks like one of iron-session's."],
  [/^eyJ/, "It looks like a JSON text in base64: cookie-session, koa-session or a JWT."],
  [
    /^[0-9a-f]{8}\.[\w-]{43}$/,
    "It is a handle, as lists and events show it: a handle signs nobody in.",
  ],
  [/^"|"$|%/, "It was quoted or encoded on its way."],
];

/** What a value that is no id looks like. */
export function wordsOfMalformed(value: string): string {
  const length = `It has ${value.length} characters and is no id of this library, which has ${ID_LENGTH}, or more where it is renewed or signed.`;
  if (value.charAt(ID_LENGTH) === "." && birthOf(value.slice(0, ID_LENGTH)) >= 0)
    return `${length} It looks like a signed id, and this Session has no secrets, or not the right ones.`;
  const kind = KINDS.find(([pattern]) => pattern.test(value))?.[1];
  return `${length} ${kind ?? "Somebody else set it, or it was cut."} Another cookieName keeps two libraries apart.`;
}

/** What may have become of an id that no store knows. */
export function wordsOfUnknown(
  value: string,
  { now, sinceAt, store }: { now: number; sinceAt: number; store: string },
): string {
  const bornAt = birthOf(value.slice(0, ID_LENGTH)) * 1000;
  const age = `Its id was made ${wordsOfDuration(now - bornAt)} ago, and the store, ${store}, does not have it.`;
  const isInMemory = store === "MemoryStore";
  if (bornAt < sinceAt - 1000)
    return `${age} That was before this process looked${isInMemory ? ": a MemoryStore forgets everything at a restart" : ", and what ended before is not remembered here"}.`;
  return `${age} ${isInMemory ? "Another process has made it: a MemoryStore knows the sessions of its own process only." : "It ended in another process, or another store has it."}`;
}

/** As people say it: `90 s`, `5 min`, `3 h`, `12 days`. */
export function wordsOfDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800
    ? `${Math.round(seconds / 3600)} h`
    : `${Math.round(seconds / 86_400)} days`;
}
