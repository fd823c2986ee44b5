// What code for other libraries does to `req.session`: an error that names the call, in sloppy mode
// too, and nothing that one request could leave for another.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { runInThisContext } from "node:vm";
import { nextSession } from "../../../src/adapters/next.ts";
import { Session } from "../../../src/session.ts";

interface Data {
  userId: string;
  n?: number;
}

/** Plain JavaScript without "use strict", as most middleware still is. */
const sloppy = (code: string): ((session: unknown) => unknown) =>
  runInThisContext(`(function (session) { ${code} })`) as (session: unknown) => unknown;

const MISUSES: Record<string, RegExp> = {
  "session.userId = 'x'": /session\.set\("userId"/,
  "session.cart = []": /session\.set\("cart"/,
  "delete session.userId": /session\.unset\("userId"\).*session\.destroy\(\)/,
  "delete session.cart": /session\.unset\("cart"\)/,
  "session.flash = session.flash || {}": /session\.flash/,
  "session.get = null": /session\.get/,
  "delete session.destroy": /session\.destroy/,
  "session.user = { id: 1 }": /session\.user/,
  "session.__proto__ = {}": /./,
  "Object.defineProperty(session, 'cart', { value: 1 })": /session\.set\("cart"/,
  "Object.assign(session, { cart: 1 })": /session\.set\("cart"/,
  "session.destroy(function () {})": /await session\.destroy\(\)/,
  "session.reload(function () {})": /await session\.reload\(\)/,
  "session.commit(function () {})": /await session\.commit\(\)/,
  "session.save()": /commit\(\)/,
  "session.regenerate(function () {})": /login\(data\)/,
  "session.touch()": /activity/,
  "session.cookie.maxAge = 1": /deadlines/,
  "String(session.id)": /session\.handle/,
};

describe("A request's session", () => {
  for (const [code, message] of Object.entries(MISUSES)) {
    it(`is closed to: ${code}`, async () => {
      const session = new Session<Data>();
      const id = await session.create({ userId: "ada", n: 1 });
      const cookies = { get: () => ({ value: id }), set: () => {} };
      for (const own of [
        session.open({ headers: { cookie: `session_id=${id}` } }),
        await nextSession(session, cookies),
      ]) {
        assert.throws(
          () => sloppy(code)(own),
          (error: Error) => error instanceof TypeError && message.test(error.message),
        );
        assert.deepEqual(await own.data, { userId: "ada", n: 1 });
        assert.equal(await own.get("userId"), "ada");
      }
    });
  }

  it("shares nothing that can be written with another request's", async () => {
    const session = new Session<Data>();
    const [one, other] = [session.open({ headers: {} }), session.open({ headers: {} })];
    for (let at: object | null = one; at; at = Object.getPrototypeOf(at) as object | null) {
      if (at === Object.prototype) break;
      for (const name of Reflect.ownKeys(at)) {
        const { value } = Object.getOwnPropertyDescriptor(at, name) ?? {};
        if (typeof value === "function") assert.ok(Object.isFrozen(value), String(name));
      }
    }
    sloppy("session.flash.info = 'for Ada only'; session.constructor.info = 'x'")(one);
    assert.equal(Reflect.get(other.flash, "info"), undefined);
    assert.equal(Reflect.get(other.constructor, "info"), undefined);
  });

  it("reads an unknown property as undefined, and can be awaited, inspected and written as JSON", async () => {
    const session = new Session<Data>();
    const own = session.open({ headers: {} });
    for (const name of ["passport", "returnTo", "then", "toJSON", "userId"])
      assert.equal(Reflect.get(own, name), undefined);
    assert.equal(await (async () => own)(), own);
    assert.equal(inspect(own), "RequestSession {}");
    assert.equal(JSON.stringify({ session: own }), '{"session":{}}');
  });
});
