// What must be true after every complete schedule, whatever ran. Each violation names its invariant
// (DESIGN, I1 to I9).
import { ID_LENGTH, toStoreKey } from "../../src/core/ids/session-id.ts";
import type { ListedSession, Session, SessionStore } from "../../src/session.ts";
import type { Fields } from "../../src/testing/conformance-bench.ts";
import { type Answer, CAP, kindOf, type OperationName, type Stage } from "./operations.ts";

/** What one operation did: its name, its result and what it put on its response. */
export interface Done {
  name: OperationName;
  result: unknown;
  answer: Answer;
  /** Moments are in the order in which they came. */
  began: number;
  ended: number;
}

/**
 * The invariants that do not hold, in words. None is what is wanted.
 *
 * @param store whose user index and records are looked at; none for a three-method store, which has
 * neither.
 */
export async function violations(
  session: Session<Fields>,
  stage: Stage,
  given: readonly Done[],
  store?: SessionStore<Fields>,
): Promise<string[]> {
  const done = given.map((one) => ({ ...one, name: kindOf(one.name) }));
  const found: string[] = [];
  const claim = (holds: boolean, what: string): void => void (holds || found.push(what));
  const resultsOf = (name: OperationName): unknown[] =>
    done.filter((one) => one.name === name).map((one) => one.result);
  const has = (name: OperationName): boolean => resultsOf(name).length > 0;
  const data = new Map<string, Fields | undefined>();
  for (const id of stage.ids) data.set(id, await session.get(id));
  const live = stage.ids.filter((id) => data.get(id));
  const liveKeys = [...new Set(live.map(keyOf))];
  // An operation that found no session has no id to give.
  const idsOf = (...names: OperationName[]): string[] =>
    names.flatMap(resultsOf).filter((id) => id !== undefined) as string[];
  const rotations = idsOf("rotate", "reauthenticate");
  const renewals = new Set(idsOf("renew").filter((id) => id !== stage.first));
  const current = [stage.first, ...renewals, ...rotations].filter((id) => live.includes(id));

  const endings = [...resultsOf("logout"), ...resultsOf("revoke")];
  claim(
    !resultsOf("logout").includes(true) || current.length === 0,
    "I1 a logged-out session is readable",
  );
  claim(
    !resultsOf("revoke").includes(true) || current.length === 0,
    "I1 a revoked session is readable",
  );
  claim(endings.filter(Boolean).length <= 1, "I1 one session was ended twice");
  claim(
    !has("expire") || resultsOf("touch").some(Boolean) || current.length === 0,
    "I1 an expired session is readable",
  );
  claim(
    !has("revoke all") || (current.length === 0 && !live.includes(stage.second)),
    "I2 a session outlives the revocation of its user",
  );
  claim(
    resultsOf("revoke others").every((count) => count === undefined) ||
      !live.includes(stage.second),
    "I2 another session outlives the revocation of the others",
  );
  claim(
    !has("revoke everything") || (current.length === 0 && !live.includes(stage.second)),
    "I2 a session outlives the revocation of everything",
  );
  for (const login of done.filter(({ name }) => name === "login")) {
    const isLater = done.every(
      ({ name, ended }) =>
        !["revoke all", "revoke others", "revoke everything", "expire"].includes(name) ||
        ended < login.began,
    );
    claim(!isLater || live.includes(login.result as string), "I2 a login that came later is gone");
  }
  claim(current.length <= 1, "I3 a session has two current ids");
  claim(rotations.length <= 1, "I3 two rotations of one id succeeded");
  claim(!rotations.length || !live.includes(stage.first), "I3 a rotated id is alive");
  claim(renewals.size <= 1, "I3 an id that was renewed twice has two successors");

  const endsAll = (["revoke", "revoke all", "revoke everything", "expire"] as const).some(has);
  const mayBeGone =
    endsAll ||
    has("logout") ||
    (has("revoke others") && (rotations.length > 0 || has("reauthenticate"))) ||
    evictsFirst(resultsOf("login").length);
  claim(mayBeGone || current.length === 1, "I1 a session is gone that nobody ended");
  const now = data.get(current[0] ?? "");
  for (const field of ["a", "b"] as const) {
    const outcomes = resultsOf(`update ${field}`);
    claim(
      !now || !outcomes.includes(true) || now[field] === 1,
      `I4 the update of ${field} is lost`,
    );
    claim(
      !now || outcomes.length === 0 || outcomes.includes(true) || !(field in now),
      `I4 a refused update of ${field} is visible`,
    );
    claim(
      mayBeGone || rotations.length > 0 || !outcomes.includes(false),
      `I4 the update of ${field} missed a live session`,
    );
  }
  claim(
    !now || now["counter"] === resultsOf("increment").filter(Boolean).length,
    "I4 the counter is not exact",
  );

  claim(liveKeys.length <= CAP, "I5 more sessions than the cap allows");
  for (const listed of resultsOf("list") as ListedSession[][]) {
    const handles = new Set(listed.map(({ handle }) => handle));
    claim(
      handles.size === listed.length && listed.length <= CAP,
      "I5 the user's list has more sessions than the cap allows, or one twice",
    );
    claim(
      mayBeGone || has("revoke others") || handles.size >= 2,
      "I7 the user's list lacks a session that nobody ended",
    );
  }
  for (const id of current)
    claim((await session.deadlines(id))?.endsAt === stage.endsAt, "I6 the absolute limit moved");
  const indexed = (await store?.listByUser(stage.userId)) ?? [];
  claim(
    !store ||
      sameTexts(
        indexed.map(({ key }) => key),
        liveKeys,
      ),
    "I7 the user's index is not the user's live sessions",
  );
  for (const id of idsOf("reauthenticate")) {
    const found = indexed.find(({ key }) => key === keyOf(id));
    claim(
      !found || (found.session.facts?.authenticatedAt ?? 0) >= stage.began,
      "I10 a re-authentication is forgotten",
    );
  }

  for (const { name, result, answer } of done) {
    const cookies = answer.headers.getSetCookie().filter((line) => line.startsWith("session_id="));
    const value = cookies[0]?.slice("session_id=".length).split(";")[0];
    claim(cookies.length <= 1, `I8 ${name} sent two cookies`);
    claim(!value || value === result, `I8 ${name} sent a cookie for another id`);
  }
  const told = JSON.stringify([stage.events, indexed]);
  const isTold = (id: string): boolean =>
    told.includes(id) || (id.length > ID_LENGTH && told.includes(id.slice(ID_LENGTH)));
  claim(!stage.ids.some(isTold), "I9 an id is in the store or in an event");
  return found;
}

/** A renewed id goes on behind the id that its key is of. */
function keyOf(id: string): string {
  return toStoreKey(id.slice(0, ID_LENGTH));
}

/** With two sessions there, each login beyond the cap evicts the oldest, which is the first. */
function evictsFirst(logins: number): boolean {
  return 2 + logins > CAP;
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());
}
