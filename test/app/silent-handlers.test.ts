// Handlers that return without a promise and without an answer: each request ends all the same.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import harpia, { type App } from "../../src/index.ts";
import { within } from "../support/waits.ts";

const get = (app: App, path: string): Promise<Response> =>
  within(`an answer to ${path}`, app.fetch(new Request(`http://app.test${path}`)));

describe("a handler that returns nothing and no promise", () => {
  it("has said all with a status that has no body", async () => {
    for (const status of [204, 205, 304]) {
      const app = harpia()
        .get("/sync", (_req, res) => void res.status(status))
        .get("/async", async (_req, res) => void res.status(status));
      for (const path of ["/sync", "/async"])
        assert.equal((await get(app, path)).status, status, path);
    }
  });

  it("may answer by a callback, before and after that was done for it", async () => {
    let late: unknown = "nothing";
    const app = harpia()
      .get("/soon", (_req, res) => {
        res.status(201);
        setTimeout(() => res.json({ made: true }), 150);
      })
      .get("/late", (_req, res) => {
        res.status(204);
        setTimeout(() => {
          try {
            res.send();
            late = "ignored";
          } catch (error) {
            late = error;
          }
        }, 150);
      });
    const soon = await get(app, "/soon");
    assert.deepEqual([soon.status, await soon.json()], [201, { made: true }]);
    assert.equal((await get(app, "/late")).status, 204);
    await sleep(200);
    assert.equal(late, "ignored");
  });

  it("is ended after ten seconds: with its status, or as ERR_NO_RESPONSE", async () => {
    const told: string[] = [];
    const app = harpia()
      .get("/status", (_req, res) => void res.status(202))
      .get("/nothing", () => {})
      .onError((error) => void told.push((error as Error & { code: string }).code));
    const [status, nothing] = await Promise.all([get(app, "/status"), get(app, "/nothing")]);
    assert.deepEqual([status.status, nothing.status, told], [202, 500, ["ERR_NO_RESPONSE"]]);
  });
});
