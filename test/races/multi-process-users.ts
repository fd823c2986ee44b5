// Several processes log one user in while others look, and end what is there: caps and revocations
// on a real server.
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import type { Session } from "../../src/session.ts";
import type { Fields, TestRunner } from "../../src/testing/conformance-bench.ts";
import type { Login, Order } from "./multi-process-worker.ts";
import { until } from "../support/waits.ts";

const LOGINS = 200;
const CAP = 5;
// Logins under way at the same time in each process, where they go on for a while.
const AT_ONCE = 10;
// So many logins are over when everything is ended: they are more than can be under way.
const ENOUGH = 20;
const OLDER = 20;

interface Setting {
  workers: readonly { tell(order: Order): Promise<unknown> }[];
  session: Session<Fields>;
  /** Logins of one user that a process has under way at the same time under a cap. */
  loginsAtOnce: number;
}

/** Tests for a suite whose processes are at work when its tests run. */
export function userTests(it: TestRunner["it"], setting: () => Setting): void {
  it(`${LOGINS} parallel logins of one user never leave more than ${CAP} alive, at any read`, async () => {
    const { workers, session, loginsAtOnce } = setting();
    const userId = `capped-${process.pid}`;
    const working = Promise.all(
      workers.map((worker) =>
        worker.tell({
          task: "login",
          userId,
          count: LOGINS / workers.length,
          atOnce: loginsAtOnce,
          cap: CAP,
        }),
      ),
    );
    // This process looks all the while.
    const over = new AbortController();
    const looking = (async () => {
      const seen: number[] = [];
      while (!over.signal.aborted) {
        seen.push((await session.list(userId)).length);
        await turn();
      }
      return seen;
    })();
    const ids = ((await working.finally(() => over.abort())) as Login[][])
      .flat()
      .map(({ id }) => id);
    const seen = await looking;
    assert.equal(ids.length, LOGINS);
    assert.equal(Math.max(...seen), CAP);
    assert.equal((await session.list(userId)).length, CAP);
    assert.equal((await Promise.all(ids.map((id) => session.get(id)))).filter(Boolean).length, CAP);
    await session.revokeAll(userId);
  });

  const ends = {
    revokeAll: (session: Session<Fields>, userId: string): Promise<unknown> =>
      session.revokeAll(userId),
    revokeEverything: (session: Session<Fields>): Promise<unknown> => session.revokeEverything(),
  };
  for (const [name, end] of Object.entries(ends)) {
    it(`after ${name} nothing older than the call is alive, with ${LOGINS} logins around it, and what is younger lives`, async () => {
      const { workers, session } = setting();
      const userId = `${name}-${process.pid}`;
      const older = await Promise.all(
        Array.from({ length: OLDER }, () => session.create({ userId })),
      );
      const working = Promise.all(
        workers.map((worker) =>
          worker.tell({ task: "login", userId, count: LOGINS / workers.length, atOnce: AT_ONCE }),
        ),
      );
      const enough = OLDER + ENOUGH + workers.length * AT_ONCE;
      await until("enough logins", async () => (await session.list(userId)).length >= enough);
      const began = process.hrtime.bigint();
      await end(session, userId);
      const ended = process.hrtime.bigint();
      assert.deepEqual((await Promise.all(older.map((id) => session.get(id)))).filter(Boolean), []);
      const logins = ((await working) as Login[][]).flat();
      const alive = await Promise.all(logins.map(({ id }) => session.get(id)));
      const found = logins.map((login, at) => ({
        isOlder: BigInt(login.ended) < began,
        isYounger: BigInt(login.began) > ended,
        isAlive: alive[at] !== undefined,
      }));
      assert.equal(found.filter(({ isOlder, isAlive }) => isOlder && isAlive).length, 0);
      assert.equal(found.filter(({ isYounger, isAlive }) => isYounger && !isAlive).length, 0);
      assert.ok(
        found.some(({ isOlder }) => isOlder),
        "no login was older than the call: the race did not happen",
      );
      // The list says the same.
      assert.equal(
        (await session.list(userId)).length,
        found.filter(({ isAlive }) => isAlive).length,
      );
      await session.revokeAll(userId);
    });
  }
}
