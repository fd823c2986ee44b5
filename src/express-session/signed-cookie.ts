// The cookie's value: `s:`, the id, a dot, HMAC-SHA256 of the id in base64 without `=`. What
// express-session signed verifies here, and the other way round.
import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import { parseCookie } from "cookie";
import { scanCookies } from "../core/http/cookie-scan.ts";
import type { SessionRequest } from "./connection.ts";

/** What a session's cookie is signed with. */
export type Secret = string | Uint8Array;

// Of many cookies with our name: as many are looked at. Each costs an HMAC for each secret.
const MOST_COOKIES = 32;
const PREFIX = "s:";

/** The value that names a session. */
export function sign(id: string, secret: Secret): string {
  return `${PREFIX}${id}.${macOf(id, secret)}`;
}

/** The id in a signed value; `undefined` where no secret made it. */
export function verify(value: string, secrets: readonly Secret[]): string | undefined {
  if (!value.startsWith(PREFIX)) return undefined;
  const dot = value.lastIndexOf(".");
  if (dot < PREFIX.length) return undefined;
  const id = value.slice(PREFIX.length, dot);
  const given = Buffer.from(value.slice(dot + 1));
  const isGenuine = secrets.some((secret) => {
    const expected = Buffer.from(macOf(id, secret));
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  return isGenuine ? id : undefined;
}

/**
 * The ids that a request's cookies name, genuinely, in the order of the header. Several where a
 * cookie of another path or domain stands beside ours.
 */
export function idsOf(req: SessionRequest, name: string, secrets: readonly Secret[]): string[] {
  const ids = new Set<string>();
  for (const value of valuesOf(req.headers["cookie"], name)) {
    const id = verify(value, secrets);
    if (id !== undefined) ids.add(id);
  }
  if (ids.size > 0) return [...ids];
  // cookie-parser's: what it verified with a secret of its own, and what it left signed.
  const { signedCookies, cookies } = req;
  const verified = fieldOf(signedCookies, name);
  if (typeof verified === "string" && verified) return [verified];
  const unverified = fieldOf(cookies, name);
  const id = typeof unverified === "string" ? verify(unverified, secrets) : undefined;
  return id === undefined ? [] : [id];
}

function valuesOf(header: string | string[] | undefined, name: string): string[] {
  const text = Array.isArray(header) ? header.join("; ") : header;
  if (!text) return [];
  const found = scanCookies(text, name);
  if (found === undefined) return [];
  const values = [found].flat().slice(0, MOST_COOKIES);
  return values.map((value) => parseCookie(`v=${value}`)["v"] ?? "");
}

function fieldOf(holder: unknown, name: string): unknown {
  if (typeof holder !== "object" || holder === null || !Object.hasOwn(holder, name))
    return undefined;
  return (holder as Record<string, unknown>)[name];
}

function macOf(id: string, secret: Secret): string {
  return createHmac("sha256", secret).update(id).digest("base64").replace(/=+$/, "");
}
