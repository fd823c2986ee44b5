// What must be true after every complete schedule, whatever ran. Each violation names its invariant (DESIGN, I1 to I9).
import { toStoreKey } from "../../src/core/session-id.ts";
import type { Session, SessionStore } from "../../src/session.ts";
import type { Fields } from "../../src/testing/conformance-bench.ts";
import { type Answer, CAP, type Stage } from "./operations.ts";

/** What one operation did: its name, its result and what it put on its response. */
export interface Done {
  name: string;
  result: unknown;
  answer: Answer;
}

/**
 * The invariants that do not hold, in words. None is what is wanted.
 *
 * @param store whose user index and records are looked at; none for a three-method store, which has neither.
 */
export async function violations(session: Session<Fields>, stage: Stage, done: readonly Done[], store?: SessionStore<Fields>): Promise<string[]> {
  const found: string[] = [];
  const claim = (holds: boolean, what: string): void => void (holds || found.push(what));
  const resultsOf = (name: string): unknown[] => done.filter((one) => one.name === name).map((one) => one.result);
  const has = (name: string): boolean => resultsOf(name).length > 0;
  const data = new Map<string, Fields | undefined>();
  for (const id of stage.ids) data.set(id, await session.get(id));
  const live = stage.ids.filter((id) => data.get(id));
  const rotations = resultsOf("rotate").filter((id) => id !== undefined) as string[];
  const chain = [stage.first, ...rotations];
  const current = chain.filter((id) => live.includes(id));
  const logins = resultsOf("login") as string[];

  const isLoggedOut = resultsOf("logout").includes(true);
  claim(!isLoggedOut || current.length === 0, "I1 a logged-out session is readable");
  claim(resultsOf("logout").filter(Boolean).length <= 1, "I1 one session was ended twice");
  claim(!has("expire") || resultsOf("touch").some(Boolean) || current.length === 0, "I1 an expired session is readable");
  claim(!has("revoke all") || (current.length === 0 && !live.includes(stage.second)), "I2 a session outlives the revocation of its user");
  claim(!has("revoke others") || !live.includes(stage.second), "I2 another session outlives the revocation of the others");
  claim(current.length <= 1, "I3 a session has two current ids");
  claim(rotations.length <= 1, "I3 two rotations of one id succeeded");
  claim(!rotations.length || !live.includes(stage.first), "I3 a rotated id is alive");

  const mayBeGone = ["logout", "revoke all", "expire"].some(has) || (has("revoke others") && rotations.length > 0) || evictsFirst(logins.length);
  claim(mayBeGone || current.length === 1, "I1 a session is gone that nobody ended");
  const now = data.get(current[0] ?? "");
  for (const field of ["a", "b"]) {
    const outcomes = resultsOf(`update ${field}`);
    claim(!now || !outcomes.includes(true) || now[field] === 1, `I4 the update of ${field} is lost`);
    claim(!now || outcomes.length === 0 || outcomes.includes(true) || !(field in now), `I4 a refused update of ${field} is visible`);
    claim(mayBeGone || has("rotate") || !outcomes.includes(false), `I4 the update of ${field} missed a live session`);
  }
  claim(!now || now["counter"] === resultsOf("increment").filter(Boolean).length, "I4 the counter is not exact");

  claim(live.length <= CAP, "I5 more sessions than the cap allows");
  for (const id of current) claim((await session.deadlines(id))?.endsAt === stage.endsAt, "I6 the absolute limit moved");
  const indexed = (await store?.listByUser(stage.userId)) ?? [];
  claim(!store || sameTexts(indexed.map(({ key }) => key), live.map((id) => toStoreKey(id))), "I7 the user's index is not the user's live sessions");

  for (const { name, result, answer } of done) {
    const cookies = answer.headers.getSetCookie().filter((line) => line.startsWith("session_id="));
    const value = cookies[0]?.slice("session_id=".length).split(";")[0];
    claim(cookies.length <= 1, `I8 ${name} sent two cookies`);
    claim(!value || value === result, `I8 ${name} sent a cookie for another id`);
  }
  const told = JSON.stringify([stage.events, indexed]);
  claim(!stage.ids.some((id) => told.includes(id)), "I9 an id is in the store or in an event");
  return found;
}

/** With two sessions there, each login beyond the cap evicts the oldest, which is the first. */
function evictsFirst(logins: number): boolean {
  return 2 + logins > CAP;
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());
}
