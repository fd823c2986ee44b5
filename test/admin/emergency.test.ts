// The pages in a hurry: what ends sessions is at hand, and the numbers say what they mean.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Session } from "../../src/session.ts";
import { ManualClock } from "../../src/testing.ts";
import { type Data, get, handleOf, serve } from "./serve.ts";

describe("the admin pages in a hurry", () => {
  it("has the buttons for an emergency at the top, with a number of whom they concern", async (t) => {
    const { session, browser } = await serve(t);
    for (const userId of ["Ada", "Ada", "Grace"]) await session.create({ userId });
    const user = await get(browser, "/admin/user?id=Ada");
    const isBefore = (html: string, one: string, other: string): boolean =>
      html.includes(one) && html.includes(other) && html.indexOf(one) < html.indexOf(other);
    assert.ok(isBefore(user, 'action="/admin/end-user"', '<ul class="sessions'));
    assert.match(user, /data-confirm="End all sessions of Ada, 2 at present\?/);
    const handle = await handleOf(session, "Ada");
    const one = await get(browser, `/admin/session?handle=${handle}`);
    assert.ok(isBefore(one, 'action="/admin/end"', '<dl class="facts"'));
    const overview = await get(browser, "/admin/");
    assert.ok(isBefore(overview, 'href="/admin/end-everything">End everything…', "charts"));
    assert.match(await get(browser, "/admin/end-everything"), /All sessions, 3 at present,/);
  });

  it("says when a session ends as people count: one of a day that begins ends in 24 hours", async (t) => {
    const clock = new ManualClock();
    const session = new Session<Data>({ clock, idleTimeout: 86_400, absoluteTimeout: 86_400 });
    const { browser } = await serve(t, { clock }, session);
    await session.create({ userId: "Ada" });
    clock.advance(900);
    assert.match(
      await get(browser, "/admin/user?id=Ada"),
      /<dt>Ends<\/dt><dd><time[^>]*>in 24 hours</,
    );
  });

  it("does not count what it asks of the store itself", async (t) => {
    const { browser } = await serve(t);
    for (let times = 0; times < 3; times++) await get(browser, "/admin/sessions");
    assert.doesNotMatch(await get(browser, "/admin/"), /MemoryStore\.scan/);
  });
});
