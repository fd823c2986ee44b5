// ARCHITECTURE.md shows the rooms that are there, and the arrows that the linter has.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { projectFolder } from "../support/project.ts";

const read = (path: string): string => readFileSync(join(projectFolder, path), "utf8");
const page = read("ARCHITECTURE.md");
const foldersOf = (path: string): string[] =>
  readdirSync(join(projectFolder, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();

/** The rows of the table of core's rooms: the room, and what it may import. */
const floors = new Map(
  [...page.matchAll(/^\| ([a-z]+) \| ([a-z ]*)\| .+ \|$/gm)].map(([, room = "", imports = ""]) => [
    room,
    imports.split(" ").filter(Boolean),
  ]),
);

describe("ARCHITECTURE.md", () => {
  it("has a row for every room of core", () => {
    assert.deepEqual(
      [...floors.keys()].filter((room) => room !== "room").sort(),
      foldersOf("src/core"),
    );
  });

  it("says of each room what the linter lets it import", () => {
    for (const [room, imports] of floors) {
      if (room === "room") continue;
      const [, patterns = ""] =
        new RegExp(
          `"files": \\["src/core/${room}/\\*\\*"\\][^[]*\\[[^[]*\\[[^[]*"group": (\\[[^\\]]*\\])`,
        ).exec(read(".oxlintrc.json")) ?? [];
      const allowed = [...patterns.matchAll(/"!\.\.\/([a-z]+)\/\*\.ts"/g)].map(
        ([, name = ""]) => name,
      );
      assert.deepEqual(imports.toSorted(), allowed.sort(), room);
    }
  });

  it("names every folder of the sources", () => {
    for (const folder of ["stores", "adapters", "admin", "cli"])
      for (const part of foldersOf(join("src", folder)))
        assert.match(page, new RegExp(`\\b${part}\\b`), `src/${folder}/${part}`);
    for (const folder of foldersOf("src"))
      assert.match(page, new RegExp(`^  ${folder}/`, "m"), folder);
    for (const folder of foldersOf("test"))
      assert.ok(
        page.includes(`\`${folder}/\``) ||
          foldersOf("src").includes(folder) ||
          folder === "seed" ||
          folder === "types",
        `test/${folder}`,
      );
  });
});
