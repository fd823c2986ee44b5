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
        new RegExp(
          `^Invalid options of Session: got ${kind === "a number" ? 1 : kind}, expected an object$`,
        ),
      );
    }
  });

  it("refuses an option that it does not know, and names the one that was meant", () => {
    assertRefused({ secret: "x" }, "TypeError", /^Invalid option secret: did you mean secrets\?$/);
    assertRefused({ ttl: 2 }, "TypeError", /^Invalid option ttl: did you mean absoluteTimeout\?$/);
  });

  it("refuses what is no store, and null above all: it must not become memory in silence", () => {
    assertRefused(
      { store: null },
      "TypeError",
      /^Invalid option store: got null, expected a store/,
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
      assertRefused({ cookieName }, "TypeError", /^Invalid option cookieName: got /);
    for (const [cookie, kind] of [
      [1, "1"],
      ["lax", "a string"],
      [null, "null"],
    ] as const)
      assertRefused(
        { cookie },
        "TypeError",
        new RegExp(`^Invalid option cookie: got ${kind}, expected an object$`),
      );
    assertRefused(
      { cookie: { path: "app" } },
      "TypeError",
      /^Cannot use cookie session_id: path does not begin with \/$/,
    );
  });

  it("refuses a user that is neither a field nor a function", () => {
    for (const [user, kind] of [
      [1, "1"],
      [null, "null"],
      [["userId"], "an array"],
    ] as const) {
      assertRefused(
        { user },
        "TypeError",
        new RegExp(
          `^Invalid option user: got ${kind}, expected the name of a field, or a function$`,
        ),
      );
    }
  });

  it("refuses what is no Standard Schema", () => {
    for (const schema of [null, {}, 1, () => true, { "~standard": {} }, { parse: () => 1 }])
      assertRefused(
        { schema },
        "TypeError",
        /^Invalid option schema: got .*, expected a Standard Schema, with ~standard\.validate$/,
      );
  });

  it("refuses what is no clock and no source of randomness", () => {
    for (const clock of [null, {}, 1, { now: () => 1 }, Date])
      assertRefused(
        { clock },
        "TypeError",
        /^Invalid option clock: got .*, expected a Clock, with now\(\) and schedule\(\)$/,
      );
    for (const [randomFill, kind] of [
      [null, "null"],
      [{}, "an object"],
    ] as const)
      assertRefused(
        { randomFill },
        "TypeError",
        new RegExp(`^Invalid option randomFill: got ${kind}, expected a function$`),
      );
  });

  it("refuses a storeTimeout that is no time", () => {
    for (const storeTimeout of [0, -1, Number.NaN, Infinity, 5000])
      assertRefused(
        { storeTimeout },
        "RangeError",
        /^Invalid option storeTimeout: got .*, expected seconds .*from 0.001 to 600, or false$/,
      );
    for (const storeTimeout of ["5", null, true])
      assertRefused(
        { storeTimeout },
        "TypeError",
        /^Invalid option storeTimeout: got .*, expected seconds from 0.001 to 600, or false$/,
      );
    for (const storeTimeout of [0.001, 600, false] as const)
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
    for (const limit of [0, -1, 1.5, Number.NaN])
      assertRefused(
        { maxPerUser: { limit, onLimit: "deny" } },
        "RangeError",
        /^Invalid option maxPerUser\.limit: got .*, expected a whole number from 1$/,
      );
    for (const limit of ["3", undefined, null])
      assertRefused(
        { maxPerUser: { limit, onLimit: "deny" } },
        "TypeError",
        /^Invalid option maxPerUser\.limit: got /,
      );
    for (const onLimit of [undefined, "evict", null])
      assertRefused(
        { maxPerUser: { limit: 1, onLimit } },
        "TypeError",
        /^Invalid option maxPerUser\.onLimit: got .*, expected "evict-oldest" or "deny"$/,
      );
    for (const given of [{ limit: 1 }, { onLimit: "deny" }, {}, 3, null])
      assertRefused({ maxPerUser: given }, "TypeError", /^Invalid option maxPerUser/);
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
