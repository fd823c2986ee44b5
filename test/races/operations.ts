// The operations that race, and the stage they race on: one user with two sessions, each operation in a `Session` of
// its own over one store, as in two processes.
import type { Session, SessionOptions } from "../../src/session.ts";
import type { Fields } from "../../src/testing/conformance-bench.ts";
import type { ManualClock } from "../../src/testing.ts";

export type MakeSession = (options: SessionOptions<Fields>) => Session<Fields>;

export const IDLE_SECONDS = 1000;
const ABSOLUTE_SECONDS = 5000;
export const CAP = 3;

/** What the operations share. `first` is the session they race for, `second` another of the same user. */
export interface Stage {
  readonly clock: ManualClock;
  readonly userId: string;
  readonly first: string;
  readonly second: string;
  /** Every id that was issued on this stage. */
  readonly ids: string[];
  /** Everything that was told to listeners. */
  readonly events: unknown[];
  readonly endsAt: number;
}

/** A response that only keeps its headers. */
export type Answer = { headers: Headers };

export type Operation = (session: Session<Fields>, stage: Stage, answer: Answer) => Promise<unknown>;

/** By name: what may happen to a session at any moment (DESIGN, invariants). */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  "update a": (session, { first }) => session.update(first, { a: 1 }),
  "update b": (session, { first }) => session.update(first, { b: 1 }),
  increment: (session, { first }) => session.update(first, (data) => ({ counter: (data["counter"] as number) + 1 })),
  touch: (session, { first }) => session.fromRequest({ headers: { cookie: `session_id=${first}` } }),
  rotate: async (session, stage, answer) => {
    const id = await session.rotate(stage.first, answer);
    if (id !== undefined) stage.ids.push(id);
    return id;
  },
  logout: (session, { first }, answer) => session.delete(first, answer),
  login: async (session, stage, answer) => {
    const id = await session.create({ userId: stage.userId, counter: 0 });
    stage.ids.push(id);
    session.setCookie(answer, id);
    return id;
  },
  "revoke all": (session, { userId }) => session.revokeAll(userId),
  "revoke others": (session, { userId, first }) => session.revokeAll(userId, { except: first }),
  expire: async (_, { clock }) => clock.advance(IDLE_SECONDS * 1000),
};

/** How sessions are configured in a race on a store with the whole contract. */
export const USUAL_OPTIONS: SessionOptions<Fields> = {
  idleTimeout: IDLE_SECONDS,
  absoluteTimeout: ABSOLUTE_SECONDS,
  maxPerUser: { limit: CAP, onLimit: "evict-oldest" },
  // A stopped operation waits as long as its schedule wants, and "expire" moves the clock meanwhile.
  storeTimeout: false,
};

/** All that a listener can be told, for I9. */
export const EVENTS = ["created", "updated", "rotated", "ended", "revoked", "refused", "unreadable", "error"] as const;

/** A new user with two sessions, old enough that the next activity is due to be written. */
export async function setStage(session: Session<Fields>, clock: ManualClock, userId: string): Promise<Stage> {
  const first = await session.create({ userId, counter: 0 });
  clock.advance(1);
  const second = await session.create({ userId, counter: 0 });
  const { endsAt = 0 } = (await session.deadlines(first)) ?? {};
  clock.advance(100_000);
  return { clock, userId, first, second, ids: [first, second], events: [], endsAt };
}
