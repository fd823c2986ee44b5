// SECURITY.md names a test for everything that is held: each must be there.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { projectFolder } from "../support/project.ts";

const page = readFileSync(join(projectFolder, "SECURITY.md"), "utf8");
const rows = page.split("\n").filter((line) => line.startsWith("| "));

describe("SECURITY.md", () => {
  it("names no file and no test that is not there", () => {
    let named = 0;
    for (const row of rows) {
      // A file, and after it the tests in it until the next file.
      for (const [, file = "", tests = ""] of row.matchAll(/`((?:test|src)\/[^`]+\.ts)`([^`]*)/g)) {
        assert.ok(existsSync(join(projectFolder, file)), file);
        const text = readFileSync(join(projectFolder, file), "utf8");
        for (const [, name = ""] of tests.matchAll(/"([^"]+)"/g)) {
          assert.ok(text.includes(name), `${file} has no test "${name}"`);
          named++;
        }
      }
    }
    assert.ok(named > 60, `${named} tests`);
  });

  it("names a test in every row that says held", () => {
    for (const row of rows.filter((line) => /\| held|^\| held/.test(line)))
      assert.match(row, /`(test|src)\/[^`]+\.ts`/, row.slice(0, 80));
  });
});
