// Idle and absolute limits become one deadline. The limits are enforced here, by the record, never by the cookie.
import { kindOf } from "./json.ts";
import type { StoredSession } from "./store.ts";

/** How long sessions live. */
export interface LifetimeOptions {
  /**
   * Seconds without activity after which a session ends; `false` for no idle limit. Default one day. A three-method
   * store knows no activity: there the default is `false`, and anything else is a TypeError.
   */
  idleTimeout?: number | false | undefined;
  /** Seconds after which a session ends whatever happens. Default 30 days (NIST SP 800-63B-4, AAL1). */
  absoluteTimeout?: number | undefined;
  /**
   * Activity is written at most once in so many seconds. A session never outlives the idle limit, and may end
   * earlier by this much. Default the smaller of 60 s and 5 % of the idle limit.
   */
  touchInterval?: number | undefined;
}

/** When a session will end, milliseconds since the epoch. */
export interface Deadlines {
  createdAt: number;
  lastSeenAt: number;
  /** The next deadline: moved by activity, never beyond `endsAt`. */
  expiresAt: number;
  /** The absolute limit: moved by nothing. */
  endsAt: number;
}

/** One day and 30 days in seconds: NIST SP 800-63B-4 AAL1 for the absolute limit. */
const DEFAULT_IDLE = 86_400;
export const DEFAULT_ABSOLUTE = 2_592_000;
// Beyond this a sum of instants would leave the years that a Date can hold.
const LONGEST = 100 * 365 * 86_400;

/** The limits of one `Session`, in milliseconds. */
export class Lifetimes {
  /** `Infinity`: no idle limit. */
  readonly idle: number;
  readonly absolute: number;
  readonly touchInterval: number;

  /** @param tracksActivity whether the store can keep an idle deadline. */
  constructor(options: LifetimeOptions, tracksActivity: boolean) {
    const { idleTimeout, absoluteTimeout = DEFAULT_ABSOLUTE, touchInterval } = options;
    if (!tracksActivity && idleTimeout !== undefined && idleTimeout !== false) {
      throw new TypeError(
        "Cannot keep an idle limit: the store has only get, set and delete, a SessionStore (MemoryStore, or docs/writing-a-store.md) or idleTimeout: false is wanted",
      );
    }
    assertSeconds("absoluteTimeout", absoluteTimeout);
    if (idleTimeout !== undefined && idleTimeout !== false) assertSeconds("idleTimeout", idleTimeout);
    const idle = idleTimeout === false || !tracksActivity ? Infinity : (idleTimeout ?? Math.min(DEFAULT_IDLE, absoluteTimeout));
    if (touchInterval !== undefined) assertSeconds("touchInterval", touchInterval, 0);
    if (touchInterval !== undefined && touchInterval >= idle) {
      throw new RangeError(`Cannot use touchInterval ${touchInterval}: it must be less than idleTimeout (${idle})`);
    }
    // Instants are whole milliseconds, and so are the limits that they are sums of.
    this.absolute = Math.round(absoluteTimeout * 1000);
    this.idle = Math.round(idle * 1000);
    this.touchInterval = touchInterval === undefined ? Math.min(60_000, this.idle * 0.05) : touchInterval * 1000;
  }

  /** The deadlines of a session that begins now. */
  begin(now: number): Deadlines {
    const endsAt = now + this.absolute;
    return { createdAt: now, lastSeenAt: now, expiresAt: Math.min(now + this.idle, endsAt), endsAt };
  }

  /** What activity now would write, or `undefined` while the throttle holds. Without an idle limit nothing is written. */
  dueTouch(session: StoredSession<unknown>, now: number): { lastSeenAt: number; expiresAt: number } | undefined {
    const idle = session.facts?.idleTimeout === undefined ? this.idle : session.facts.idleTimeout * 1000;
    if (idle === Infinity || now - session.lastSeenAt < this.touchInterval) return undefined;
    // Also where the deadline cannot move any more: `lastSeenAt` is told to the user.
    return { lastSeenAt: now, expiresAt: Math.max(Math.min(Math.round(now + idle), session.endsAt), session.expiresAt) };
  }

  /** Whether an id born so long ago (seconds since the epoch) can belong to no live session. */
  isOverAge(birth: number, now: number): boolean {
    // A birth is cut to whole seconds: up to one second of it is unknown.
    return (birth + 1) * 1000 + this.absolute <= now;
  }
}

function assertSeconds(name: string, value: unknown, least = 1): asserts value is number {
  if (typeof value !== "number") throw new TypeError(`Cannot use ${name}: it is ${kindOf(value)}, a number of seconds is wanted`);
  if (!(value >= least && value <= LONGEST)) {
    throw new RangeError(`Cannot use ${name} ${value}: seconds from ${least} to ${LONGEST} (100 years) are wanted`);
  }
}
