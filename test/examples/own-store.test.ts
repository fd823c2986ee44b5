// The store that docs/writing-a-store.md walks through: the page shows it as it is, and it passes
// what ours pass.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { PGlite } from "@electric-sql/pglite";
import { SqlStore } from "../../examples/own-store/sql-store.ts";
import { storeConformance } from "../../src/testing.ts";
import type { StoreConformanceOptions } from "../../src/testing/conformance-bench.ts";
import { allPairs, raceSuite } from "../races/race-suite.ts";
import { projectFolder } from "../support/project.ts";

const runner = { describe, it, before, after };
const options: StoreConformanceOptions = {
  name: "SqlStore of docs/writing-a-store.md",
  async open(clock) {
    const client = await PGlite.create();
    const store = new SqlStore<Record<string, unknown>>({ client, clock });
    await store.migrate();
    return { store, close: () => client.close() };
  },
};

storeConformance(runner, options);
raceSuite(
  runner,
  options,
  allPairs(["update a", "increment", "touch", "rotate", "logout", "login", "revoke all", "renew"]),
);

describe("docs/writing-a-store.md", () => {
  const read = (path: string): string => readFileSync(join(projectFolder, path), "utf8");

  it("shows the whole store, piece by piece, as it is tested here", () => {
    const fences = [
      ...read("docs/writing-a-store.md").matchAll(/^```ts(?: continue)?\n([\s\S]*?)^```$/gm),
    ].map(([, text = ""]) => text);
    const own = fences.slice(
      0,
      fences.findIndex((text) => text.includes("PGlite as Database")),
    );
    assert.ok(own.length > 4, `${own.length} pieces`);
    assert.equal(own.join("\n"), read("examples/own-store/sql-store.ts"));
  });

  it("keeps it short enough to be read", () => {
    const lines = read("examples/own-store/sql-store.ts").split("\n");
    assert.ok(lines.length <= 175, `${lines.length} lines`);
  });
});
