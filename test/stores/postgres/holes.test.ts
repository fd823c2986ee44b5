// What postgres.js 3.4 gives after a connection was cut in the middle of an answer. The fault tests
// meet it once in many runs; here it is made.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toPostgresPort } from "../../../src/stores/postgres/client.ts";

describe("postgres.js after a cut connection", () => {
  it("gives rows alone: holes before them are none", async () => {
    const answer: unknown[][] = [];
    answer[2] = ["read committed", "a key"];
    const sql = {
      PostgresError: Error,
      unsafe: () => ({ values: async () => answer }),
      listen: async () => ({ unlisten: async () => {} }),
    };
    // As much of sql as is called here.
    const port = toPostgresPort(sql as unknown as Parameters<typeof toPostgresPort>[0], {
      prepare: true,
    });
    assert.deepEqual(await port.query({ name: "x", text: "SELECT", reads: true }, []), [["a key"]]);
  });

  it("rejects where it answers without the server's word: no rows would say that a session is gone", async () => {
    const said = (rows: unknown[][], command: string | null) =>
      Object.assign(rows, { command, count: null });
    let answers: unknown = said([], null);
    const sql = {
      PostgresError: Error,
      unsafe: () => ({ values: async () => answers }),
      listen: async () => ({ unlisten: async () => {} }),
    };
    // As above.
    const port = toPostgresPort(sql as unknown as Parameters<typeof toPostgresPort>[0], {
      prepare: true,
    });
    const [read, update] = [
      { name: "x", text: "SELECT", reads: true },
      { name: "y", text: "UPDATE", reads: false },
    ];
    await assert.rejects(port.query(read, []), /an answer that the server did not/);
    answers = [said([], null), said([["true"]], "SELECT")];
    await assert.rejects(port.query(update, []), /an answer that the server did not/);
    answers = said([["a key"]], "SELECT");
    await assert.rejects(port.query(update, []), /the answer to another statement/);
    answers = [said([], "UPDATE"), said([["true"]], "SELECT")];
    assert.deepEqual(await port.query(update, []), []);
  });
});
