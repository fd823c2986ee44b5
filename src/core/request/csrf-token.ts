// A synchronizer token: a secret of the session, shown to its own pages only. Beside the cross-site
// check, for what has to work without it, or as a second lock.
import { Buffer } from "node:buffer";
import { randomBytes, timingSafeEqual } from "node:crypto";
import { CSRF_FIELD } from "../data/changes.ts";
import type { RequestSession } from "./request-session.ts";

const SECRET_BYTES = 32;

/** A request's session, or what stands for it in a framework. */
type TokenSession = Pick<RequestSession<object>, "getHidden" | "offerHidden">;

/**
 * The token for a form of this session's page. It looks different at each call, so that compression
 * cannot betray it (BREACH), and all of them hold until the session ends; a login makes them void
 * (CVE-2022-24895).
 *
 * Where there is no session, one begins.
 */
export async function csrfToken(session: TokenSession): Promise<string> {
  const secret = await secretOf(session);
  const mask = randomBytes(SECRET_BYTES);
  return Buffer.concat([mask, xor(mask, secret)]).toString("base64url");
}

/**
 * Whether a token was made for this session. Anything but a string is `false`. Compares in constant
 * time.
 */
export async function isCsrfToken(session: TokenSession, token: unknown): Promise<boolean> {
  const bytes = Buffer.from(typeof token === "string" ? token : "", "base64url");
  const secret = await fieldOf(session);
  if (secret === undefined || bytes.length !== 2 * SECRET_BYTES) return false;
  return timingSafeEqual(
    xor(bytes.subarray(0, SECRET_BYTES), bytes.subarray(SECRET_BYTES)),
    secret,
  );
}

async function secretOf(session: TokenSession): Promise<Buffer> {
  const known = await fieldOf(session);
  if (known !== undefined) return known;
  const fresh = randomBytes(SECRET_BYTES).toString("base64url");
  // Two pages rendered at once must end with one secret: exactly one of them stores its own.
  await session.offerHidden(CSRF_FIELD, fresh);
  return (await fieldOf(session)) ?? Buffer.from(fresh, "base64url");
}

/** The secret, where there is one that this file made. */
async function fieldOf(session: TokenSession): Promise<Buffer | undefined> {
  const text = await session.getHidden(CSRF_FIELD);
  const secret = Buffer.from(typeof text === "string" ? text : "", "base64url");
  return secret.length === SECRET_BYTES ? secret : undefined;
}

function xor(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.from(a.map((byte, at) => byte ^ (b[at] ?? 0)));
}
