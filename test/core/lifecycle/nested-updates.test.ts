// Updates that would wait for themselves.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Session } from "../../../src/session.ts";

interface Visitor {
  count?: number;
}

describe("update", () => {
  it("refuses an update inside of the function of another one of the same session, at once, and goes on", async () => {
    const session = new Session<Visitor>();
    const [id, other] = [await session.create({ count: 1 }), await session.create({ count: 1 })];
    const nested = { code: "ERR_NESTED_UPDATE" };
    await assert.rejects(
      session.update(id, () => session.update(id, () => ({ count: 2 })).then(() => ({}))),
      nested,
    );
    await assert.rejects(
      session.update(id, () => session.update(id, { count: 2 }).then(() => ({}))),
      nested,
    );
    const own = session.open({ headers: { cookie: `session_id=${id}` } });
    own.flash("notice", "saved");
    await own.commit();
    await assert.rejects(
      own.update(() => own.takeFlash("notice").then(() => ({}))),
      nested,
    );
    await assert.rejects(
      own.update(() => own.update(() => ({})).then(() => ({}))),
      nested,
    );
    const isUpdated = await session.update(id, async () => {
      await session.update(other, () => ({ count: 3 }));
      return { count: 4 };
    });
    assert.deepEqual(
      [isUpdated, (await session.get(id))?.count, (await session.get(other))?.count],
      [true, 4, 3],
    );
    assert.equal(
      await session.open({ headers: { cookie: `session_id=${id}` } }).takeFlash("notice"),
      "saved",
    );
  });
});
