// The import arrows are lint rules: here every room tries to import everything, in every way there
// is, and only what ARCHITECTURE.md allows may come through. So a rule that has stopped refusing is
// found.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const project = fileURLToPath(new URL("../../../", import.meta.url));

const ROOMS = [
  "data",
  "events",
  "ids",
  "http",
  "store",
  "memory",
  "lifecycle",
  "request",
  "session",
];
/** Every folder of src; "src" itself has the entries. */
const FOLDERS = [
  "src",
  "core",
  ...ROOMS.map((room) => `core/${room}`),
  "stores",
  "stores/redis",
  "stores/postgres",
  "stores/open",
  "stores/shared",
  "adapters",
  "adapters/node",
  "adapters/next",
  "adapters/shared",
  "app",
  "express-session",
  "testing",
  "explain",
  "opentelemetry",
  "admin",
  "admin/counts",
  "admin/pages",
  "cli",
  "cli/commands",
  "cli/doctor",
  "cli/shared",
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
const NO_SQLITE = without(NODE, "node:sqlite");
const CORE = ["core", ...ROOMS.map((room) => `core/${room}`)];
const HTML = ["hono", "hono/router"];
const SERVER = ["srvx", "srvx/node"];

/** `core` is its ground: the files that lie in no room. */
const core = (...rooms: string[]): string[] => ["core", ...rooms.map((room) => `core/${room}`)];
const FOR_STORES = core("data", "events", "ids", "store");
const FOR_ADAPTERS = core("http", "request", "session");

/** What each file may import: folders, packages, modules of node. Its own folder is `own`. */
const ALLOWED: Record<string, readonly string[]> = {
  "src/session.ts": CORE,
  "src/index.ts": ["app", ...CORE],
  "src/testing.ts": ["testing", ...CORE],
  "src/admin.ts": ["admin", ...CORE],
  "src/explain.ts": ["explain", ...CORE],
  "src/opentelemetry.ts": ["opentelemetry", ...CORE],
  "src/express-session.ts": ["express-session", ...CORE],

  "src/core/here.ts": ["own"],
  "src/core/data/here.ts": ["own", ...core(), ...NODE],
  "src/core/events/here.ts": ["own", ...core(), ...NODE],
  "src/core/ids/here.ts": ["own", ...core(), ...NODE],
  "src/core/http/here.ts": ["own", ...core(), "cookie", ...NODE],
  "src/core/store/here.ts": ["own", ...core("data", "events", "ids"), ...NODE],
  "src/core/memory/here.ts": ["own", ...core("data", "events", "ids", "store"), ...NODE],
  "src/core/lifecycle/here.ts": [
    "own",
    ...core("data", "events", "ids", "http", "store", "memory"),
    ...NODE,
  ],
  "src/core/request/here.ts": ["own", ...core("data", "http", "lifecycle"), ...NODE],
  "src/core/session/here.ts": [
    "own",
    ...core("data", "events", "http", "store", "lifecycle", "request"),
    ...NODE,
  ],

  "src/stores/keyv.ts": ["stores/shared", ...FOR_STORES, ...NO_SQLITE],
  "src/stores/redis.ts": ["stores/redis", "stores/shared", ...FOR_STORES, ...NO_SQLITE],
  "src/stores/redis/here.ts": ["own", "stores/shared", ...FOR_STORES, ...NO_SQLITE],
  "src/stores/shared/here.ts": ["own", ...FOR_STORES, ...NO_SQLITE],
  "src/stores/open.ts": ["stores/open", ...FOR_STORES, ...NO_SQLITE],
  "src/stores/open/here.ts": ["own", "stores", ...FOR_STORES, "core/memory", ...NO_SQLITE],

  "src/adapters/hono.ts": ["adapters/shared", ...FOR_ADAPTERS, ...NODE],
  "src/adapters/express.ts": ["adapters/node", "adapters/shared", ...FOR_ADAPTERS, ...NODE],
  "src/adapters/next.ts": ["adapters/next", "adapters/shared", ...FOR_ADAPTERS, ...NODE],
  "src/adapters/node/here.ts": ["own", "adapters/shared", ...FOR_ADAPTERS, ...NODE],
  "src/adapters/next/here.ts": [
    "own",
    "adapters/shared",
    ...FOR_ADAPTERS,
    "core/data",
    "core/lifecycle",
    ...NODE,
  ],
  "src/adapters/shared/here.ts": ["own", ...FOR_ADAPTERS, ...NODE],

  "src/app/here.ts": ["own", "adapters", ...core("http"), ...HTML, ...SERVER, ...NODE],
  "src/express-session/here.ts": [
    "own",
    "adapters/node",
    "stores",
    ...core("http", "ids", "memory", "request", "store"),
    "cookie",
    ...NODE,
  ],
  "src/testing/here.ts": [
    "own",
    ...core("ids", "store", "memory", "request", "session"),
    ...without(NODE, "node:test"),
  ],
  "src/explain/here.ts": ["own", ...core("events", "ids", "http", "session"), ...NODE],
  "src/opentelemetry/here.ts": ["own", ...core("events", "store"), ...NODE],

  "src/admin/here.ts": [
    "own",
    "admin/counts",
    "admin/pages",
    ...core("events", "http", "session"),
    ...SERVER,
    ...NODE,
  ],
  "src/admin/counts/here.ts": ["own", ...core("session"), ...NODE],
  "src/admin/pages/here.ts": [
    "own",
    "admin/counts",
    ...core("session"),
    ...HTML,
    "echarts/core",
    ...NODE,
  ],

  "src/cli/here.ts": ["own", "cli/commands", "cli/shared", ...core(), "commander", ...NODE],
  "src/cli/commands/here.ts": [
    "own",
    "cli/doctor",
    "cli/shared",
    "admin",
    "stores",
    "stores/open",
    ...core("ids", "session"),
    ...NODE,
  ],
  "src/cli/doctor/here.ts": ["own", "stores/postgres", ...core("session"), ...NODE],
  "src/cli/shared/here.ts": ["own", "stores", "stores/open", ...core(), "commander", ...NODE],
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
  const folder = dirname(file);
  const targets: [string, string][] = [
    ...[...PACKAGES, ...NODE].map((name): [string, string] => [name, name]),
    ...FOLDERS.map((name): [string, string] => {
      const path = name === "src" ? name : `src/${name}`;
      const specifier = relative(folder, `${path}/there.ts`);
      const target = path === folder ? "own" : name;
      return [target, specifier.startsWith(".") ? specifier : `./${specifier}`];
    }),
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
      maxBuffer: 64 * 1024 * 1024,
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
