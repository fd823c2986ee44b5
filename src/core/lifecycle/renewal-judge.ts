// Renewal, decided: which ids of a session hold, and what its record says next. Pure: the record,
// the id and the time come in, and the answer depends on nothing else. `renewal.ts` reads, writes
// and tells.
//
// | the record knows      | its current id              | the id before            | any other  |
// | --------------------- | --------------------------- | ------------------------ | ---------- |
// | no renewal yet        | current; due: a successor   | -                        | superseded |
// | a successor, not seen | current; now it is seen     | former; given it again   | superseded |
// | a successor, seen     | current; due: a successor   | former for the overlap   | superseded |
//
// A successor that was not seen for as long as the idle limit was lost: the id before gets another
// one.
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { ID_LENGTH, sha256 } from "../ids/session-id.ts";
import type { SessionFacts } from "../store.ts";

/** What a record knows of its session's ids. */
export type Renewal = NonNullable<SessionFacts["renewal"]>;

/**
 * `doubtful`: superseded by our clock, which may be wrong. Such an id acts no more, and nothing is
 * ended for it.
 */
export type Verdict = "current" | "former" | "superseded" | "doubtful";

/** What a renewal goes by. Milliseconds, `Infinity` for never. */
export interface RenewalLimits {
  every: number;
  overlap: number;
  /** The session's own idle limit. */
  idle: number;
  createdAt: number;
  /**
   * How far our clock may be ahead of the one that wrote the record; 0 where it is the same. See
   * `ClockLags`.
   */
  lag: number;
  /** What clocks may differ by without any doubt. */
  tolerance: number;
}

/**
 * What a renewal makes of the id and of the record, which stays as it is where there is no
 * `renewal`.
 */
export interface NextId {
  id: string;
  renewal?: Renewal;
}

/** Who makes a successor: its salt, and the name of its clock. */
export interface Renewer {
  makeSalt(): string;
  clock: string;
}

// 162 bits in base64url.
const VERIFIER_LENGTH = 27;

/**
 * Judges an id, without its signature, against what the record of its session says.
 *
 * @param renewer where the id is to be renewed if that is due.
 */
export function judge(
  renewal: Renewal | undefined,
  id: string,
  now: number,
  limits: RenewalLimits,
  renewer?: Renewer,
): { verdict: Verdict; next?: NextId } {
  const verdict = verdictOf(renewal, id, now, limits);
  if (!renewer || verdict === "superseded" || verdict === "doubtful") return { verdict };
  const next = nextOf(renewal, id, now, { limits, renewer, isCurrent: verdict === "current" });
  return next ? { verdict, next } : { verdict };
}

/** What the record of a session says whose id is new and has no verifier, such as after a rotation. */
export function unrenewed(now: number, clock: string): Renewal {
  return { at: now, current: NO_VERIFIER, former: NO_VERIFIER, clock };
}

function verdictOf(
  renewal: Renewal | undefined,
  id: string,
  now: number,
  { overlap, lag, tolerance }: RenewalLimits,
): Verdict {
  const presented = hash(id);
  if (presented === (renewal?.current ?? NO_VERIFIER)) return "current";
  if (presented === renewal?.earlier) return "doubtful";
  if (!renewal) return "superseded";
  // A request that began before this renewal may have come with an id that was good then.
  if (presented !== renewal.former) return now < renewal.at ? "doubtful" : "superseded";
  if (renewal.salt !== undefined) return "former";
  const elapsed = now - usedAt(renewal);
  if (elapsed - lag >= overlap) return "superseded";
  return elapsed < overlap + (lag === 0 ? 0 : tolerance) ? "former" : "doubtful";
}

function nextOf(
  renewal: Renewal | undefined,
  id: string,
  now: number,
  { limits, renewer, isCurrent }: { limits: RenewalLimits; renewer: Renewer; isCurrent: boolean },
): NextId | undefined {
  const { every, overlap, idle, createdAt, lag } = limits;
  const succeeded = (): NextId => {
    const salt = renewer.makeSalt();
    const next = succeed(id, salt);
    // By a clock that is ahead the next renewal comes early: requests in flight may still have the
    // id before this one.
    const isOverlapOver = !isCurrent || !renewal || now - usedAt(renewal) - lag >= overlap;
    return {
      id: next,
      renewal: {
        at: now,
        current: hash(next),
        former: hash(id),
        salt,
        ...(!isOverlapOver && { earlier: renewal.former }),
        clock: renewer.clock,
      },
    };
  };
  if (renewal?.salt === undefined) {
    const since = renewal ? usedAt(renewal) : createdAt;
    return isCurrent && now - since >= every ? succeeded() : undefined;
  }
  const { salt, ...known } = renewal;
  // Without the salt nobody gets from the former id to this one any more.
  if (isCurrent) return { id, renewal: { ...known, seenAt: now, clock: renewer.clock } };
  if (every !== Infinity && now - renewal.at - lag >= idle) return succeeded();
  const successor = succeed(id, salt);
  return hash(successor) === renewal.current ? { id: successor } : undefined;
}

/** When the current id was first used. Records of former versions say when it was made. */
export function usedAt({ at, seenAt = at }: Renewal): number {
  return seenAt;
}

function succeed(id: string, salt: string): string {
  const verifier = createHmac("sha256", Buffer.from(salt, "base64url"))
    .update(id)
    .digest("base64url")
    .slice(0, VERIFIER_LENGTH);
  return id.slice(0, ID_LENGTH) + verifier;
}

/** Of what follows the first 32 characters. */
function hash(id: string): string {
  return sha256(id.slice(ID_LENGTH));
}

const NO_VERIFIER = sha256("");
