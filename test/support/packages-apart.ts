// Packages of which the project's own npm ci should not hear: some run an install script, one
// declares a newer Node, some are other libraries of the same trade. Each has a folder with its
// package.json, and is installed there when a test first asks for it.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { projectFolder } from "./project.ts";
import { until } from "./waits.ts";

// A build from source, where no binary can be fetched, takes a minute or two, and on a busy machine
// longer.
const LONGEST_INSTALL = 900_000;
/**
 * Where each is, below test/, and what the paths of the tests have in them that use it, unless a
 * tool asks for it.
 */
const APART = {
  "better-sqlite3": { path: "support/better-sqlite3", usedBy: "sqlite" },
  keyv6: { path: "support/keyv6", usedBy: "keyv" },
  "libraries to migrate from": { path: "migrate/before", usedBy: "migrate/" },
  NestJS: { path: "runtimes/nest", usedBy: "examples/sign-in" },
  "packages on req.session": {
    path: "express-session/packages",
    usedBy: "express-session/packages",
  },
  "PostgreSQL 18": { path: "support/postgres-newest", usedBy: undefined },
} as const;

type Folder = keyof typeof APART;

/** Loads the package of a folder, and installs it before if it is not there. */
export async function requireApart(folder: Folder, name: string): Promise<unknown> {
  return createRequire(join(await provideApart(folder), "package.json"))(name);
}

/** Installs the packages of a folder if they are not there. @returns where the folder is. */
export async function provideApart(folder: Folder): Promise<string> {
  const path = pathOf(folder);
  if (!isInstalled(path))
    await onlyOnce(
      join(path, "node_modules.lock"),
      async () => void (isInstalled(path) || (await install(path))),
    );
  return path;
}

/**
 * Installs what tests will ask for, before the runner's limit on their time counts.
 *
 * @param tests paths below test/.
 */
export async function providePackagesApart(tests: readonly string[]): Promise<void> {
  const isUsed = ({ usedBy }: { usedBy: string | undefined }): boolean =>
    usedBy !== undefined && tests.some((test) => test.includes(usedBy));
  const wanted = (Object.keys(APART) as Folder[]).filter(
    (folder) => !isInstalled(pathOf(folder)) && isUsed(APART[folder]),
  );
  if (wanted.length > 0) process.stdout.write(`Installing for the tests: ${wanted.join(", ")}\n`);
  await Promise.all(
    wanted.map((folder) =>
      onlyOnce(join(pathOf(folder), "node_modules.lock"), () => install(pathOf(folder))),
    ),
  );
}

function pathOf(folder: Folder): string {
  return join(projectFolder, "test", APART[folder].path);
}

/** npm writes it when everything else is done. */
function isInstalled(path: string): boolean {
  return existsSync(join(path, "node_modules/.package-lock.json"));
}

async function install(path: string): Promise<void> {
  await promisify(execFile)("npm", ["ci", "--no-audit", "--no-fund"], {
    cwd: path,
    timeout: LONGEST_INSTALL,
  });
}

/** Test files run side by side: one does it, the others wait for it. */
async function onlyOnce(lock: string, work: () => Promise<void>): Promise<void> {
  const isMine = async (): Promise<boolean> => {
    const isMade = await mkdir(lock).then(
      () => true,
      () => false,
    );
    if (isMade) return true;
    const age = await stat(lock).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    // Whoever took it was ended.
    if (age > LONGEST_INSTALL) await rm(lock, { recursive: true, force: true });
    await setTimeout(200);
    return false;
  };
  await until(`${lock} to be let go`, isMine, { limit: 2 * LONGEST_INSTALL });
  try {
    await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}
