// The pages of frameworks that have a compiler of their own show files of their example, which npm
// run test:apps builds and visits: here, that they show them as they are, and all that a session
// needs.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { APP_KINDS } from "../apps/app-kinds.ts";

const project = new URL("../../../", import.meta.url);
const BUILT = /(^|\/)(node_modules|\.next|\.svelte-kit|\.react-router|\.astro|build|dist)(\/|$)/;

/** The fences that say which file they are of. */
async function filesShown(page: string): Promise<Map<string, string>> {
  const text = await readFile(new URL(`docs/frameworks/${page}.md`, project), "utf8");
  return new Map(
    [...text.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)].map(([, path = "", content = ""]) => [
      path,
      content,
    ]),
  );
}

describe("a framework's page", () => {
  for (const { name } of APP_KINDS) {
    it(`shows the example's files as they are: ${name}`, async () => {
      const shown = await filesShown(name);
      assert.ok(shown.size >= 5, `${shown.size} files`);
      for (const [path, content] of shown)
        assert.equal(
          content,
          await readFile(new URL(`examples/apps/${name}/${path}`, project), "utf8"),
          path,
        );
    });

    it(`shows where sessions are made, opened and begun: ${name}`, async () => {
      const shown = await filesShown(name);
      const folder = fileURLToPath(new URL(`examples/apps/${name}`, project));
      const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter(
        (entry) => entry.isFile(),
      );
      for (const { parentPath, name: file } of files) {
        const path = relative(folder, join(parentPath, file));
        if (BUILT.test(path) || !/\.(ts|tsx|astro)$/.test(path)) continue;
        const text = await readFile(join(folder, path), "utf8");
        if (/from "harpiats|\.login\(|\.destroy\(/.test(text)) assert.ok(shown.has(path), path);
      }
    });
  }
});
