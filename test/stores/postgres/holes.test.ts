// What postgres.js 3.4 gives after a connection was cut in the middle of an answer. The fault tests
// meet it once in many runs; here it is made.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toPostgresPort } from "../../../src/stores/postgres/client.ts";

describe("postgres.js after a cut connection", () => {
  it("gives rows alone: holes before them are none", async () => {
    const answer: unknown[][] = [];
    answer[2] = ["a key"];
    const sql = {
      unsafe: () => ({ values: async () => answer }),
      listen: async () => ({ unlisten: async () => {} }),
    };
    // As much of sql as is called here.
    const port = toPostgresPort(sql as unknown as Parameters<typeof toPostgresPort>[0], {
      prepare: true,
    });
    assert.deepEqual(await port.query({ name: "x", text: "SELECT" }, []), [["a key"]]);
  });

  it("rejects where it answers without the server's word: no rows would say that a session is gone", async () => {
    const answer = Object.assign([], { command: null as string | null, count: null });
    const sql = {
      unsafe: () => ({ values: async () => answer }),
      listen: async () => ({ unlisten: async () => {} }),
    };
    // As above.
    const port = toPostgresPort(sql as unknown as Parameters<typeof toPostgresPort>[0], {
      prepare: true,
    });
    await assert.rejects(
      port.query({ name: "x", text: "UPDATE" }, []),
      /an answer that the server did not/,
    );
    answer.command = "UPDATE";
    assert.deepEqual(await port.query({ name: "x", text: "UPDATE" }, []), []);
  });
});
