// A sign-in over an own session where the user has as many as the cap allows.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryStore, Session } from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";

const requestOf = (id: string) => ({ headers: { cookie: `session_id=${id}` } });

describe("RequestSession.login at the cap", () => {
  const setUp = async (onLimit: "deny" | "evict-oldest") => {
    const clock = new ManualClock();
    const store = new MemoryStore({ clock });
    const session = new Session({ store, clock, maxPerUser: { limit: 2, onLimit } });
    const other = await session.create({ userId: "1" });
    clock.advance(1000);
    const own = await session.create({ userId: "1" });
    clock.advance(1000);
    return { clock, store, session, own, other, request: session.open(requestOf(own)) };
  };

  for (const onLimit of ["evict-oldest", "deny"] as const) {
    it(`signs in again without ending another device, or being refused (${onLimit})`, async () => {
      const { session, own, other, request } = await setUp(onLimit);
      await request.login({ userId: "1" });
      assert.deepEqual(
        [await session.get(own), await session.get(other)],
        [undefined, { userId: "1" }],
      );
      assert.equal((await session.list("1")).length, 2);
    });
  }

  it("counts a former session of somebody else as nobody's", async () => {
    const { session, other } = await setUp("evict-oldest");
    const request = session.open(requestOf(await session.create({ userId: "2" })));
    await request.login({ userId: "1" });
    assert.deepEqual(
      [
        (await session.list("1")).length,
        (await session.list("2")).length,
        await session.get(other),
      ],
      [2, 0, undefined],
    );
  });

  /** The former session ends, and somebody takes its place, when the new one has just begun. */
  function takeThePlace({ store, session, own, clock }: Awaited<ReturnType<typeof setUp>>): void {
    const create = store.create.bind(store);
    store.create = async (...given) => {
      store.create = create;
      await session.delete(own);
      await session.create({ userId: "1" });
      clock.advance(1000);
      return create(...given);
    };
  }

  it("keeps the cap where the former session had made way to another: the oldest ends, and it is told", async () => {
    const setting = await setUp("evict-oldest");
    takeThePlace(setting);
    const ended: string[] = [];
    setting.session.on("ended", ({ reason }) => ended.push(reason));
    await setting.request.login({ userId: "1" });
    assert.deepEqual(
      [(await setting.session.list("1")).length, await setting.session.get(setting.other)],
      [2, undefined],
    );
    assert.deepEqual(ended.sort(), ["evicted", "logout"]);
  });

  it("keeps the cap where two requests sign in again over one session at once", async () => {
    const { session, own, request } = await setUp("evict-oldest");
    await Promise.all([
      request.login({ userId: "1" }),
      session.open(requestOf(own)).login({ userId: "1" }),
    ]);
    assert.deepEqual([(await session.list("1")).length, await session.get(own)], [2, undefined]);
  });

  it("refuses there where the cap denies, and ends nothing but the new session", async () => {
    const setting = await setUp("deny");
    takeThePlace(setting);
    await assert.rejects(setting.request.login({ userId: "1" }), { code: "ERR_TOO_MANY_SESSIONS" });
    assert.deepEqual(
      [(await setting.session.list("1")).length, await setting.session.get(setting.other)],
      [2, { userId: "1" }],
    );
    // Nor does the response carry an id that finds nothing.
    const res = new Headers();
    setting.request.writeTo(res);
    assert.deepEqual(res.getSetCookie(), []);
  });
});
