// The same sign-in, visit and sign-out through every framework, over real HTTP.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Cookies, HarpiaError, Session } from "../../../src/session.ts";
import { FRAMEWORKS, type Running } from "../../support/frameworks.ts";
import { until } from "../../support/waits.ts";

const COOKIE = /^session_id=([\w-]{32}); Path=\/; HttpOnly; Secure; SameSite=Lax$/;

for (const framework of FRAMEWORKS) {
  describe(`Session on ${framework.name}`, () => {
    const session = new Session<{ userId: string; visits?: number }>();
    const failures: unknown[] = [];
    let running: Running | undefined;

    before(async () => {
      running = await framework.serve({
        async login(req, res) {
          session.setCookie(res, await session.create({ userId: "of no use" }), { maxAge: 5 });
          session.setCookie(res, await session.create({ userId: "123" }));
          // The cookie that is being set is not the one that came.
          assert.equal(await session.fromRequest(req), undefined);
        },
        profile: (req) => session.fromRequest(req),
        async logout(req, res) {
          await session.delete(new Cookies(req).get("session_id"), res);
        },
        async late(_req, res) {
          const id = await session.create({ userId: "123" });
          try {
            session.setCookie(res, id);
            failures.push(undefined);
          } catch (error) {
            failures.push(error);
          }
        },
      });
    });

    after(() => running?.close());

    function get(path: string, cookie?: string): Promise<Response> {
      return fetch(`${running?.url}${path}`, { headers: cookie === undefined ? {} : { cookie } });
    }

    it("sets one cookie of ours among the application's, and lets no cache keep it", async () => {
      const response = await get("/login");
      assert.equal(response.status, 200);
      const [theme, lang, ...ours] = response.headers
        .getSetCookie()
        .sort((a, b) => Number(a.startsWith("session_id=")) - Number(b.startsWith("session_id=")));
      assert.equal(theme, "theme=dark");
      assert.equal(lang, "lang=en; Path=/");
      assert.equal(ours.length, 1);
      assert.match(ours[0] as string, COOKIE);
      assert.equal(response.headers.get("cache-control"), "no-store");
      assert.deepEqual(await response.json(), { done: true });
    });

    it("knows the visitor by the cookie, alone, among others and not without it", async () => {
      const id = COOKIE.exec(
        (await get("/login")).headers
          .getSetCookie()
          .find((line) => line.startsWith("session_id=")) ?? "",
      )?.[1];
      for (const cookie of [
        `session_id=${id}`,
        `a=1; session_id=${id}; b=2`,
        `session_id=malformed; session_id=${id}`,
      ]) {
        assert.deepEqual(await (await get("/profile", cookie)).json(), { userId: "123" }, cookie);
      }
      for (const cookie of [
        undefined,
        "a=1",
        "session_id=malformed",
        `Session_id=${id}`,
        `session_id=${"A".repeat(32)}`,
      ]) {
        const response = await get("/profile", cookie);
        assert.equal(response.status, 200);
        assert.equal(await response.json(), null, cookie);
        assert.deepEqual(response.headers.getSetCookie(), []);
      }
    });

    it("takes the cookie back on the way out", async () => {
      const sent = await session.create({ userId: "123" });
      const response = await get("/logout", `session_id=${sent}`);
      assert.deepEqual(response.headers.getSetCookie(), [
        "session_id=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax",
      ]);
      assert.equal(response.headers.get("cache-control"), "no-store");
      assert.equal(await (await get("/profile", `session_id=${sent}`)).json(), null);
    });

    // A fetch response does not know its request: there the request is given.
    if (!framework.name.endsWith("c.res")) {
      it("ends what all cookies of the response's request name, although the id is a stale one's", async () => {
        const [one, other] = [
          await session.create({ userId: "123" }),
          await session.create({ userId: "123" }),
        ];
        await get("/logout", `session_id=stale; session_id=${one}; session_id=${other}`);
        assert.deepEqual(
          [await session.get(one), await session.get(other)],
          [undefined, undefined],
        );
      });
    }

    if (framework.canBeLate) {
      it("says so when the headers have been sent", async () => {
        await (await get("/late")).text();
        await until("the failure to be told", () => failures.length > 0);
        const [error] = failures;
        assert.ok(error instanceof HarpiaError, String(error));
        assert.equal(error.code, "ERR_HEADERS_SENT");
      });
    }
  });
}
