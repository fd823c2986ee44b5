// Renewal: the id of a session changes from time to time, and the use of one that was superseded
// betrays a theft. What a session's ids are now is in its facts; the key stays, so that no request
// in flight misses its session. `renewal-judge.ts` decides; this reads, writes and tells.
//
// A renewed id is the first id and a verifier. The verifier's hash is what the record knows:
// whoever reads the database cannot make one. It is derived from the former id and a salt, so that
// two requests that renew at once arrive at the same successor; the salt goes as soon as the
// successor is seen in use, and from then on nobody gets from the former id to it.
import { randomBytes } from "node:crypto";
import { ClockLags } from "./clock-lags.ts";
import type { Found } from "./found.ts";
import { type Clock, CLOCK_TOLERANCE } from "../clock.ts";
import { StoreError } from "../errors.ts";
import type { Emitter, SessionEvents } from "../events/events.ts";
import type { GuardedStore } from "../store/guarded-store.ts";
import { invalid, LONGEST_LIFE, oneOf, seconds, type Shape } from "../checks.ts";
import type { Lifetimes } from "./lifetimes.ts";
import { judge, type RenewalLimits, unrenewed, usedAt, type Verdict } from "./renewal-judge.ts";
import { retryOnConflict } from "../store/retry-on-conflict.ts";
import { ID_LENGTH } from "../ids/session-id.ts";
import type { SessionFacts, StoredSession } from "../store.ts";
import type { Watcher } from "./watcher.ts";

/** How ids are renewed. */
export interface RenewalOptions {
  /**
   * Seconds after which a session gets a new id, in the next response that can carry it. At least
   * 2, and more than `renewOverlap`. Default: never.
   */
  renewEvery?: number | undefined;
  /**
   * Seconds for which the former id still finds the session once its successor was first used, for
   * requests in flight. Default 60, or half of `renewEvery` where that is less. Until that first
   * use the former id is good anyway: the response may have been lost.
   */
  renewOverlap?: number | undefined;
  /**
   * What becomes of a session when a superseded id is used after the overlap, the sign of a stolen
   * cookie. `revoke`, the default, ends it for everybody; `report` only tells: `refused` with the
   * reason `superseded`. Either way that request has no session.
   */
  onSuperseded?: "revoke" | "report" | undefined;
}

/** The options of {@link RenewalOptions}, each by itself. */
export const RENEWAL_OPTIONS = {
  renewEvery: seconds(2, LONGEST_LIFE),
  renewOverlap: seconds(0, LONGEST_LIFE),
  onSuperseded: oneOf("revoke", "report"),
} satisfies Shape;

const SALT_BYTES = 18;
const OVERLAP = 60;
const VERIFIER = /^[\w-]{27}$/;

/**
 * Whether what follows the first 32 characters of an id can belong to one: nothing, or a verifier.
 */
export function isVerifier(text: string): boolean {
  return text === "" || VERIFIER.test(text);
}

interface RenewalParts<Data> {
  store: GuardedStore<Data>;
  watcher: Watcher<Data>;
  events: Emitter<SessionEvents>;
  clock: Clock;
  lifetimes: Lifetimes;
  keepsFacts: boolean;
}

/** The ids of renewed sessions. Ids come here without a signature, those of `Found` too. */
export class Renewals<Data> {
  readonly #parts: RenewalParts<Data>;
  readonly #lags: ClockLags;
  /** Milliseconds; `Infinity` for never. */
  readonly every: number;
  readonly overlap: number;
  readonly policy: "revoke" | "report";

  /** @throws TypeError or RangeError for options that make no sense. */
  constructor(options: RenewalOptions, parts: RenewalParts<Data>) {
    const { renewEvery, renewOverlap, onSuperseded = "revoke" } = options;
    if (renewEvery !== undefined) {
      if (!parts.keepsFacts)
        throw new TypeError(
          "Cannot use renewEvery: the store has only get, set and delete, a SessionStore is wanted",
        );
      const longest = parts.lifetimes.longest / 1000;
      if (renewEvery > longest)
        invalid(
          "renewEvery",
          renewEvery,
          `seconds (not milliseconds) up to the absolute limit (${longest})`,
          RangeError,
        );
    }
    const overlap = renewOverlap ?? Math.min(OVERLAP, (renewEvery ?? Infinity) / 2);
    if (overlap >= (renewEvery ?? Infinity))
      invalid("renewOverlap", overlap, `seconds below renewEvery (${renewEvery})`, RangeError);
    this.#parts = parts;
    this.#lags = new ClockLags(parts.clock);
    this.every = (renewEvery ?? Infinity) * 1000;
    this.overlap = overlap * 1000;
    this.policy = onSuperseded;
  }

  /**
   * Whether an id can be superseded at all. In a store of three methods no id is ever renewed.
   */
  get canSupersede(): boolean {
    return this.#parts.keepsFacts;
  }

  /** Whether this process renews ids. */
  get isRenewing(): boolean {
    return this.every !== Infinity;
  }

  /**
   * Judges an id by a record, and does nothing about it. A record that is not fresh may say
   * `superseded` of a current id.
   *
   * @param asOf when the request began that the id came with.
   */
  verdictOf({ key, id, session }: Found<Data>, asOf?: number): Verdict {
    if (session.facts?.renewal === undefined && id.length === ID_LENGTH) return "current";
    const now = this.#parts.clock.now();
    const limits = this.#limits(key, session, now);
    return judge(session.facts?.renewal, id, Math.min(asOf ?? now, now), limits).verdict;
  }

  /** Whether this id may use its session. One that was superseded is told of, and may end it. */
  admits(found: Found<Data>, asOf?: number): true | Promise<boolean> {
    return isAdmitted(this.verdictOf(found, asOf)) || this.#askAgain(found, asOf);
  }

  /** Whether {@link renew} would write or give another id. */
  isDue(session: Pick<StoredSession<Data>, "facts" | "createdAt">): boolean {
    const renewal = session.facts?.renewal;
    // A salt: the successor was not seen yet. It is in this request, or is to be given once more.
    if (renewal?.salt !== undefined) return true;
    if (!this.isRenewing) return false;
    const since = renewal ? usedAt(renewal) : session.createdAt;
    return this.#parts.clock.now() - since >= this.every;
  }

  /**
   * The id that a session goes by now, renewed if that is due; `undefined` when it has ended. A
   * renewal that the store does not take is left for later and told as `error`: whoever only reads
   * a page must not lose it.
   *
   * @param found was admitted when its request began, and stays so whatever it would be by now.
   */
  async renew(found: Found<Data>): Promise<Found<Data> | undefined> {
    const { store, events } = this.#parts;
    // What was read lately will do: where it is old the store says "conflict".
    let known: StoredSession<Data> | undefined = found.session;
    const attempt = async (): Promise<Found<Data> | "conflict" | undefined> => {
      const session = known ?? (await store.read(found.key));
      known = undefined;
      return session && this.#renewOnce({ ...found, session });
    };
    try {
      return await store.whole("patch", (deadline) =>
        retryOnConflict(attempt, {
          what: "renew an id",
          store: store.name,
          operation: "patch",
          deadline,
        }),
      );
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      events.emit("error", { error });
      return found;
    }
  }

  /** The facts of a session that gets a new id at once: whatever was known of its ids is over. */
  rotated(key: string, { renewal, ...facts }: SessionFacts = {}): SessionFacts {
    const { origin = key } = facts;
    if (renewal === undefined && this.every === Infinity) return { ...facts, origin };
    return { ...facts, origin, renewal: unrenewed(this.#parts.clock.now(), this.#lags.ownName) };
  }

  async #renewOnce(found: Found<Data>): Promise<Found<Data> | "conflict" | undefined> {
    const { key, id, session } = found;
    const { store, events, clock } = this.#parts;
    const now = clock.now();
    const renewer = {
      makeSalt: () => randomBytes(SALT_BYTES).toString("base64url"),
      clock: this.#lags.ownName,
    };
    const limits = this.#limits(key, session, now);
    const { next } = judge(session.facts?.renewal, id, now, limits, renewer);
    if (!next?.renewal) return { ...found, id: next?.id ?? id };
    const facts = { ...session.facts, renewal: next.renewal };
    const outcome = await store.patch(key, { facts, ifRevision: session.revision });
    if (outcome !== "done") return outcome === "conflict" ? outcome : undefined;
    if (next.id !== id && events.has("renewed"))
      events.emit("renewed", { handle: store.handleOf(key) });
    return { key, id: next.id, session: { ...session, facts, revision: session.revision + 1 } };
  }

  #limits(key: string, { facts, createdAt }: StoredSession<Data>, now: number): RenewalLimits {
    const renewal = facts?.renewal;
    // A record of a former version does not say whose clock it goes by: what is known of it is
    // known of it alone.
    const lag = renewal ? this.#lags.lagOf(renewal.clock ?? key, usedAt(renewal), now) : 0;
    const idle =
      facts?.idleTimeout === undefined ? this.#parts.lifetimes.idle : facts.idleTimeout * 1000;
    return {
      every: this.every,
      overlap: this.overlap,
      idle,
      createdAt,
      lag,
      tolerance: CLOCK_TOLERANCE,
    };
  }

  /**
   * What was read may be from before the renewal: by a near cache, or a copy of the database that
   * lags behind.
   */
  async #askAgain({ key, id }: Found<Data>, asOf?: number): Promise<boolean> {
    const session = await this.#parts.store.read(key);
    if (!session) return false;
    const verdict = this.verdictOf({ key, id, session }, asOf);
    if (isAdmitted(verdict)) return true;
    await this.#refuse(key, verdict);
    return false;
  }

  /** Tells that an id was refused, and ends its session where that is beyond doubt and wanted. */
  async #refuse(key: string, verdict: "superseded" | "doubtful"): Promise<void> {
    const { store, watcher, events } = this.#parts;
    const handle = store.handleOf(key);
    events.emit("refused", { reason: "superseded", handle });
    if (verdict !== "superseded" || this.policy !== "revoke" || !(await store.remove(key))) return;
    watcher.ended(key);
    events.emit("ended", { handle, reason: "superseded-reuse" });
  }
}

function isAdmitted(verdict: Verdict): verdict is "current" | "former" {
  return verdict === "current" || verdict === "former";
}
