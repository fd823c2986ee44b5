// All pairs of operations on one session or one user, in every order of their store calls, on any
// store.
import assert from "node:assert/strict";
import { ID_LENGTH } from "../../src/core/ids/session-id.ts";
import { Session, type SessionOptions, type SessionStore } from "../../src/session.ts";
import { ManualClock } from "../../src/testing.ts";
import type {
  Fields,
  StoreConformanceOptions,
  TestRunner,
} from "../../src/testing/conformance-bench.ts";
import { type Done, violations } from "./invariants.ts";
import {
  type Answer,
  EVENTS,
  kindOf,
  type MakeSession,
  type Operation,
  type OperationName,
  OPERATIONS,
  OVERLAP_SECONDS,
  RENEWING_OPTIONS,
  setStage,
  USUAL_OPTIONS,
} from "./operations.ts";
import { everySchedule, Scheduler } from "./scheduler.ts";

let users = 0;

/**
 * What races: a store, the clock it goes by, and where they are not the usual ones, the scheduler
 * and the sessions.
 */
export interface Race {
  store: SessionStore<Fields>;
  clock: ManualClock;
  /** Default a new one that watches `store`. Given where it watches something beneath the store. */
  scheduler?: Scheduler;
  options?: SessionOptions<Fields>;
  /** Whether the store has only three methods: it knows no users. */
  isPlain?: boolean;
  makeSession?: MakeSession;
}

/**
 * Runs operations against one another in every schedule.
 *
 * @returns what was violated, each once, and how many schedules ran.
 */
export async function race(
  setting: Race,
  names: readonly OperationName[],
): Promise<{ violated: string[]; schedules: number }> {
  const {
    store,
    clock,
    scheduler = new Scheduler(),
    makeSession = (options) => new Session(options),
  } = setting;
  const watched = setting.scheduler ? store : scheduler.watch(store);
  const isRenewing = names.some((name) => kindOf(name) === "renew");
  const common = setting.options ?? (isRenewing ? RENEWING_OPTIONS : USUAL_OPTIONS);
  let moments = 0;
  const violated = new Set<string>();
  const observer = new Session({ ...common, store, clock });
  const schedules = await everySchedule(async (choose) => {
    const stage = await setStage(observer, clock, `racer-${process.pid}-${++users}`);
    const done: Done[] = [];
    const operations = names.map((name) => async () => {
      // A Session of its own for each, as in as many processes.
      const session = makeSession({ ...common, store: watched, clock });
      for (const event of EVENTS) session.on(event, (told) => stage.events.push(told));
      const answer: Answer = { headers: new Headers() };
      const began = moments++;
      const operation: Operation = OPERATIONS[name];
      const result = await operation(session, stage, answer);
      done.push({ name, result, answer, began, ended: moments++ });
    });
    await scheduler.run(operations, choose);
    if (common.renewEvery !== undefined) {
      // Until the overlap is over the former id is good as well; it begins at the first use.
      for (const id of stage.ids) if (id.length > ID_LENGTH) await observer.renew(id);
      clock.advance(OVERLAP_SECONDS * 1000);
    }
    for (const violation of await violations(
      observer,
      stage,
      done,
      setting.isPlain ? undefined : store,
    ))
      violated.add(violation);
    for (const id of stage.ids) await observer.delete(id);
  });
  return { violated: [...violated], schedules };
}

/** Every pair once, each operation against itself too. */
export function allPairs(names: readonly OperationName[]): [OperationName, OperationName][] {
  return names.flatMap((a, at) =>
    names.slice(at).map((b): [OperationName, OperationName] => [a, b]),
  );
}

/** Whether to run what takes a minute more: `npm run test:races`, a step of its own in CI. */
export const isExhaustive = process.env["HARPIATS_EXHAUSTIVE"] === "true";

// By request they take more steps, and so many more schedules: these tell most.
const SAMPLE: readonly (readonly [OperationName, OperationName])[] = [
  ["rotate", "update a by request"],
  ["rotate", "logout by request"],
  ["rotate", "revoke others by request"],
  ["logout", "reauthenticate by request"],
  ["renew", "renew by request"],
  ["renew", "rotate by request"],
];

/**
 * The pairs of all operations. The update of another field is there for the one beside it: with the
 * rest it does what that does. Where there is no time, a sample of those by request.
 */
export function pairsOfAll(): [OperationName, OperationName][] {
  // The keys of a literal are its names.
  const names = Object.keys(OPERATIONS) as OperationName[];
  const isSampled = (pair: [OperationName, OperationName]): boolean =>
    isExhaustive ||
    pair.every((name) => name === kindOf(name)) ||
    SAMPLE.some((sampled) => sampled.every((name, at) => name === pair[at]));
  return allPairs(names).filter(
    ([a, b]) => ((a !== "update b" && b !== "update b") || a === "update a") && isSampled([a, b]),
  );
}

// What a wrapper or another client of a store that runs all pairs can still get wrong.
const TELLING: OperationName[] = [
  "update a",
  "increment",
  "touch",
  "rotate",
  "logout",
  "login",
  "revoke all",
  "renew",
];

/**
 * The pairs for what shares its statements with a store that runs all of them: all, where there is
 * time.
 */
export function pairsOfMost(): [OperationName, OperationName][] {
  return isExhaustive ? pairsOfAll() : allPairs(TELLING);
}

/** Holds a store to the invariants under all pairs of operations. */
export function raceSuite(
  { describe, it, before, after }: TestRunner,
  options: StoreConformanceOptions,
  pairs = pairsOfAll(),
): void {
  describe(`${options.name} under races`, () => {
    const clock = new ManualClock();
    let opened: Awaited<ReturnType<StoreConformanceOptions["open"]>> | undefined;
    before(async () => void (opened = await options.open(clock)));
    after(async () => void (await opened?.close?.()));
    for (const pair of pairs) {
      it(`${pair.join(" against ")} keeps every invariant`, async () => {
        const { violated, schedules } = await race(
          { store: opened?.store as SessionStore<Fields>, clock },
          pair,
        );
        assert.deepEqual(violated, []);
        assert.ok(schedules > 1);
      });
    }
  });
}
