// Renewal: the id of a session changes from time to time, and the use of one that was superseded
// betrays a theft. What a session's ids are now is in its facts; the key stays, so that no request
// in flight misses its session.
//
// A renewed id is the first id and a verifier. The verifier's hash is what the record knows:
// whoever reads the database cannot make one. It is derived from the former id and a salt, so that
// two requests that renew at once arrive at the same successor; the salt goes as soon as the
// successor is seen in use, and from then on nobody gets from the former id to it.
import { Buffer } from "node:buffer";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { assertSeconds } from "../checks.ts";
import type { Clock } from "../clock.ts";
import type { Emitter, SessionEvents } from "../events/events.ts";
import { ID_LENGTH } from "../ids/session-id.ts";
import type { SessionFacts, StoredSession } from "../store.ts";
import type { GuardedStore } from "../store/guarded-store.ts";
import { retryOnConflict } from "../store/retry-on-conflict.ts";
import { changeFacts } from "./facts.ts";
import type { Watcher } from "./watcher.ts";

/** How ids are renewed. */
export interface RenewalOptions {
  /**
   * Seconds after which a session gets a new id, in the next response that can carry it. At least
   * 2, and more than `renewOverlap`. Default: never.
   */
  renewEvery?: number | undefined;
  /**
   * Seconds for which the former id still finds the session, for requests in flight and responses
   * that were lost. Default 60, or half of `renewEvery` where that is less.
   */
  renewOverlap?: number | undefined;
  /**
   * What becomes of a session when a superseded id is used after the overlap, the sign of a stolen
   * cookie. `revoke`, the default, ends it for everybody; `report` only tells: `refused` with the
   * reason `superseded`. Either way that request has no session.
   */
  onSuperseded?: "revoke" | "report" | undefined;
}

type Renewal = NonNullable<SessionFacts["renewal"]>;
interface Named<Data> {
  id: string;
  session: StoredSession<Data>;
}
type Verdict = "current" | "former" | "superseded";

const SALT_BYTES = 18;
const OVERLAP = 60;
// 162 bits in base64url.
const VERIFIER_LENGTH = 27;
const VERIFIER = /^[\w-]{27}$/;

/**
 * Whether what follows the first 32 characters of an id can belong to one: nothing, or a verifier.
 */
export function isVerifier(text: string): boolean {
  return text === "" || VERIFIER.test(text);
}

/** The ids of renewed sessions. Ids come here without a signature. */
export class Renewals<Data> {
  readonly #store: GuardedStore<Data>;
  readonly #watcher: Watcher<Data>;
  readonly #events: Emitter<SessionEvents>;
  readonly #clock: Clock;
  /** Milliseconds; `Infinity` for never. */
  readonly every: number;
  readonly overlap: number;
  readonly policy: "revoke" | "report";

  /** @throws TypeError or RangeError for options that make no sense. */
  constructor(
    options: RenewalOptions,
    parts: {
      store: GuardedStore<Data>;
      watcher: Watcher<Data>;
      events: Emitter<SessionEvents>;
      clock: Clock;
      keepsFacts: boolean;
    },
  ) {
    const { renewEvery, renewOverlap, onSuperseded = "revoke" } = options;
    if (renewEvery !== undefined) {
      if (!parts.keepsFacts)
        throw new TypeError(
          "Cannot use renewEvery: the store has only get, set and delete, a SessionStore is wanted",
        );
      assertSeconds("renewEvery", renewEvery, 2);
    }
    const overlap = renewOverlap ?? Math.min(OVERLAP, (renewEvery ?? Infinity) / 2);
    assertSeconds("renewOverlap", overlap, 0);
    if (overlap >= (renewEvery ?? Infinity))
      throw new RangeError(
        `Cannot use renewOverlap ${overlap}: it must be less than renewEvery (${renewEvery})`,
      );
    if (onSuperseded !== "revoke" && onSuperseded !== "report")
      throw new TypeError('Cannot use onSuperseded: "revoke" or "report" is wanted');
    this.#store = parts.store;
    this.#watcher = parts.watcher;
    this.#events = parts.events;
    this.#clock = parts.clock;
    this.every = (renewEvery ?? Infinity) * 1000;
    this.overlap = overlap * 1000;
    this.policy = onSuperseded;
  }

  /**
   * Whether an id is enough to act on, or the record has to be asked whether it has been
   * superseded.
   */
  isCertain(id: string): boolean {
    return this.every === Infinity && id.length === ID_LENGTH;
  }

  /** Whether this id may use its session. One that was superseded is told of, and may end it. */
  admits(key: string, id: string, session: StoredSession<Data>): true | Promise<boolean> {
    if (session.facts?.renewal === undefined && id.length === ID_LENGTH) return true;
    return this.#judge(id, session) === "superseded" ? this.#askAgain(key, id) : true;
  }

  /** What an id is to a record. Tells nobody, and ends nothing. */
  verdictOf(id: string, session: StoredSession<Data>): Verdict {
    if (session.facts?.renewal === undefined && id.length === ID_LENGTH) return "current";
    return this.#judge(id, session);
  }

  /** Whether {@link renew} would write or give another id. */
  isDue(session: Pick<StoredSession<Data>, "facts" | "createdAt">): boolean {
    const renewal = session.facts?.renewal;
    // A salt: the successor was not seen yet. It is in this request, or is to be given once more.
    if (renewal?.salt !== undefined) return true;
    return (
      this.every !== Infinity &&
      this.#clock.now() - (renewal?.at ?? session.createdAt) >= this.every
    );
  }

  /**
   * The id that its session goes by now, renewed if that is due; `undefined` when there is no such
   * session.
   */
  async renew(key: string, id: string): Promise<Named<Data> | undefined> {
    const attempt = async (): Promise<Named<Data> | undefined | "conflict"> => {
      const session = await this.#store.read(key);
      if (!session || !(await this.admits(key, id, session))) return undefined;
      const renewal = session.facts?.renewal;
      if (!this.isDue(session)) return { id, session };
      const isCurrent = this.#judge(id, session) === "current";
      if (renewal?.salt !== undefined && !isCurrent) {
        // Two at once: this one comes second, and must come to the same.
        const successor = succeed(id, renewal.salt);
        return { id: hash(verifierOf(successor)) === renewal.current ? successor : id, session };
      }
      if (!isCurrent) return { id, session };
      const isRenewing = renewal?.salt === undefined;
      const salt = isRenewing ? randomBytes(SALT_BYTES).toString("base64url") : undefined;
      const next = salt === undefined ? id : succeed(id, salt);
      const facts = {
        ...session.facts,
        renewal: salt === undefined ? confirmed(renewal as Renewal) : this.#next(id, next, salt),
      };
      const outcome = await this.#store.patch(key, { facts, ifRevision: session.revision });
      if (outcome === "conflict") return outcome;
      if (outcome === "missing") return undefined;
      if (isRenewing && this.#events.has("renewed"))
        this.#events.emit("renewed", { handle: this.#store.handleOf(key) });
      return { id: next, session: { ...session, facts, revision: session.revision + 1 } };
    };
    return retryOnConflict(attempt, {
      what: "renew an id",
      store: this.#store.name,
      operation: "patch",
    });
  }

  /**
   * What the id of this session goes on with after a rotation: its verifier, or a new one where
   * this is not the current id.
   */
  async verifierForRotation(key: string, id: string): Promise<string | undefined> {
    const session = await this.#store.read(key);
    if (!session || !(await this.admits(key, id, session))) return undefined;
    // A request in flight with the former id does not know the current verifier.
    return verifierOf(
      this.#judge(id, session) === "current"
        ? id
        : succeed(id, randomBytes(SALT_BYTES).toString("base64url")),
    );
  }

  /**
   * Makes the id of a session that was just rotated its current one: it may have been renewed
   * meanwhile. Nobody else knows the new key yet.
   */
  async settle(key: string, id: string): Promise<void> {
    const current = hash(verifierOf(id));
    await changeFacts(this.#store, key, (session) =>
      this.#judge(id, session) === "current"
        ? undefined
        : { ...session.facts, renewal: { at: this.#clock.now(), current, former: current } },
    );
  }

  #next(id: string, next: string, salt: string): Renewal {
    return {
      at: this.#clock.now(),
      current: hash(verifierOf(next)),
      former: hash(verifierOf(id)),
      salt,
    };
  }

  #judge(id: string, session: StoredSession<Data>): Verdict {
    const renewal = session.facts?.renewal;
    const presented = hash(verifierOf(id));
    if (presented === (renewal?.current ?? NO_VERIFIER)) return "current";
    return presented === renewal?.former && this.#clock.now() < renewal.at + this.overlap
      ? "former"
      : "superseded";
  }

  /**
   * What was read may be from before the renewal: by a near cache, or a copy of the database that
   * lags behind.
   */
  async #askAgain(key: string, id: string): Promise<boolean> {
    const session = await this.#store.read(key);
    if (!session) return false;
    return this.#judge(id, session) === "superseded" ? this.#refuse(key) : true;
  }

  async #refuse(key: string): Promise<false> {
    const handle = this.#store.handleOf(key);
    this.#events.emit("refused", { reason: "superseded", handle });
    if (this.policy === "revoke" && (await this.#store.remove(key))) {
      this.#watcher.ended(key);
      this.#events.emit("ended", { handle, reason: "superseded-reuse" });
    }
    return false;
  }
}

/** Without the salt the successor cannot be derived any more. */
function confirmed({ at, current, former }: Renewal): Renewal {
  return { at, current, former };
}

function verifierOf(id: string): string {
  return id.slice(ID_LENGTH);
}

function succeed(id: string, salt: string): string {
  const verifier = createHmac("sha256", Buffer.from(salt, "base64url"))
    .update(id)
    .digest("base64url")
    .slice(0, VERIFIER_LENGTH);
  return id.slice(0, ID_LENGTH) + verifier;
}

function hash(verifier: string): string {
  return createHash("sha256").update(verifier).digest("base64url");
}

const NO_VERIFIER = hash("");
