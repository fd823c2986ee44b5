// The policy of a Session, its defaults filled in: for a page of settings, an audit, a test that
// holds a deployment to it.
import type { CookieOptions } from "../http/cookies.ts";
import type { SessionParts } from "../lifecycle/session-context.ts";
import type { UserCap } from "../store.ts";
import { MAX_AGE } from "../store/near-cache.ts";

/** What a `Session` holds to. Times are seconds. */
export interface SessionPolicy {
  /** Without activity a session ends after this. */
  readonly idleTimeout: number | false;
  /** Whatever happens, it ends after this. */
  readonly absoluteTimeout: number;
  /** The longest that a single session may be given. */
  readonly longestTimeout: number;
  /** Activity is written at most once in this. */
  readonly touchInterval: number;
  /** After this it gets a new id. */
  readonly renewEvery: number | false;
  /** For this the former id finds it still. */
  readonly renewOverlap: number;
  /** What the use of a superseded id does. */
  readonly onSuperseded: "revoke" | "report";
  /** How many sessions a user may have. */
  readonly maxPerUser: Readonly<UserCap> | false;
  /** How many secrets verify ids; none: ids are not signed. */
  readonly secrets: number;
  /** How ids travel. */
  readonly transport: "cookie" | "bearer";
  /** The cookie and its attributes. */
  readonly cookie: Readonly<CookieOptions> & { readonly name: string };
  /** For how long a record that was read is used again in this process. */
  readonly nearCache: number | false;
  /** A store that does not answer is given up after this. */
  readonly storeTimeout: number | false;
  /** The class of the store. */
  readonly store: string;
}

export function describePolicy<Data extends object, Input extends object>(
  parts: SessionParts<Data, Input>,
): SessionPolicy {
  const { options, lifetimes, renewals } = parts;
  return {
    idleTimeout: toSeconds(lifetimes.idle),
    absoluteTimeout: lifetimes.absolute / 1000,
    longestTimeout: lifetimes.longest / 1000,
    touchInterval: lifetimes.touchInterval / 1000,
    renewEvery: toSeconds(renewals.every),
    renewOverlap: renewals.overlap / 1000,
    onSuperseded: renewals.policy,
    maxPerUser: options.maxPerUser ? { ...options.maxPerUser } : false,
    secrets: options.secrets?.length ?? 0,
    transport: options.transport ?? "cookie",
    cookie: { name: options.cookieName, ...options.cookie },
    nearCache: options.nearCache ? (options.nearCache.maxAge ?? MAX_AGE) : false,
    storeTimeout: toSeconds(options.storeTimeout * 1000),
    store: parts.store.name,
  };
}

function toSeconds(milliseconds: number): number | false {
  return milliseconds === Infinity ? false : milliseconds / 1000;
}
