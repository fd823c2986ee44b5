// The applications of examples/apps as a stranger would build them: copied, installed with the
// packed tarball, built, started and visited over HTTP; then the adapter's conformance inside each.
// `npm run test:apps -- next` does one. Nothing of it stays.
import { cp, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../../tools/command.ts";
import { Steps } from "../../tools/steps.ts";
import { APP_KINDS, type AppKind } from "./app-kinds.ts";
import { folderOfNode } from "./newer-node.ts";
import { PageVisitor } from "./page-visitor.ts";
import { startApp } from "./running-app.ts";
import { SCRIPTED } from "./scripted-visit.ts";
import { visit } from "./visit.ts";

const project = fileURLToPath(new URL("../../../", import.meta.url));
const pages = join(project, "test/apps/pages");
const wanted = process.argv.slice(2);
const kinds = APP_KINDS.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
const scratch = await mkdtemp(join(tmpdir(), "harpiats-apps-"));
const steps = new Steps();
// No framework tells its makers that we were here, and none looks at whether this is somebody's CI.
const QUIET = {
  NEXT_TELEMETRY_DISABLED: "1",
  ASTRO_TELEMETRY_DISABLED: "1",
  DO_NOT_TRACK: "1",
  NO_COLOR: "1",
};
let tarball = "";

try {
  if (kinds.length === 0)
    throw new Error(
      `There is no application ${wanted.join(", ")}: ${APP_KINDS.map(({ name }) => name).join(", ")} are there`,
    );
  if (await steps.do("npm pack builds and packs", pack))
    for (const kind of kinds) await tryApp(kind);
} finally {
  await rm(scratch, { recursive: true, force: true });
}
steps.end();

async function pack(): Promise<void> {
  await run("npm", ["pack", "--pack-destination", scratch], { cwd: project });
  const name = (await readdir(scratch)).find((file) => file.endsWith(".tgz"));
  if (name === undefined) throw new Error("npm pack left no tarball");
  tarball = join(scratch, name);
}

async function tryApp(kind: AppKind): Promise<void> {
  const { name } = kind;
  const folder = join(scratch, name);
  let env: NodeJS.ProcessEnv = {};
  const isBuilt =
    (await steps.do(`${name}: installs with the tarball`, async () => {
      env = {
        ...process.env,
        ...QUIET,
        PATH: [await folderOfNode(kind.node, project), process.env["PATH"]].join(delimiter),
      };
      await copy(kind, folder);
      // What the lockfile says, and our tarball. Scripts of packages are not needed.
      await run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", tarball], {
        cwd: folder,
        env,
      });
    })) &&
    (await steps.do(`${name}: compiles, and builds`, async () => {
      await run("npm", ["run", "--if-present", "check"], { cwd: folder, env });
      await run("npm", ["run", "build"], { cwd: folder, env });
    }));
  if (!isBuilt) return;
  await visitApp(kind, folder, env);
  await steps.do(`${name}: keeps the adapter's promises`, async () => {
    // A framework may leave something open; Astro's build would listen by itself.
    const output = await run(
      "node",
      [
        "--test-force-exit",
        join(dirname(fileURLToPath(import.meta.url)), "conformance.js"),
        name,
        folder,
      ],
      { cwd: folder, env: { ...env, NODE_ENV: "production", ASTRO_NODE_AUTOSTART: "disabled" } },
    );
    if (!/^(ℹ|#) pass [1-9]/m.test(output)) throw new Error(`No test ran\n${output}`);
  });
  // The next one needs the space.
  await rm(folder, { recursive: true, force: true });
}

/** The example, and beside it the pages that only tests need. */
async function copy(kind: AppKind, folder: string): Promise<void> {
  const built = /\/(node_modules|\.next|\.svelte-kit|\.react-router|\.astro|build|dist)(\/|$)/;
  await mkdir(folder);
  const example = join(project, "examples/apps", kind.name);
  await cp(example, folder, {
    recursive: true,
    filter: (path) => !built.test(path.slice(example.length)),
  });
  for (const [from, to] of Object.entries(kind.moved))
    await rename(join(folder, from), join(folder, to));
  await cp(join(pages, kind.name), folder, { recursive: true });
  await cp(join(pages, "conformance.ts"), join(folder, kind.conformanceFile));
  if (kind.streamedFile !== undefined)
    await cp(join(pages, "streamed.ts"), join(folder, kind.streamedFile));
}

async function visitApp(kind: AppKind, folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const step = (name: string, check: () => Promise<void>): Promise<boolean> =>
    steps.do(`${kind.name}: ${name}`, check);
  let running: Awaited<ReturnType<typeof startApp>> | undefined;
  await step("starts", async () => void (running = await startApp(kind, folder, env)));
  if (!running) return;
  try {
    const app = { url: running.url, headers: kind.headers, pages: kind.pages };
    await visit(app, step);
    for (const [name, check] of Object.entries(SCRIPTED[kind.name] ?? {}))
      await step(name, () => check(new PageVisitor(app.url, app.headers), app));
  } finally {
    await running.stop();
  }
}
