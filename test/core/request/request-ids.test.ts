// Calls of one request that change its session's id, while others of the same request are under
// way: the response carries the id of the session that lives, and no other one is left behind.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryStore, type RequestSession, Session } from "../../../src/session.ts";
import { pauseCalls } from "../../support/pausing-store.ts";

interface Data {
  userId?: string;
  n?: number;
}

type Own = RequestSession<Data>;

async function setUp() {
  const { store, pause } = pauseCalls(new MemoryStore<Data>());
  const session = new Session<Data>({ store });
  const own = session.open({
    headers: { cookie: `session_id=${await session.create({ userId: "a" })}` },
  });
  await own.data;
  /**
   * Begins one, stops it at a call of the store, and begins the other.
   *
   * @returns what became of both.
   */
  const together = async (
    one: (own: Own) => Promise<unknown>,
    at: string,
    when: "before" | "after",
    other: (own: Own) => Promise<unknown>,
  ) => {
    const { reached, go } = pause(at, when);
    const first = one(own);
    await reached;
    const second = other(own);
    // As far as it comes without the first.
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    go();
    return (await Promise.allSettled([first, second])).map(({ status }) => status);
  };
  /** What the response's cookie finds, and all that there is. */
  const left = async (): Promise<{ cookies: number; found: Data | undefined; all: Data[] }> => {
    const res = new Headers();
    own.writeTo(res);
    const [line, ...more] = res.getSetCookie();
    const found = await session.get(line?.slice("session_id=".length).split(";")[0] || undefined);
    return {
      cookies: (line ? 1 : 0) + more.length,
      found,
      all: (await session.all.scan()).sessions.map(({ data }) => data),
    };
  };
  return { own, together, left };
}

describe("RequestSession, ids", () => {
  it("rotates twice at once, and the response carries the id that holds", async () => {
    const { together, left } = await setUp();
    await together(
      (own) => own.rotate(),
      "move",
      "before",
      (own) => own.rotate(),
    );
    assert.deepEqual(await left(), { cookies: 1, found: { userId: "a" }, all: [{ userId: "a" }] });
  });

  it("writes a change while it rotates, and loses neither", async () => {
    const { own, together, left } = await setUp();
    own.set("n", 1);
    await together(
      (own) => own.rotate(),
      "move",
      "after",
      (own) => own.commit(),
    );
    assert.deepEqual(await left(), {
      cookies: 1,
      found: { userId: "a", n: 1 },
      all: [{ userId: "a", n: 1 }],
    });
  });

  it("signs in twice at once, and one session is left", async () => {
    const { together, left } = await setUp();
    await together(
      (own) => own.login({ userId: "b" }),
      "create",
      "after",
      (own) => own.login({ userId: "c" }),
    );
    assert.deepEqual(await left(), { cookies: 1, found: { userId: "c" }, all: [{ userId: "c" }] });
  });

  it("signs in while it rotates, and the former session is left under no id", async () => {
    const { together, left } = await setUp();
    await together(
      (own) => own.rotate(),
      "move",
      "after",
      (own) => own.login({ userId: "b" }),
    );
    assert.deepEqual(await left(), { cookies: 1, found: { userId: "b" }, all: [{ userId: "b" }] });
  });

  for (const when of ["before", "after"] as const) {
    it(`destroys the session while it rotates, ${when} the store has moved it, and it is left under no id`, async () => {
      const { together, left } = await setUp();
      const outcomes = await together(
        (own) => own.rotate(),
        "move",
        when,
        (own) => own.destroy(),
      );
      assert.equal(outcomes[1], "fulfilled");
      // The cookie that takes it back.
      assert.deepEqual(await left(), { cookies: 1, found: undefined, all: [] });
    });
  }

  it("destroys the session in the moment in which it has another id, and it is left under none", async () => {
    const { together, left } = await setUp();
    await together(
      (own) => own.destroy(),
      "remove",
      "before",
      (own) => own.rotate(),
    );
    assert.deepEqual(await left(), { cookies: 1, found: undefined, all: [] });
  });

  it("takes the cookie back where a change was being written as it was destroyed", async () => {
    const { own, together, left } = await setUp();
    own.set("n", 1);
    await together(
      (own) => own.commit(),
      "patch",
      "before",
      (own) => own.destroy(),
    );
    assert.deepEqual(await left(), { cookies: 1, found: undefined, all: [] });
  });
});
