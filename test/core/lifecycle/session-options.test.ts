// The options of a Session: each mistake is found at construction and says what was given and what
// is wanted.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  MemoryStore,
  Session,
  type SessionOptions,
  type Store,
  toSessionStore,
} from "../../../src/session.ts";

const plain: Store<object> = {
  get: async () => undefined,
  set: async () => {},
  delete: async () => {},
};

function assertRefused(options: unknown, name: "TypeError" | "RangeError", message: RegExp): void {
  assert.throws(() => new Session(options as SessionOptions<object>), { name, message });
}

describe("new Session", () => {
  it("takes nothing, an empty object, and options that are undefined", () => {
    assert.equal(new Session().cookieName, "session_id");
    assert.equal(new Session({}).cookieName, "session_id");
    assert.equal(
      new Session({
        store: undefined,
        cookieName: undefined,
        cookie: undefined,
        schema: undefined,
        user: undefined,
        clock: undefined,
        maxPerUser: undefined,
      }).cookieName,
      "session_id",
    );
    assert.equal(new Session({ cookieName: "my_custom_cookie" }).cookieName, "my_custom_cookie");
  });

  it("refuses what is no object", () => {
    for (const [options, kind] of [
      [null, "null"],
      [1, "a number"],
      ["session_id", "a string"],
    ] as const) {
      assertRefused(
        options,
        "TypeError",
        new RegExp(`^Cannot make a Session: options is ${kind}, an object is wanted$`),
      );
    }
  });

  it("refuses an option that it does not know, and names those it knows", () => {
    assertRefused(
      { secret: "x" },
      "TypeError",
      /^Cannot make a Session: there is no option secret, there are store, cookieName, /,
    );
    assertRefused({ maxage: 1, ttl: 2 }, "TypeError", /there is no option maxage, ttl,/);
  });

  it("refuses what is no store, and null above all: it must not become memory in silence", () => {
    assertRefused(
      { store: null },
      "TypeError",
      /^Cannot use option store: it is null, a store is wanted/,
    );
    for (const store of [{}, 1, "redis", [], () => undefined])
      assertRefused(
        { store },
        "TypeError",
        /^Cannot use this store: it has no get\(\), an object with get, set and delete is wanted$/,
      );
    assertRefused({ store: { ...plain, set: 1 } }, "TypeError", /it has no set\(\)/);
    assertRefused({ store: { ...plain, delete: undefined } }, "TypeError", /it has no delete\(\)/);
  });

  it("refuses names and attributes of a cookie that cannot be", () => {
    for (const cookieName of ["", "a b", "é", 1])
      assertRefused({ cookieName }, "TypeError", /^Cannot use this cookie name: /);
    for (const [cookie, kind] of [
      [1, "a number"],
      ["lax", "a string"],
      [null, "null"],
    ] as const)
      assertRefused(
        { cookie },
        "TypeError",
        new RegExp(`^Cannot use option cookie: it is ${kind}, an object is wanted$`),
      );
    assertRefused(
      { cookie: { path: "app" } },
      "TypeError",
      /^Cannot use cookie session_id: path does not begin with \/$/,
    );
  });

  it("refuses a user that is neither a field nor a function", () => {
    for (const [user, kind] of [
      [1, "a number"],
      [null, "null"],
      [["userId"], "an array"],
    ] as const) {
      assertRefused(
        { user },
        "TypeError",
        new RegExp(
          `^Cannot use option user: it is ${kind}, a field's name or a function is wanted$`,
        ),
      );
    }
  });

  it("refuses what is no Standard Schema", () => {
    for (const schema of [null, {}, 1, () => true, { "~standard": {} }, { parse: () => 1 }])
      assertRefused(
        { schema },
        "TypeError",
        /^Invalid option schema: got no ~standard.validate, expected a Standard Schema$/,
      );
  });

  it("refuses what is no clock and no source of randomness", () => {
    for (const clock of [null, {}, 1, { now: () => 1 }, Date])
      assertRefused(
        { clock },
        "TypeError",
        /^Cannot use option clock: it has no now\(\) and schedule\(\), a Clock is wanted$/,
      );
    for (const [randomFill, kind] of [
      [null, "null"],
      [{}, "an object"],
    ] as const)
      assertRefused(
        { randomFill },
        "TypeError",
        new RegExp(`^Cannot use option randomFill: it is ${kind}, a function is wanted$`),
      );
  });

  it("refuses a storeTimeout that is no time", () => {
    for (const storeTimeout of [0, -1, Number.NaN, Infinity, 86_401, "5", null, true])
      assertRefused(
        { storeTimeout },
        "RangeError",
        /^Cannot use storeTimeout .*: seconds above 0, up to a day, or false are wanted$/,
      );
    for (const storeTimeout of [0.001, 86_400, false] as const)
      assert.ok(new Session({ storeTimeout }));
  });

  it("refuses an idle limit, a throttle of one and a cap on a store that can keep none, and names the way out", () => {
    for (const store of [plain, toSessionStore(plain)]) {
      assertRefused(
        { store, idleTimeout: 60 },
        "TypeError",
        /^Cannot keep an idle limit: the store has only get, set and delete, a SessionStore \(.*\) or idleTimeout: false is wanted$/,
      );
      assertRefused(
        { store, maxPerUser: { limit: 1, onLimit: "deny" } },
        "TypeError",
        /^Cannot use maxPerUser: the store has only get, set and delete, a SessionStore \(.*\) is wanted$/,
      );
      assert.ok(new Session({ store, idleTimeout: false }));
      assert.ok(new Session({ store }));
    }
  });

  it("refuses a cap without a whole limit and without a policy (V7.1.2)", () => {
    for (const limit of [0, -1, 1.5, Number.NaN, "3", undefined])
      assertRefused(
        { maxPerUser: { limit, onLimit: "deny" } },
        "RangeError",
        /^Cannot use maxPerUser: its limit is .*, a whole number from 1 is wanted$/,
      );
    for (const onLimit of [undefined, "evict", null])
      assertRefused(
        { maxPerUser: { limit: 1, onLimit } },
        "TypeError",
        /^Cannot use maxPerUser: onLimit "evict-oldest" or "deny" is wanted$/,
      );
  });

  it("asks nothing of the clock's timers, the store or the random source", () => {
    const refuse = (): never => assert.fail("asked at construction");
    const store = new Proxy(new MemoryStore(), {
      get: (target, name) =>
        ["create", "read", "subscribe", "scan"].includes(String(name))
          ? refuse
          : Reflect.get(target, name),
    });
    assert.ok(new Session({ randomFill: refuse, clock: { now: refuse, schedule: refuse }, store }));
  });
});
