// The suite, from source, on every runtime that the package promises, beside the node that runs
// everything else. The runtimes are packages of this folder's own lockfile.
// `npm run test:runtimes -- bun core/http/cookies` runs one, and those tests alone.
import { access, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { conformanceOnWorkerd, smokeWorkerd } from "./workerd.ts";
import { spawn } from "../support/children.ts";

interface Runtime {
  name: string;
  /** Where its package puts the program, below node_modules; the first that is there. */
  binaries: readonly string[];
  /** The command line that runs these test files. */
  command(files: readonly string[]): string[];
  /** How its summary says how many tests passed. */
  passed: RegExp;
  /** How it says how many were skipped. */
  skipped: RegExp;
  /** Test files that say nothing about us here, and why. */
  without: Record<string, string>;
}

const project = fileURLToPath(new URL("../../../", import.meta.url));
const home = join(project, "test/runtimes");
const NEST = "runtimes/nest";
const FOLDERS = ["core", "testing", "app", "adapters", "explain", "stores", NEST];
// Of the stores those that need no server: their clients are the runtimes' own, or run on each of
// them.
const STORES = [
  "open",
  "sqlite",
  "encrypted",
  "unstorage",
  "keyv",
  "express-session/to-express-store",
];
const platform = `${process.platform}-${process.arch}`;
const isCI = process.env.CI === "true";
const LONGEST_TEST = 120_000;
const LONGEST_RUN = 300_000;

const nodeCommand = (files: readonly string[]): string[] => [
  "--test",
  "--test-reporter=spec",
  `--test-concurrency=${availableParallelism()}`,
  `--test-timeout=${LONGEST_TEST}`,
  ...files,
];
const nodeSummary = { passed: /^ℹ pass (\d+)/m, skipped: /^ℹ skipped (\d+)/m };

const RUNTIMES: readonly Runtime[] = [
  {
    name: "node-22",
    binaries: [`node-22-${platform}/bin/node`],
    command: nodeCommand,
    ...nodeSummary,
    without: {},
  },
  {
    name: "node-24",
    binaries: [`node-24-${platform}/bin/node`],
    command: nodeCommand,
    ...nodeSummary,
    without: {},
  },
  {
    name: "bun",
    binaries: [
      "@oven/bun-linux-x64-baseline/bin/bun",
      `@oven/bun-${platform.replace("arm64", "aarch64")}/bin/bun`,
    ],
    // Without ./ it takes a path for a pattern.
    command: (files) => ["test", `--timeout=${LONGEST_TEST}`, ...files.map((file) => `./${file}`)],
    passed: /^ *(\d+) pass$/m,
    skipped: /^ *(\d+) skip$/m,
    without: {
      "adapters/held-as-node": "Bun's response is not node's, which it is compared with",
      "adapters/refused-head": "Bun's response refuses no head that node's refuses",
    },
  },
  {
    name: "deno",
    binaries: [`@deno/${platform}-glibc/deno`, `@deno/${platform}/deno`],
    command: (files) => ["test", "-A", "--no-check", "--no-lock", "--cached-only", ...files],
    passed: /^ok \| (\d+) passed/m,
    skipped: /^ok \| .*\b(\d+) ignored/m,
    without: { "app/server": "Deno's server cuts off no request that still runs" },
  },
];

/** The node that runs this, which may need compiled sources. */
const OWN_NODE: Runtime = {
  name: `node-${process.versions.node.split(".")[0]}-compiled`,
  binaries: [],
  command: (files) =>
    nodeCommand(files.map((file) => join(".build", file.replace(/\.ts$/, ".js")))),
  ...nodeSummary,
  without: {},
};

const [only, ...filters] = process.argv.slice(2);
const scratch = await mkdtemp(join(tmpdir(), "harpiats-runtimes-"));
const tally = { passed: 0, failed: 0, skipped: 0 };
try {
  for (const folder of [home, join(project, "test", NEST)]) await install(folder);
  const files = await testFiles();
  for (const runtime of RUNTIMES) {
    if (isWanted(runtime.name))
      await report(runtime.name, runtime.binaries, (binary) => runTests(runtime, binary, files));
  }
  // On the node that runs this everything else is in npm test already.
  const ownTests = files.filter((file) => file.startsWith(NEST));
  if (isWanted(OWN_NODE.name) && ownTests.length > 0)
    await report(OWN_NODE.name, [process.execPath], (binary) =>
      runTests(OWN_NODE, binary, ownTests),
    );
  if (isWanted("workerd")) {
    await report(
      "workerd",
      [`@cloudflare/workerd-${platform.replace("x64", "64")}/bin/workerd`],
      async (binary) => {
        await smokeWorkerd(binary, join(home, "worker.ts"));
        const passed = await conformanceOnWorkerd(binary, join(home, "conformance-worker.ts"));
        return `sign-in to sign-out, and ${passed} tests of adapterConformance passed`;
      },
    );
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
process.stdout.write(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped\n`);
// A runtime that is not there proves nothing: where everything must be there, that is a failure.
if (tally.failed > 0 || (isCI && tally.skipped > 0) || tally.passed === 0) process.exitCode = 1;

function isWanted(name: string): boolean {
  return only === undefined || name.startsWith(only);
}

/** Installs what a folder's lockfile says, unless that is what is there. */
async function install(folder: string): Promise<void> {
  const [locked, installed] = await Promise.all(
    ["package-lock.json", "node_modules/.package-lock.json"].map((file) =>
      stat(join(folder, file)).catch(() => undefined),
    ),
  );
  if (locked && installed && installed.mtimeMs > locked.mtimeMs) return;
  const { code, output } = await execute("npm", ["ci", "--no-audit", "--no-fund"], folder);
  if (code !== 0) process.stdout.write(`What ${folder} needs could not be installed:\n${output}\n`);
}

/** The files of a folder and, but for what npm has put there, of those in it. */
async function testsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = await Promise.all(
    entries.map(async (entry) => {
      if (entry.isFile()) return [entry.name];
      if (!entry.isDirectory() || entry.name === "node_modules") return [];
      return (await testsIn(join(folder, entry.name))).map((name) => `${entry.name}/${name}`);
    }),
  );
  return names.flat();
}

async function testFiles(): Promise<string[]> {
  const names = await Promise.all(
    FOLDERS.map(async (folder) =>
      (await testsIn(join(project, "test", folder))).map((name) => `${folder}/${name}`),
    ),
  );
  const tests = names
    .flat()
    .filter((name) => name.endsWith(".test.ts"))
    .filter(
      (name) =>
        !name.startsWith("stores/") || STORES.some((store) => name === `stores/${store}.test.ts`),
    );
  return tests
    .filter((name) => filters.length === 0 || filters.some((filter) => name.includes(filter)))
    .sort();
}

async function report(
  name: string,
  binaries: readonly string[],
  run: (binary: string) => Promise<string>,
): Promise<void> {
  const binary = await firstOf(binaries.map((path) => resolve(home, "node_modules", path)));
  if (binary === undefined) {
    tally.skipped++;
    process.stdout.write(
      `skip ${name}: there is no package of it for ${platform}, or it could not be installed\n`,
    );
    return;
  }
  const startedAt = performance.now();
  try {
    const said = await run(binary);
    tally.passed++;
    process.stdout.write(
      `ok   ${name}: ${said} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)\n`,
    );
  } catch (error) {
    tally.failed++;
    process.stdout.write(
      `FAIL ${name}\n${error instanceof Error ? error.message : String(error)}\n`,
    );
  }
}

async function runTests(
  runtime: Runtime,
  binary: string,
  files: readonly string[],
): Promise<string> {
  const without = Object.entries(runtime.without);
  for (const [path, reason] of without)
    process.stdout.write(`     ${runtime.name} without ${path}: ${reason}\n`);
  // Told of no file, some of them run all that they find.
  if (files.length === 0) throw new Error(`No test has ${filters.join(" or ")} in its path`);
  const here = files.filter((file) => !without.some(([path]) => file.startsWith(`${path}.`)));
  const paths = here.map((file) => `test/${file}`);
  const { code, output } = await execute(binary, runtime.command(paths), project);
  const [passed, skipped] = [runtime.passed, runtime.skipped].map((summary) =>
    Number(summary.exec(output)?.[1] ?? 0),
  );
  if (code !== 0 || (isCI && skipped)) throw new Error(output);
  // A runner that found nothing is content with that.
  if (!passed && !skipped) throw new Error(`No test ran:\n${output}`);
  return `${passed} tests passed${skipped ? `, ${skipped} skipped` : ""} in ${here.length} files`;
}

async function firstOf(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
}

function execute(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    // Nothing that a runtime caches stays, and none looks for a newer version of itself.
    const env = {
      ...process.env,
      NO_COLOR: "1",
      DENO_DIR: join(scratch, "deno"),
      DENO_NO_UPDATE_CHECK: "1",
      DO_NOT_TRACK: "1",
    };
    const child = spawn(program, args, {
      cwd,
      env,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: LONGEST_RUN,
      killSignal: "SIGKILL",
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}
