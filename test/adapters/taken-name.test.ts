// What others have put on a request under the name of our session: a field of theirs is written, a
// getter of theirs is replaced and never asked.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import { connectSession } from "../../src/adapters/node.ts";
import { Session } from "../../src/session.ts";
import { listen } from "../support/listen.ts";

const TAKEN: Record<string, (req: object) => unknown> = {
  "a field": (req) => Object.assign(req, { session: null }),
  "a getter": (req) =>
    Object.defineProperty(req, "session", {
      configurable: true,
      get: () => assert.fail("it was asked"),
    }),
  "a getter and a setter": (req) =>
    Object.defineProperty(req, "session", {
      configurable: true,
      get: () => "theirs",
      set() {
        assert.fail("it was set");
      },
    }),
  "a getter of the prototype": (req) =>
    Object.setPrototypeOf(
      req,
      Object.create(Object.getPrototypeOf(req) as object, {
        session: { get: () => "theirs" },
      }) as object,
    ),
  nothing: () => {},
};

describe("the property that holds a request's session", () => {
  for (const [what, take] of Object.entries(TAKEN)) {
    it(`is the session where there was ${what}`, async () => {
      const sessions = connectSession(new Session());
      const { url, close } = await listen(
        createServer((req, res) => {
          take(req);
          sessions(req, res, () =>
            res.end(String(Reflect.get(req, "session") === sessions.of(req))),
          );
        }),
      );
      assert.equal(await (await fetch(url).finally(close)).text(), "true");
    });
  }
});
