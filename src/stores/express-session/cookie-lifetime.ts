// What the `cookie` of a session says about its lifetime: of express-session's own objects, and of
// the plain ones that other packages put into a store of express-session.
import { toJsonObject } from "../../core/data/json.ts";

export type Fields = Record<string, unknown>;

/** A `cookie` as it is stored. */
export interface StoredCookie extends Fields {
  originalMaxAge?: number | null;
  /** Only of plain objects, whose own it is. express-session's moves with every request. */
  expires?: unknown;
  maxAge?: unknown;
}

// Milliseconds. express-session computes `originalMaxAge` anew with the time that has passed since
// it set `expires`, so that it shrinks a little now and then.
const DRIFT = 250;

/**
 * A cookie for the store, of a session as it is handed in. express-session's own loses its
 * `expires`, which every request moves; where its `originalMaxAge` only drifted it keeps `known`'s.
 */
export function toStoredCookie(session: object, known?: StoredCookie): StoredCookie {
  const { cookie } = session as { cookie?: unknown };
  const stored = toJsonObject(Object(cookie) as StoredCookie);
  if (!isOwn(session)) return stored;
  const { expires: _expires, ...rest } = stored;
  const [now, before] = [rest.originalMaxAge, known?.originalMaxAge];
  const hasDrifted =
    typeof now === "number" &&
    typeof before === "number" &&
    now < before &&
    before - now < Math.min(DRIFT, before * 0.05);
  return hasDrifted ? { ...rest, originalMaxAge: before } : rest;
}

/**
 * When a session ends that is active at `now`, in milliseconds since the epoch: its `expires`, else
 * its `maxAge`, else its `originalMaxAge`, else the default.
 *
 * @param idle the default, in milliseconds.
 */
export function deadlineOf(cookie: StoredCookie, now: number, idle: number): number {
  const fixed = instantOf(cookie.expires);
  if (fixed !== undefined) return fixed;
  const span = [cookie.maxAge, cookie.originalMaxAge].find(isNumber);
  return Math.round(now + (span === undefined ? idle : Math.max(span, 0)));
}

/** Whether it says itself when it ends. */
export function hasDeadline(cookie: StoredCookie): boolean {
  return (
    instantOf(cookie.expires) !== undefined || isNumber(cookie.maxAge ?? cookie.originalMaxAge)
  );
}

/** Whether it was stored with an `expires` of its own, which is not ours to compute. */
export function keepsExpires(cookie: StoredCookie): boolean {
  return Object.hasOwn(cookie, "expires");
}

/** Whether its cookie is of express-session's class, which computes `maxAge`. */
export function isOwn(session: object): boolean {
  const { cookie } = session as { cookie?: unknown };
  return (
    typeof cookie === "object" &&
    cookie !== null &&
    "maxAge" in cookie &&
    !Object.hasOwn(cookie, "maxAge")
  );
}

/** A Date is a text by now: JSON has been made of it. */
function instantOf(expires: unknown): number | undefined {
  if (expires === null || expires === undefined) return undefined;
  const at = typeof expires === "string" ? Date.parse(expires) : expires;
  return isNumber(at) ? Math.round(at) : undefined;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
