// The import arrows are lint rules: here every layer tries to import everything, in every way there
// is, and only what ARCHITECTURE.md allows may come through. So a rule that has stopped refusing is
// found.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const project = fileURLToPath(new URL("../../../", import.meta.url));

const FOLDERS = [
  "core",
  "stores",
  "adapters",
  "app",
  "testing",
  "admin",
  "cli",
  "explain",
  "opentelemetry",
];
const PACKAGES = [
  "cookie",
  "hono",
  "hono/router",
  "srvx",
  "srvx/node",
  "commander",
  "redis",
  "express",
  "echarts/core",
];
const NODE = ["node:crypto", "node:assert/strict", "node:test", "node:sqlite"];

/** What each layer may import: of its own folder, of the other folders, of packages and of node. */
const ALLOWED: Record<string, readonly string[]> = {
  "src/session.ts": ["core"],
  "src/index.ts": ["app", "core"],
  "src/testing.ts": ["core", "testing"],
  "src/admin.ts": ["admin", "core"],
  "src/explain.ts": ["core", "explain"],
  "src/opentelemetry.ts": ["core", "opentelemetry"],
  "src/core/here.ts": ["sibling", "_sibling", "cookie", ...NODE],
  "src/stores/here.ts": ["_sibling", "core", ...without(NODE, "node:sqlite")],
  "src/stores/open.ts": ["_sibling", "_open part", "core", ...without(NODE, "node:sqlite")],
  "src/stores/_open-here.ts": [
    "sibling",
    "_sibling",
    "_open part",
    "core",
    ...without(NODE, "node:sqlite"),
  ],
  "src/adapters/here.ts": ["_sibling", "core", ...NODE],
  "src/app/here.ts": [
    "sibling",
    "_sibling",
    "adapters",
    "core",
    "hono",
    "hono/router",
    "srvx",
    "srvx/node",
    ...NODE,
  ],
  "src/testing/here.ts": ["sibling", "_sibling", "core", ...without(NODE, "node:test")],
  "src/explain/here.ts": ["sibling", "_sibling", "core", ...NODE],
  "src/opentelemetry/here.ts": ["sibling", "_sibling", "core", ...NODE],
  "src/admin/here.ts": [
    "sibling",
    "_sibling",
    "core",
    "hono",
    "hono/router",
    "srvx",
    "srvx/node",
    "echarts/core",
    ...NODE,
  ],
  "src/cli/here.ts": ["sibling", "_sibling", "admin", "core", "stores", "commander", ...NODE],
};

const FORMS: Record<string, (specifier: string) => string> = {
  statically: (specifier) => `export * from "${specifier}";`,
  dynamically: (specifier) => `void import("${specifier}");`,
  "types of": (specifier) => `export type * from "${specifier}";`,
};

function without(names: readonly string[], one: string): string[] {
  return names.filter((name) => name !== one);
}

/** Everything that a file could import, one line for each thing and each way, in this order. */
function attemptsOf(file: string): { form: string; target: string; line: string }[] {
  const folder = /^src\/(\w+)\//.exec(file)?.[1];
  const up = folder === undefined ? "./" : "../";
  const targets: [string, string][] = [
    ...without(FOLDERS, folder ?? "").map((name): [string, string] => [
      name,
      `${up}${name}/there.ts`,
    ]),
    ...[...PACKAGES, ...NODE].map((name): [string, string] => [name, name]),
    ["entry", `${up}memory-store.ts`],
    ["sibling", "./there.ts"],
    ["_sibling", "./_there.ts"],
    ...(folder === "stores" ? [["_open part", "./_open-there.ts"] as [string, string]] : []),
  ];
  return Object.entries(FORMS).flatMap(([form, write]) =>
    targets.map(([target, specifier]) => ({ form, target, line: write(specifier) })),
  );
}

describe("the import arrows", () => {
  let folder: string;
  /** `file:line` of every import that was refused. */
  const refused = new Set<string>();

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "harpiats-arrows-"));
    const rules = await readFile(join(project, ".oxlintrc.json"), "utf8");
    // These rules need no types, and the temporary folder has no tsconfig to take them from.
    await writeFile(
      join(folder, ".oxlintrc.json"),
      rules.replace('"typeAware": true', '"typeAware": false'),
    );
    for (const file of Object.keys(ALLOWED)) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(
        join(folder, file),
        attemptsOf(file)
          .map(({ line }) => `${line}\n`)
          .join(""),
      );
    }
    const oxlint = join(project, "node_modules/oxlint/bin/oxlint");
    const { stdout, stderr } = spawnSync(process.execPath, [oxlint, "-f", "json", "src"], {
      cwd: folder,
      encoding: "utf8",
    });
    assert.ok(stdout.startsWith("{"), `oxlint said ${stdout}${stderr}`);
    // The shape of oxlint's own report.
    const { diagnostics } = JSON.parse(stdout) as {
      diagnostics: { code: string; filename: string; labels: { span: { line: number } }[] }[];
    };
    for (const { code, filename, labels } of diagnostics) {
      if (code === "eslint(no-restricted-imports)")
        refused.add(`${filename.replaceAll("\\", "/")}:${labels[0]?.span.line}`);
    }
  });

  after(() => rm(folder, { recursive: true, force: true }));

  for (const [file, allowed] of Object.entries(ALLOWED)) {
    for (const form of Object.keys(FORMS)) {
      it(`lets ${file} import ${form} nothing but ${allowed.join(", ")}`, () => {
        const passed = attemptsOf(file).filter(
          (attempt, at) => attempt.form === form && !refused.has(`${file}:${at + 1}`),
        );
        // A framework's types cost nothing at run time; that none gets into a declaration is
        // check:package's to see.
        const types = form === "types of" && file.startsWith("src/adapters/") ? PACKAGES : [];
        assert.deepEqual(passed.map(({ target }) => target).sort(), [...allowed, ...types].sort());
      });
    }
  }
});
