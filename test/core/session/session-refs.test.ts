// A request names a session wherever an id does, and means the one that fromRequest finds: also
// beside cookies that are nobody's, and after the request has changed its id. One row for each
// verb, so that none of them reads a cookie in a way of its own.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  MemoryStore,
  Session,
  type SessionOptions,
  type SessionRef,
} from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";
import { countCalls } from "../../support/counting-store.ts";
import { FRAMEWORKS, type Routes } from "../../support/frameworks.ts";

interface Data {
  userId?: string;
  n?: number;
}

const withCookies = (...ids: (string | undefined)[]): { headers: { cookie: string } } => ({
  headers: { cookie: ids.map((id) => `session_id=${id}`).join("; ") },
});

function setUp(options: SessionOptions<Data> = {}, answersAtOnce = true) {
  const clock = new ManualClock();
  const { store } = countCalls(new MemoryStore<Data>({ clock }), answersAtOnce);
  return { clock, session: new Session<Data>({ clock, store, ...options }) };
}

type Verb = (session: Session<Data>, ref: SessionRef) => Promise<unknown>;

/** Each verb, what it gives for a live session, and what for none. */
const VERBS: Record<string, { act: Verb; live: (answer: unknown) => boolean; none: unknown }> = {
  get: {
    act: (session, ref) => session.get(ref),
    live: (data) => (data as Data).userId === "1",
    none: undefined,
  },
  "update with fields": {
    act: (session, ref) => session.update(ref, { n: 1 }),
    live: Boolean,
    none: false,
  },
  "update with a function": {
    act: (session, ref) => session.update(ref, () => ({ n: 1 })),
    live: Boolean,
    none: false,
  },
  delete: { act: (session, ref) => session.delete(ref), live: Boolean, none: false },
  rotate: { act: (session, ref) => session.rotate(ref), live: Boolean, none: undefined },
  reauthenticate: {
    act: (session, ref) => session.reauthenticate(ref),
    live: Boolean,
    none: undefined,
  },
  renew: { act: (session, ref) => session.renew(ref), live: Boolean, none: undefined },
  deadlines: { act: (session, ref) => session.deadlines(ref), live: Boolean, none: undefined },
  requireFresh: {
    act: (session, ref) =>
      session.requireFresh(ref, 60).then(
        () => true,
        (error: { code: string }) => error.code,
      ),
    live: (answer) => answer === true,
    none: "ERR_NOT_FRESH",
  },
  watch: {
    async act(session, ref) {
      const signal = session.watch(ref);
      // Two turns: a store behind a network answers in the first.
      for (let turn = 0; turn < 10 && !signal.aborted; turn++)
        await new Promise((resolve) => setImmediate(resolve));
      return !signal.aborted;
    },
    live: Boolean,
    none: false,
  },
  "list, current": {
    act: async (session, ref) =>
      (await session.list("1", { current: ref })).some(({ isCurrent }) => isCurrent),
    live: Boolean,
    none: false,
  },
  "revokeAll, except": {
    act: async (session, ref) => (
      await session.revokeAll("1", { except: ref }),
      (await session.list("1")).length === 1
    ),
    live: Boolean,
    none: false,
  },
};

describe("A request in the place of an id", () => {
  for (const answersAtOnce of [true, false]) {
    for (const [name, { act, live, none }] of Object.entries(VERBS)) {
      it(`means the session that fromRequest finds: ${name}, in a store ${answersAtOnce ? "with" : "without"} readSync`, async () => {
        const rows = [
          ["junk", "ID"],
          ["ID", "junk"],
          ["ended", "ID"],
          ["ID", "ended"],
          ["", "%", "ID"],
          ["ID", "ID"],
        ];
        for (const row of rows) {
          const { session } = setUp({}, answersAtOnce);
          const [id, ended] = [
            await session.create({ userId: "1" }),
            await session.create({ userId: "1" }),
          ];
          await session.delete(ended);
          const named = row.map((text) => text.replace("ID", id).replace("ended", ended));
          assert.ok(live(await act(session, withCookies(...named))), row.join());
        }
      });

      it(`means no session where there is none: ${name}, in a store ${answersAtOnce ? "with" : "without"} readSync`, async () => {
        const { session } = setUp({}, answersAtOnce);
        const ended = await session.create({ userId: "1" });
        await session.delete(ended);
        for (const req of [
          { headers: {} },
          withCookies("junk"),
          withCookies(ended),
          withCookies("junk", ended),
        ]) {
          assert.deepEqual(await act(session, req), none);
        }
      });

      it(`means the new id once the request has changed it: ${name}, in a store ${answersAtOnce ? "with" : "without"} readSync`, async () => {
        const changes: Record<
          string,
          (session: Session<Data>, req: { headers: { cookie: string } }) => Promise<unknown>
        > = {
          rotate: (session, req) => session.rotate(req),
          reauthenticate: (session, req) => session.reauthenticate(req),
          "rotation of its own": (session, req) => session.open(req).rotate(),
          "a sign-in of its own": (session, req) => session.open(req).login({ userId: "1" }),
        };
        for (const [change, run] of Object.entries(changes)) {
          const { session } = setUp({}, answersAtOnce);
          const req = withCookies("junk", await session.create({ userId: "1" }));
          await run(session, req);
          assert.ok(live(await act(session, req)), change);
          // The cookie that came is dead, and what has another request object is another request.
          if (name === "get")
            assert.equal(await session.fromRequest({ headers: { ...req.headers } }), undefined);
        }
      });
    }
  }

  it("means the renewed id within the request that renewed it", async () => {
    const { session, clock } = setUp({ renewEvery: 900 });
    const id = await session.create({ userId: "1" });
    clock.advance(900_000);
    const req = withCookies(id);
    const next = await session.renew(req);
    assert.notEqual(next, id);
    assert.equal(await session.renew(req), next);
    assert.equal((await session.list("1", { current: req }))[0]?.isCurrent, true);
  });

  it("is found out by its headers: an object of another kind names no session", async () => {
    const { session } = setUp();
    // What a parsed query can hold.
    for (const value of [{}, [], ["a"], { cookie: "a" }, null, 1])
      assert.equal(await session.get(value as never), undefined);
  });
});

describe("Session.delete", () => {
  it("ends every live session that the request's cookies name, whosever they are", async () => {
    const { session } = setUp();
    const ids = await Promise.all(["1", "1", "2"].map((userId) => session.create({ userId })));
    const visitor = await session.create({ n: 1 });
    assert.equal(await session.delete(withCookies("junk", ...ids, visitor)), true);
    for (const id of [...ids, visitor]) assert.equal(await session.get(id), undefined);
    assert.equal(await session.delete(withCookies(...ids)), false);
  });

  it("ends them also beyond what is read of one request", async () => {
    const { session } = setUp();
    const elsewhere = new Session<Data>();
    const planted = await Promise.all(
      Array.from({ length: 60 }, () => elsewhere.create({ userId: "m" })),
    );
    const id = await session.create({ userId: "1" });
    assert.equal(await session.delete(withCookies(...planted, id)), true);
    assert.equal(await session.get(id), undefined);
  });

  it("asks a store only which ids hold, and for the removal, where one cookie came", async () => {
    const { store, calls } = countCalls(new MemoryStore<Data>(), false);
    const session = new Session<Data>({ store });
    const id = await session.create({ userId: "1" });
    calls.length = 0;
    assert.equal(await session.delete(withCookies(id)), true);
    assert.deepEqual(calls, ["read", "remove"]);
  });

  it("takes the cookie back only after the store has ended all of them", async () => {
    const inner = new MemoryStore<Data>();
    let failing = 0;
    const store = new Proxy(inner, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name !== "remove") return typeof value === "function" ? value.bind(target) : value;
        return async (key: string) =>
          failing-- === 1 ? Promise.reject(new Error("down")) : target.remove(key);
      },
    });
    const session = new Session<Data>({ store });
    const [one, two] = [
      await session.create({ userId: "1" }),
      await session.create({ userId: "1" }),
    ];
    failing = 2;
    const headers = new Headers();
    await assert.rejects(session.delete(withCookies(one, two), headers), {
      code: "ERR_STORE_UNAVAILABLE",
    });
    assert.deepEqual(headers.getSetCookie(), []);
  });

  for (const framework of FRAMEWORKS) {
    it(`by id, as Harpia's page writes it, ends what the request of its response names: ${framework.name}`, async () => {
      const session = new Session<Data>();
      const routes: Routes = {
        async login() {},
        profile: async () => null,
        // What a program reads by itself: the first of the cookies with that name.
        logout: async (_req, res) => void (await session.delete("junk", res)),
        async late() {},
      };
      const running = await framework.serve(routes);
      try {
        const [id, other] = [
          await session.create({ userId: "1" }),
          await session.create({ userId: "1" }),
        ];
        const cookie = `session_id=junk; session_id=${other}; session_id=${id}`;
        const response = await fetch(`${running.url}/logout`, { headers: { cookie } });
        // A fetch Response alone does not know its request.
        const isKnown = framework.name !== "Hono 4, c.req.raw and c.res";
        const left = [await session.get(id), await session.get(other)];
        assert.deepEqual(
          left,
          isKnown ? [undefined, undefined] : [{ userId: "1" }, { userId: "1" }],
        );
        assert.equal(response.headers.getSetCookie().length, 1);
      } finally {
        await running.close();
      }
    });
  }
});
