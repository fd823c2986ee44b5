// docs/errors.md names every code that there is, and no other.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { projectFolder } from "../support/project.ts";

const read = (file: string): Promise<string> => readFile(projectFolder + file, "utf8");
const codesIn = (text: string): string[] => [...new Set(text.match(/ERR_[A-Z_]+/g))].sort();

describe("docs/errors.md", () => {
  it("has every code of ErrorCode and no other", async () => {
    const [, union] =
      /export type ErrorCode =([^;]+);/.exec(await read("src/core/errors.ts")) ?? [];
    const codes = codesIn(union ?? "");
    assert.ok(codes.length > 5);
    assert.deepEqual(codesIn(await read("docs/errors.md")), codes);
  });
});
