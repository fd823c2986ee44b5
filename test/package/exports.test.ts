// A file directly in src/, src/stores/ or src/adapters/ is a subpath; what lies deeper is a part.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { describe, it } from "node:test";

const project = new URL("../../../", import.meta.url);

async function publicFiles(folder: string): Promise<string[]> {
  const names = await readdir(new URL(`src/${folder}`, project)).catch(() => []);
  return names
    .filter((name) => name.endsWith(".ts"))
    .map((name) => folder + name.slice(0, -".ts".length));
}

describe("package.json", () => {
  it("exports every public file under one name of its own, and nothing else", async () => {
    // What npm itself reads.
    const { exports } = JSON.parse(await readFile(new URL("package.json", project), "utf8")) as {
      exports: Record<string, unknown>;
    };
    const files = (await Promise.all(["", "stores/", "adapters/"].map(publicFiles))).flat();
    const expected = Object.fromEntries(
      files.map((file) => [
        file === "index" ? "." : `./${file}`,
        { types: `./dist/${file}.d.ts`, default: `./dist/${file}.js` },
      ]),
    );
    assert.deepEqual(
      Object.keys(exports).sort(),
      [...Object.keys(expected), "./package.json"].sort(),
    );
    assert.deepEqual(exports, { ...expected, "./package.json": "./package.json" });
  });

  it("needs no peer: each is optional", async () => {
    // What npm itself reads.
    const { peerDependencies = {}, peerDependenciesMeta = {} } = JSON.parse(
      await readFile(new URL("package.json", project), "utf8"),
    ) as {
      peerDependencies?: Record<string, string>;
      peerDependenciesMeta?: Record<string, { optional?: boolean }>;
    };
    const optional = Object.entries(peerDependenciesMeta).filter(
      ([, meta]) => meta.optional === true,
    );
    assert.deepEqual(optional.map(([name]) => name).sort(), Object.keys(peerDependencies).sort());
  });
});
