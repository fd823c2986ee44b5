// Random calls of one request, none of which waits for another, over a store that answers in any
// order: whatever the handler did, the browser is left with the session that lives, or there is
// none.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import {
  MemoryStore,
  type RequestSession,
  Session,
  type SessionStore,
} from "../../../src/session.ts";

type Data = Record<string, unknown>;

const CALLS: Record<string, (own: RequestSession<Data>) => unknown> = {
  read: (own) => own.data,
  set: (own) => own.set("a", 1),
  flash: (own) => own.flash("notice", "saved"),
  takeFlash: (own) => own.takeFlash("notice"),
  update: (own) => own.update(() => ({ b: 2 })),
  commit: (own) => own.commit(),
  login: (own) => own.login({ userId: "1" }),
  "login of another": (own) => own.login({ userId: "2" }),
  "login that is refused": (own) => own.login({ userId: "1" }, { absoluteTimeout: Infinity }),
  rotate: (own) => own.rotate(),
  reauthenticate: (own) => own.reauthenticate(),
  destroy: (own) => own.destroy(),
};

/** The store, each call of which waits for the scheduler, before its work and after it. */
function scheduled(inner: MemoryStore<Data>, scheduler: fc.Scheduler): SessionStore<Data> {
  return new Proxy(inner, {
    get(target, name) {
      if (name === "readSync") return undefined;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function" || name === "constructor") return value;
      return async (...args: unknown[]): Promise<unknown> => {
        await scheduler.schedule(Promise.resolve());
        const answer: unknown = await Reflect.apply(value, target, args);
        await scheduler.schedule(Promise.resolve());
        return answer;
      };
    },
  });
}

describe("RequestSession, whatever it is asked for at once,", () => {
  for (const options of [
    {},
    { renewEvery: 100 },
    { maxPerUser: { limit: 1, onLimit: "deny" } },
    { maxPerUser: { limit: 1, onLimit: "evict-oldest" } },
  ] as const) {
    it(`leaves the browser with the session that lives, or there is none (${Object.keys(options).join() || "no options"}${"maxPerUser" in options ? `, ${options.maxPerUser.onLimit}` : ""})`, async () => {
      const names = fc.array(fc.constantFrom(...Object.keys(CALLS)), {
        minLength: 1,
        maxLength: 6,
      });
      await fc.assert(
        fc.asyncProperty(fc.scheduler(), names, fc.boolean(), async (scheduler, calls, isKnown) => {
          const inner = new MemoryStore<Data>();
          const direct = new Session<Data>({ store: inner });
          const id = isKnown ? await direct.create({ userId: "1" }) : undefined;
          const own = new Session<Data>({
            store: scheduled(inner, scheduler),
            storeTimeout: false,
            ...options,
          }).open({ headers: id === undefined ? {} : { cookie: `session_id=${id}` } });
          // What a call is refused with is its own.
          const call = async (name: string): Promise<unknown> => CALLS[name]?.(own);
          const outcomes = await scheduler.waitFor(Promise.allSettled(calls.map(call)));
          await scheduler.waitFor(own.commit());
          const res = new Headers();
          own.writeTo(res);
          const [line, ...more] = res.getSetCookie();
          const sent = line?.slice("session_id=".length).split(";")[0];
          const found = await direct.deadlines((sent ?? id) || undefined);
          assert.deepEqual(more, []);
          assert.equal((await inner.scan()).sessions.length, found ? 1 : 0);
          if (sent) assert.ok(found);
          if (calls.some((name, at) => name === "destroy" && outcomes[at]?.status === "fulfilled"))
            assert.equal(found, undefined);
        }),
        { numRuns: 300 },
      );
    });
  }
});
