// A visitor is nobody: a session without a user passes no gate, shows no field of the library's
// own, and needs no schema of those who have signed in.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as v from "valibot";
import { csrfToken, isCsrfToken } from "../../../src/csrf.ts";
import {
  HarpiaError,
  MemoryStore,
  type RequestSession,
  Session,
  type SessionOptions,
} from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";

interface Data {
  userId: string;
  cart?: string[];
  n?: number;
}

/** A browser: it keeps the cookie, and each visit is a request of its own. */
class Browser {
  id: string | undefined;

  async visit<T>(
    session: Session<Data>,
    use: (own: RequestSession<Data>) => T | Promise<T>,
  ): Promise<T> {
    const own = session.open(this.request);
    const result = await use(own);
    await own.commit();
    const headers = new Headers();
    own.writeTo(headers);
    const value = headers.getSetCookie()[0]?.slice("session_id=".length).split(";")[0];
    if (value !== undefined) this.id = value || undefined;
    return result;
  }

  get request(): { headers: { cookie?: string } } {
    return { headers: this.id === undefined ? {} : { cookie: `session_id=${this.id}` } };
  }
}

/** Every first thing that begins a visitor's session, and what the visitor sees of it. */
const BEGINNINGS: Record<
  string,
  { act: (own: RequestSession<Data>) => unknown; data: object | undefined }
> = {
  flash: { act: (own) => own.flash("notice", "Wrong password"), data: undefined },
  csrfToken: { act: (own) => csrfToken(own), data: undefined },
  set: { act: (own) => own.set("cart", ["book"]), data: { cart: ["book"] } },
  "update with fields": { act: (own) => own.update({ n: 1 }), data: { n: 1 } },
  "update with a function": {
    act: (own) => own.update(({ n = 0 }) => ({ n: n + 1 })),
    data: { n: 1 },
  },
  setHidden: { act: (own) => own.setHidden("csrf:secret", "text"), data: undefined },
};

describe("A visitor's session", () => {
  const literal = (): SessionOptions<Data>["store"] => {
    const kept = new Map<string, string>();
    return {
      get: async (id) => (kept.has(id) ? (JSON.parse(kept.get(id) ?? "") as Data) : undefined),
      set: async (id, data) => void kept.set(id, JSON.stringify(data)),
      delete: async (id) => void kept.delete(id),
    };
  };
  for (const [where, storeOf] of [
    ["a MemoryStore", () => new MemoryStore<Data>()],
    ["a three-method store", literal],
  ] as const) {
    for (const [name, { act, data }] of Object.entries(BEGINNINGS)) {
      it(`passes no gate, and shows nothing of ours, after ${name}, in ${where}`, async () => {
        const session = new Session<Data>({ store: storeOf() });
        const browser = new Browser();
        await browser.visit(session, act);
        assert.ok(browser.id);
        for (let visits = 0; visits < 2; visits++) {
          await browser.visit(session, async (own) => {
            assert.equal(await own.user, undefined);
            await assert.rejects(own.requireUser(), {
              code: "ERR_NOT_SIGNED_IN",
              status: 401,
              statusCode: 401,
            });
            assert.deepEqual(await own.data, data);
            assert.deepEqual(await own.peek(), data);
            assert.deepEqual(await own.list(), []);
            assert.equal(await own.revokeOthers(), 0);
          });
          assert.equal(await session.userFromRequest(browser.request), undefined);
          assert.deepEqual(await session.fromRequest(browser.request), data);
          assert.deepEqual(await session.get(browser.id), data);
          // With the message gone nothing is left that could be taken for data.
          await browser.visit(session, (own) => own.takeFlash("notice"));
        }
        await browser.visit(session, (own) => own.login({ userId: "1" }));
        await browser.visit(session, async (own) => {
          assert.deepEqual(await own.user, { userId: "1" });
          assert.deepEqual(await own.requireUser(), { userId: "1" });
        });
        assert.deepEqual(await session.userFromRequest(browser.request), { userId: "1" });
      });
    }
  }

  it("is nobody's by the option user, whatever it is called", async () => {
    for (const user of ["account", (data: { account?: string }) => data.account] as const) {
      const session = new Session<{ account?: string; n?: number }>({ user });
      const cookie = (id: string): { headers: { cookie: string } } => ({
        headers: { cookie: `session_id=${id}` },
      });
      assert.deepEqual(
        await session.userFromRequest(cookie(await session.create({ account: "a" }))),
        { account: "a" },
      );
      assert.equal(
        await session.userFromRequest(cookie(await session.create({ n: 1 }))),
        undefined,
      );
      assert.equal(
        await session.userFromRequest(cookie(await session.create({ account: "" }))),
        undefined,
      );
    }
  });

  it("is begun once by two exact updates at once, and loses neither", async () => {
    const session = new Session<Data>();
    const browser = new Browser();
    await browser.visit(session, (own) =>
      Promise.all(Array.from({ length: 5 }, () => own.update(({ n = 0 }) => ({ n: n + 1 })))),
    );
    assert.deepEqual(await session.get(browser.id), { n: 5 });
    assert.equal((await session.all.scan()).sessions.length, 1);
  });
});

describe("Fields of the library's own", () => {
  const NAMES = ["flash:notice", "flash:", "csrf:secret", "harpiats:visitor"];

  it("are in nobody's data: get, fromRequest, updates with a function, lists of operators", async () => {
    const session = new Session<Data>();
    const browser = new Browser();
    await browser.visit(session, (own) => own.login({ userId: "1" }));
    await browser.visit(session, async (own) => (own.flash("notice", "x"), await csrfToken(own)));
    const seen: unknown[] = [
      await session.get(browser.id),
      await session.fromRequest(browser.request),
    ];
    seen.push(await session.userFromRequest(browser.request));
    await session.update(browser.id, (data) => void seen.push(data));
    await browser.visit(
      session,
      async (own) => (
        seen.push(await own.data, await own.user),
        own.update((data) => void seen.push(data))
      ),
    );
    seen.push(
      (await session.all.scan()).sessions[0]?.data,
      (await session.all.ofUser("1"))[0]?.data,
    );
    const [handle = ""] = (await session.list("1")).map((one) => one.handle);
    seen.push((await session.all.find(handle))?.data);
    for (const data of seen) assert.deepEqual(data, { userId: "1" });
  });

  it("are refused from callers, and nothing is written", async () => {
    const session = new Session<Record<string, unknown>>();
    const id = await session.create({ userId: "1" });
    for (const name of NAMES) {
      // As `update(id, req.body)` does.
      const body = JSON.parse(`{"userId":"1","${name}":"short"}`) as Record<string, unknown>;
      const own = session.open({ headers: { cookie: `session_id=${id}` } });
      await assert.rejects(session.create(body), TypeError);
      await assert.rejects(session.update(id, body), TypeError);
      await assert.rejects(session.update(id, { [name]: undefined }), TypeError);
      await assert.rejects(
        session.update(id, () => body),
        TypeError,
      );
      await assert.rejects(own.login(body), TypeError);
      await assert.rejects(own.update(body), TypeError);
      await assert.rejects(
        own.update(() => body),
        TypeError,
      );
      assert.throws(() => own.set(name, 1), TypeError);
      assert.throws(() => own.unset(name), TypeError);
    }
    assert.deepEqual(await session.get(id), { userId: "1" });
    // What only looks like one is a field as any other.
    for (const name of ["flash", "csrf", "csrf:other", "a:b", "Flash:x"])
      assert.equal(await session.update(id, { [name]: 1 }), true);
  });

  it("are judged as texts of ours: a secret that is none is no token, and never an error", async () => {
    const session = new Session<Record<string, unknown>>();
    for (const secret of ["short", "", 1, null, {}, "A".repeat(200)]) {
      const own = session.open({ headers: {} });
      own.setHidden("csrf:secret", secret);
      assert.equal(await isCsrfToken(own, "A".repeat(86)), false);
    }
  });
});

describe("A schema", () => {
  const base = { userId: v.string(), n: v.number() };
  const Older = v.object(base);
  const Newer = v.object({
    ...base,
    cart: v.optional(v.array(v.string())),
    plan: v.optional(v.string(), "free"),
  });

  it("of an older release loses no field of a newer one, whatever changes", async () => {
    const store = new MemoryStore<v.InferOutput<typeof Newer>>();
    const newer = new Session({ store, schema: Newer });
    const older = new Session({ store: store as never, schema: Older });
    const id = await newer.create({ userId: "1", n: 0, cart: ["book"] });
    const whole = { userId: "1", n: 0, cart: ["book"], plan: "free" };
    assert.equal(await older.update(id, { n: 1 }), true);
    assert.equal(await older.update(id, (data) => ({ ...data, n: data.n + 1 })), true);
    const own = older.open({ headers: { cookie: `session_id=${id}` } });
    own.set("n", 3);
    await own.commit();
    own.flash("notice", "x");
    await own.commit();
    assert.deepEqual(await newer.get(id), { ...whole, n: 3 });
  });

  it("adds defaults that were missing, and refuses what it refuses of a named field", async () => {
    const store = new MemoryStore<v.InferOutput<typeof Newer>>();
    const id = await new Session({ store: store as never, schema: Older }).create({
      userId: "1",
      n: 0,
    });
    const session = new Session({ store, schema: Newer });
    await assert.rejects(session.update(id, { n: "x" as never }), { code: "ERR_DATA_INVALID" });
    await assert.rejects(session.update(id, { n: undefined }), { code: "ERR_DATA_INVALID" });
    assert.equal(await session.update(id, { n: 1 }), true);
    assert.deepEqual(await session.get(id), { userId: "1", n: 1, plan: "free" });
  });

  it("with a newly required field fails no request that touches no such field", async () => {
    const store = new MemoryStore<{ userId: string; n: number }>();
    const id = await new Session({ store, schema: Older }).create({ userId: "1", n: 0 });
    const session = new Session({
      store: store as never,
      schema: v.object({ ...base, plan: v.string() }),
    });
    assert.equal(await session.update(id, { n: 1 }), true);
    assert.equal(await session.update(id, ({ n }) => ({ n: n + 1 })), true);
    await assert.rejects(session.update(id, { plan: 1 as never }), { code: "ERR_DATA_INVALID" });
    assert.deepEqual(await session.get(id), { userId: "1", n: 2 });
  });

  it("judges the whole: a rule between two fields holds for a change of one", async () => {
    const schema = v.pipe(
      v.object({ userId: v.string(), from: v.number(), to: v.number() }),
      v.check(({ from, to }) => from <= to),
    );
    const session = new Session({ schema });
    const id = await session.create({ userId: "1", from: 1, to: 2 });
    await assert.rejects(session.update(id, { from: 3 }), { code: "ERR_DATA_INVALID" });
    assert.equal(await session.update(id, { from: 3, to: 4 }), true);
  });

  it("does not miss in a visitor's session what only those have who signed in", async () => {
    const session = new Session({ schema: Newer });
    const acts: ((own: ReturnType<typeof session.open>) => void | Promise<unknown>)[] = [
      (own) => own.flash("notice", "Wrong password"),
      (own) => csrfToken(own),
      (own) => own.set("cart", ["book"]),
      (own) => own.update(() => ({ cart: ["book"] })),
    ];
    for (const act of acts) {
      const own = session.open({ headers: {} });
      await act(own);
      await own.commit();
      assert.equal(await own.user, undefined);
      assert.ok(await own.handle);
    }
    const own = session.open({ headers: {} });
    own.set("cart", "book" as never);
    await assert.rejects(own.commit(), { code: "ERR_DATA_INVALID" });
    // What is handed to create is whole.
    await assert.rejects(session.create({ n: 1 } as never), { code: "ERR_DATA_INVALID" });
  });

  it("of visitors judges theirs, at the beginning and afterwards", async () => {
    const session = new Session({
      schema: Newer,
      visitorSchema: v.object({ cart: v.array(v.string()) }),
    });
    const own = session.open({ headers: {} });
    own.set("n", 1);
    await assert.rejects(own.commit(), { code: "ERR_DATA_INVALID" });
    own.set("cart", ["book"]);
    await own.commit();
    own.set("cart", 1 as never);
    await assert.rejects(own.commit(), { code: "ERR_DATA_INVALID" });
    assert.deepEqual(await own.reload(), { cart: ["book"] });
    assert.throws(() => new Session({ visitorSchema: {} as never }), TypeError);
  });
});

describe("Looking at a session", () => {
  const WAYS: Record<string, (own: RequestSession<Data>) => unknown> = {
    deadlines: (own) => own.deadlines,
    watch: (own) => own.watch(AbortSignal.timeout(0)),
    peek: (own) => own.peek(),
    handle: (own) => own.handle,
  };
  for (const [name, look] of Object.entries(WAYS)) {
    it(`is no activity: ${name}`, async () => {
      const clock = new ManualClock();
      const session = new Session<Data>({
        clock,
        store: new MemoryStore({ clock }),
        idleTimeout: 900,
      });
      const id = await session.create({ userId: "1" });
      for (let n = 0; n < 10; n++) {
        clock.advance(89_000);
        await look(session.open({ headers: { cookie: `session_id=${id}` } }));
      }
      assert.ok(await session.get(id));
      clock.advance(20_000);
      assert.equal(await session.get(id), undefined);
    });
  }

  it("and then reading it in the same request is", async () => {
    const clock = new ManualClock();
    const session = new Session<Data>({
      clock,
      store: new MemoryStore({ clock }),
      idleTimeout: 900,
    });
    const id = await session.create({ userId: "1" });
    for (let n = 0; n < 10; n++) {
      clock.advance(600_000);
      const own = session.open({ headers: { cookie: `session_id=${id}` } });
      assert.ok(await own.deadlines);
      assert.ok(await own.data);
    }
    assert.ok(await session.get(id));
  });
});

describe("What is set after the commit", () => {
  it("of a session that there is, is written by itself", async () => {
    const session = new Session<Data>();
    const id = await session.create({ userId: "1" });
    const own = session.open({ headers: { cookie: `session_id=${id}` } });
    await own.data;
    await own.commit();
    own.writeTo(new Headers());
    own.seal();
    own.set("n", 1);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(await session.get(id), { userId: "1", n: 1 });
  });

  it("and would need a cookie, is told", async () => {
    const session = new Session<Data>();
    const told = new Promise<Error>((resolve) =>
      session.on("error", ({ error }) => resolve(error)),
    );
    const own = session.open({ headers: {} });
    own.seal();
    own.set("n", 1);
    const error = await told;
    assert.ok(error instanceof HarpiaError);
    assert.equal(error.code, "ERR_HEADERS_SENT");
  });
});
