// The operations that race, and the stage they race on: one user with two sessions, each operation
// in a `Session` of its own over one store, as in two processes.
import { toStoreKey } from "../../src/core/ids/session-id.ts";
import type { Session, SessionOptions } from "../../src/session.ts";
import type { ManualClock } from "../../src/testing.ts";
import type { Fields } from "../../src/testing/conformance-bench.ts";

export type MakeSession = (options: SessionOptions<Fields>) => Session<Fields>;

export const IDLE_SECONDS = 1000;
const ABSOLUTE_SECONDS = 5000;
export const CAP = 3;
// The first session is as old as this when the operations begin: its renewal is due.
const AGE_SECONDS = 100;
export const OVERLAP_SECONDS = 50;

/**
 * What the operations share. `first` is the session they race for, `second` another of the same
 * user.
 */
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
  /** When the operations began. */
  readonly began: number;
}

/** A response that only keeps its headers. */
export type Answer = { headers: Headers };

export type Operation = (
  session: Session<Fields>,
  stage: Stage,
  answer: Answer,
) => Promise<unknown>;

/** By name: what may happen to a session at any moment (DESIGN, invariants). */
export const OPERATIONS = {
  "update a": (session, { first }) => session.update(first, { a: 1 }),
  "update b": (session, { first }) => session.update(first, { b: 1 }),
  increment: (session, { first }) =>
    session.update(first, (data) => ({ counter: (data["counter"] as number) + 1 })),
  touch: async (session, { first }) => {
    const data = await session.fromRequest({ headers: { cookie: `session_id=${first}` } });
    // The note of the activity is part of the operation, though no request waits for it.
    await session.close();
    return data;
  },
  rotate: async (session, stage, answer) =>
    issued(stage, await session.rotate(stage.first, answer)),
  reauthenticate: async (session, stage, answer) =>
    issued(stage, await session.reauthenticate(stage.first, answer)),
  renew: async (session, stage, answer) => issued(stage, await session.renew(stage.first, answer)),
  logout: (session, { first }, answer) => session.delete(first, answer),
  login: async (session, stage, answer) => {
    const id = await session.create({ userId: stage.userId, counter: 0 });
    session.setCookie(answer, id);
    return issued(stage, id);
  },
  list: (session, { userId, first }) => session.list(userId, { current: first }),
  revoke: (session, { userId, first }) => session.revoke(toStoreKey(first), { userId }),
  "revoke all": (session, { userId }) => session.revokeAll(userId),
  "revoke others": (session, { userId, first }) => session.revokeAll(userId, { except: first }),
  "revoke everything": (session) => session.revokeEverything(),
  "update a by request": (session, { first }) => session.update(by(first), { a: 1 }),
  "increment by request": (session, { first }) =>
    session.update(by(first), (data) => ({ counter: (data["counter"] as number) + 1 })),
  "rotate by request": async (session, stage, answer) =>
    issued(stage, await session.rotate(by(stage.first), answer)),
  "reauthenticate by request": async (session, stage, answer) => {
    const own = session.open(by(stage.first));
    await own.user;
    await session.close();
    if (!(await own.reauthenticate())) return undefined;
    own.writeTo(answer);
    return issued(stage, idOn(answer));
  },
  "logout by request": (session, { first }, answer) => session.delete(by(first), answer),
  "revoke others by request": async (session, { first }) => {
    const own = session.open(by(first));
    const user = await own.user;
    // The note of the activity is a call of its own, beside which nothing else may be stopped.
    await session.close();
    // Nobody has no others.
    return user && own.revokeOthers();
  },
  // Two requests of one browser: the second is the first use of what the first was given.
  "renew by request": async (session, stage, answer) => {
    const own = session.open(by(stage.first));
    const isFound = (await own.user) !== undefined;
    await session.close();
    await own.commit();
    own.writeTo(answer);
    const next = issued(stage, idOn(answer));
    if (next === undefined) return isFound ? stage.first : undefined;
    const later = session.open(by(next));
    await later.peek();
    await later.commit();
    return next;
  },
  expire: async (_, { clock }) => clock.advance(IDLE_SECONDS * 1000),
} satisfies Readonly<Record<string, Operation>>;

export type OperationName = keyof typeof OPERATIONS;

/** What an operation does, however the session is named: by its id or by a request. */
export function kindOf(name: OperationName): OperationName {
  // What is done by request is done by id as well.
  return name.replace(/ by request$/, "") as OperationName;
}

function by(id: string) {
  return { headers: { cookie: `session_id=${id}` } };
}

function idOn({ headers }: Answer): string | undefined {
  return headers.getSetCookie()[0]?.slice("session_id=".length).split(";")[0];
}

function issued(stage: Stage, id: string | undefined): string | undefined {
  if (id !== undefined && !stage.ids.includes(id)) stage.ids.push(id);
  return id;
}

/** How sessions are configured in a race on a store with the whole contract. */
export const USUAL_OPTIONS: SessionOptions<Fields> = {
  idleTimeout: IDLE_SECONDS,
  absoluteTimeout: ABSOLUTE_SECONDS,
  maxPerUser: { limit: CAP, onLimit: "evict-oldest" },
  // A stopped operation waits as long as its schedule wants, and "expire" moves the clock
  // meanwhile.
  storeTimeout: false,
};

/**
 * The same where ids are renewed. A superseded id is reported, so that looking at one ends nothing.
 */
export const RENEWING_OPTIONS: SessionOptions<Fields> = {
  ...USUAL_OPTIONS,
  renewEvery: AGE_SECONDS,
  renewOverlap: OVERLAP_SECONDS,
  onSuperseded: "report",
};

/** All that a listener can be told, for I9. */
export const EVENTS = [
  "created",
  "updated",
  "rotated",
  "renewed",
  "ended",
  "revoked",
  "refused",
  "unreadable",
  "error",
] as const;

/** A new user with two sessions, old enough that the next activity is due to be written. */
export async function setStage(
  session: Session<Fields>,
  clock: ManualClock,
  userId: string,
): Promise<Stage> {
  const first = await session.create({ userId, counter: 0 });
  clock.advance(1);
  const second = await session.create({ userId, counter: 0 });
  const { endsAt = 0 } = (await session.deadlines(first)) ?? {};
  clock.advance(AGE_SECONDS * 1000);
  return {
    clock,
    userId,
    first,
    second,
    ids: [first, second],
    events: [],
    endsAt,
    began: clock.now(),
  };
}
