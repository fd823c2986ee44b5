// The ids of sessions that are put in by the thousand: whoever knows a number knows the id and the
// key. As if they had been created over a week, ten million in all, so that keys come in the order
// in which a busy site would make them.
import { createHash } from "node:crypto";

/** Seconds over which the births are spread. */
export const WINDOW = 604_800;
export const MOST = 10_000_000;

/** @param start now, in seconds: the same in all processes of a run. */
export function birthOf(number, start) {
  return start - WINDOW + Math.floor((number * WINDOW) / MOST);
}

/** 4 bytes of birth and 20 more, which hold the number, in base64url. */
export function idOf(number, start) {
  const bytes = Buffer.alloc(24);
  bytes.writeUInt32BE(birthOf(number, start));
  bytes.writeUInt32BE(number, 20);
  return bytes.toString("base64url");
}

/** As core derives it: the birth in hex, a dot, the SHA-256 of the id. */
export function keyOf(number, start) {
  return `${birthOf(number, start).toString(16).padStart(8, "0")}.${createHash("sha256").update(idOf(number, start)).digest("base64url")}`;
}

/**
 * What a session is stored as: the fields of a login. `user` and `createdAt` are given where a
 * template is made.
 */
export function recordOf({ user, createdAt, start }) {
  const now = start * 1000;
  return {
    data: { userId: user, role: "editor", name: "Ada Lovelace", signedInAt: createdAt },
    createdAt,
    lastSeenAt: now,
    expiresAt: now + 86_400_000,
    endsAt: now + 2_592_000_000,
    userId: user,
  };
}
