// Packages of which the project's own npm ci should not hear: one runs an install script, one declares a newer Node. Each has a folder
// here with its package.json, and is installed there when a test first asks for it.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { projectFolder } from "./project.ts";

// A build from source, where no binary can be fetched, takes a minute or two, and on a busy machine longer.
const LONGEST_INSTALL = 900_000;
const USED_BY = { "better-sqlite3": "sqlite", keyv6: "keyv" } as const;

type Folder = keyof typeof USED_BY;

/** Loads the package of a folder, and installs it before if it is not there. */
export async function requireApart(folder: Folder, name: string): Promise<unknown> {
  const path = pathOf(folder);
  if (!isInstalled(path)) await onlyOnce(join(path, "node_modules.lock"), async () => void (isInstalled(path) || (await install(path))));
  return createRequire(join(path, "package.json"))(name);
}

/** Installs what tests will ask for, before the runner's limit on their time counts. @param tests paths below test/. */
export async function providePackagesApart(tests: readonly string[]): Promise<void> {
  for (const folder of Object.keys(USED_BY) as Folder[]) {
    const path = pathOf(folder);
    if (isInstalled(path) || !tests.some((test) => test.includes(USED_BY[folder]))) continue;
    process.stdout.write(`Installing ${folder} for the tests\n`);
    await onlyOnce(join(path, "node_modules.lock"), () => install(path));
  }
}

function pathOf(folder: Folder): string {
  return join(projectFolder, "test/support", folder);
}

/** npm writes it when everything else is done. */
function isInstalled(path: string): boolean {
  return existsSync(join(path, "node_modules/.package-lock.json"));
}

async function install(path: string): Promise<void> {
  await promisify(execFile)("npm", ["ci", "--no-audit", "--no-fund"], { cwd: path, timeout: LONGEST_INSTALL });
}

/** Test files run side by side: one does it, the others wait for it. */
async function onlyOnce(lock: string, work: () => Promise<void>): Promise<void> {
  for (;;) {
    const isMine = await mkdir(lock).then(
      () => true,
      () => false,
    );
    if (isMine) break;
    const age = await stat(lock).then(({ mtimeMs }) => Date.now() - mtimeMs, () => 0);
    // Whoever took it was ended.
    if (age > LONGEST_INSTALL) await rm(lock, { recursive: true, force: true });
    await setTimeout(200);
  }
  try {
    await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}
