// The pages as somebody has them who installed the package: what README, SECURITY, docs and
// CONTRIBUTING link to is in the tarball too, or has an address of its own.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { before, describe, it } from "node:test";
import { promisify } from "node:util";
import { projectFolder } from "../support/project.ts";

/** What only a checkout has. */
const NOT_PACKED = ["bench/results", "bench/tried.json"];

describe("the packed pages", () => {
  let packed: string[] = [];
  before(async () => {
    const { stdout } = await promisify(execFile)(
      "npm",
      ["pack", "--dry-run", "--json", "--ignore-scripts"],
      { cwd: projectFolder, maxBuffer: 50_000_000 },
    );
    const parsed = JSON.parse(stdout) as { files: { path: string }[] }[];
    packed = (parsed[0]?.files ?? []).map(({ path }) => path);
  });

  it("link to nothing that is not there", () => {
    const pages = packed.filter((path) => path.endsWith(".md"));
    assert.ok(pages.length > 50, `${pages.length} pages`);
    const dead: string[] = [];
    for (const page of pages) {
      const text = readFileSync(join(projectFolder, page), "utf8").replaceAll(
        /```[\s\S]*?```/g,
        "",
      );
      for (const [, target = ""] of text.matchAll(/(?<!!)\[[^\]]*\]\(([^)\s]+)\)/g)) {
        if (/^(https?:|mailto:|#)/.test(target)) continue;
        const path = normalize(join(dirname(page), target.split("#")[0] ?? "")).replace(/\/$/, "");
        const isThere = packed.some((file) => file === path || file.startsWith(`${path}/`));
        if (!isThere && !NOT_PACKED.includes(path)) dead.push(`${page}: ${target}`);
      }
    }
    assert.deepEqual(dead, []);
  });

  it("bring no build of an example, no lockfile and no picture", () => {
    const wrong = packed.filter((path) =>
      /node_modules|^examples\/.*(\.next|\.svelte-kit|\.react-router|\.astro\/|package-lock)|\.png$/.test(
        path,
      ),
    );
    assert.deepEqual(wrong, []);
  });

  it("have a heading with version and date for the version of the package", () => {
    const { version } = JSON.parse(readFileSync(join(projectFolder, "package.json"), "utf8")) as {
      version: string;
    };
    const changelog = readFileSync(join(projectFolder, "CHANGELOG.md"), "utf8");
    assert.match(
      changelog,
      new RegExp(`^## ${version.replaceAll(".", "\\.")} \\(\\d{4}-\\d{2}-\\d{2}\\)$`, "m"),
    );
    assert.match(changelog, /^## Unreleased$/m);
  });
});
