// Idle and absolute limits become one deadline. The limits are enforced here, by the record, never
// by the cookie.
import {
  assertSeconds,
  DEFAULT_ABSOLUTE,
  invalid,
  life,
  LONGEST_LIFE,
  oneOf,
  seconds,
  type Shape,
} from "../checks.ts";
import type { NewSession, SessionFacts } from "../store.ts";

/** NIST SP 800-63B-4: 30 days; 24 hours and an hour idle; 12 hours and 15 minutes idle. */
export type LifetimePreset = "nist-aal1" | "nist-aal2" | "nist-aal3";

/** How long sessions live. */
export interface LifetimeOptions {
  /**
   * Limits to begin with, which `idleTimeout` and `absoluteTimeout` may replace. Default: AAL1 with
   * one day idle.
   */
  lifetimes?: LifetimePreset | undefined;
  /**
   * The longest `absoluteTimeout` that a single session may be created with, "remember me".
   * Default: none longer than the usual.
   */
  longestTimeout?: number | undefined;
  /**
   * Seconds without activity after which a session ends, at most `absoluteTimeout`; `false` for no idle limit. Default one day. A three-method
   * store knows no activity: there the default is `false`, and anything else is a TypeError.
   */
  idleTimeout?: number | false | undefined;
  /** Seconds after which a session ends whatever happens, at most 400 days. Default 30 days (NIST SP 800-63B-4, AAL1). */
  absoluteTimeout?: number | undefined;
  /**
   * Activity is written at most once in so many seconds. A session never outlives the idle limit,
   * and may end earlier by this much. Default the smaller of 60 s and 5 % of the idle limit.
   */
  touchInterval?: number | undefined;
}

/** Limits of a single session, in the place of the usual ones. */
export interface OwnLifetime {
  /**
   * Seconds; `false` for no idle limit. Default: the usual one, or none where `absoluteTimeout` is
   * given.
   */
  idleTimeout?: number | false | undefined;
  /** Seconds, at most `longestTimeout` of the `Session`. Default: the usual one. */
  absoluteTimeout?: number | undefined;
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

/** Seconds: idle and absolute. The standard leaves AAL1's idle limit open: one day is ours. */
const PRESETS = {
  "nist-aal1": [86_400, DEFAULT_ABSOLUTE],
  "nist-aal2": [3600, 86_400],
  "nist-aal3": [900, 43_200],
} as const;

/** The options of {@link LifetimeOptions}, each by itself. */
export const LIFETIME_OPTIONS = {
  lifetimes: oneOf(...Object.keys(PRESETS)),
  longestTimeout: life,
  idleTimeout: seconds(1, LONGEST_LIFE, false),
  absoluteTimeout: life,
  touchInterval: seconds(0, LONGEST_LIFE),
} satisfies Shape;

// 5 % of a limit in seconds, in milliseconds.
const THROTTLE = 50;

/** The limits of one `Session`, in milliseconds. */
export class Lifetimes {
  /** `Infinity`: no idle limit. */
  readonly idle: number;
  readonly absolute: number;
  readonly touchInterval: number;
  /** The longest that a single session may live. */
  readonly longest: number;
  readonly #tracksActivity: boolean;

  /** @param tracksActivity whether the store can keep an idle deadline. */
  constructor(options: LifetimeOptions, tracksActivity: boolean) {
    const { lifetimes = "nist-aal1", touchInterval } = options;
    const [presetIdle, presetAbsolute] = PRESETS[lifetimes];
    const {
      idleTimeout,
      absoluteTimeout = presetAbsolute,
      longestTimeout = absoluteTimeout,
    } = options;
    if (!tracksActivity && idleTimeout !== undefined && idleTimeout !== false) {
      throw new TypeError(
        "Cannot keep an idle limit: the store has only get, set and delete, a SessionStore (MemoryStore, or docs/writing-a-store.md) or idleTimeout: false is wanted",
      );
    }
    if (idleTimeout) assertIdle(idleTimeout, absoluteTimeout);
    const idle =
      idleTimeout === false || !tracksActivity
        ? Infinity
        : (idleTimeout ?? Math.min(presetIdle, absoluteTimeout));
    if (touchInterval !== undefined && touchInterval >= idle) {
      invalid("touchInterval", touchInterval, `seconds below idleTimeout (${idle})`, RangeError);
    }
    assertSeconds("longestTimeout", longestTimeout, absoluteTimeout);
    this.longest = Math.round(longestTimeout * 1000);
    this.#tracksActivity = tracksActivity;
    // Instants are whole milliseconds, and so are the limits that they are sums of.
    this.absolute = Math.round(absoluteTimeout * 1000);
    this.idle = Math.round(idle * 1000);
    this.touchInterval =
      touchInterval === undefined ? Math.min(60_000, this.idle * 0.05) : touchInterval * 1000;
  }

  /**
   * The deadlines of a session that begins now, and its own idle limit in seconds where it has one.
   */
  begin(now: number, own: OwnLifetime = {}): Deadlines & { facts?: SessionFacts } {
    if (own.absoluteTimeout === undefined && own.idleTimeout === undefined)
      return deadlines(now, this.idle, this.absolute);
    if (!this.#tracksActivity)
      throw new TypeError(
        "Cannot give a session its own limits: the store has only get, set and delete, a SessionStore is wanted",
      );
    const {
      absoluteTimeout = this.absolute / 1000,
      idleTimeout = own.absoluteTimeout === undefined ? this.idle / 1000 : false,
    } = own;
    assertSeconds("absoluteTimeout", absoluteTimeout, 1, this.longest / 1000);
    // Without an idle limit of its own it has one as long as its life: the usual one would hold
    // otherwise.
    const idle = idleTimeout === false ? absoluteTimeout : idleTimeout;
    assertIdle(idle, absoluteTimeout);
    return {
      ...deadlines(now, Math.round(idle * 1000), Math.round(absoluteTimeout * 1000)),
      facts: { idleTimeout: idle },
    };
  }

  /**
   * What activity now would write, or `undefined` while the throttle holds. Without an idle limit
   * nothing is written.
   */
  dueTouch(
    session: NewSession<unknown>,
    now: number,
  ): { lastSeenAt: number; expiresAt: number } | undefined {
    const own = session.facts?.idleTimeout;
    const idle = own === undefined ? this.idle : own * 1000;
    // A limit of its own may be shorter than the usual throttle.
    if (
      idle === Infinity ||
      now - session.lastSeenAt < Math.min(this.touchInterval, (own ?? Infinity) * THROTTLE)
    )
      return undefined;
    // Also where the deadline cannot move any more: `lastSeenAt` is told to the user.
    return {
      lastSeenAt: now,
      expiresAt: Math.max(Math.min(Math.round(now + idle), session.endsAt), session.expiresAt),
    };
  }

  /** Whether an id born so long ago (seconds since the epoch) can belong to no live session. */
  isOverAge(birth: number, now: number): boolean {
    // A birth is cut to whole seconds: up to one second of it is unknown.
    return (birth + 1) * 1000 + this.longest <= now;
  }
}

/** The deadlines alone. */
export function toDeadlines({ createdAt, lastSeenAt, expiresAt, endsAt }: Deadlines): Deadlines {
  return { createdAt, lastSeenAt, expiresAt, endsAt };
}

function deadlines(now: number, idle: number, absolute: number): Deadlines {
  const endsAt = now + absolute;
  return { createdAt: now, lastSeenAt: now, expiresAt: Math.min(now + idle, endsAt), endsAt };
}

/** An idle limit above the absolute one is never reached: most often it is milliseconds. */
function assertIdle(idle: unknown, absolute: number): void {
  if (typeof idle === "number" && idle > absolute) {
    invalid(
      "idleTimeout",
      idle,
      `seconds (not milliseconds) up to absoluteTimeout (${absolute})`,
      RangeError,
    );
  }
  assertSeconds("idleTimeout", idle);
}
