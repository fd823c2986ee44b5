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

// A build from source on a slow machine takes minutes.
const LONGEST_INSTALL = 280_000;

/** Loads the package of a folder, and installs it before if it is not there. */
export async function requireApart(folder: "better-sqlite3" | "keyv6", name: string): Promise<unknown> {
  const path = join(projectFolder, "test/support", folder);
  // npm writes it when everything else is done.
  const isInstalled = (): boolean => existsSync(join(path, "node_modules/.package-lock.json"));
  if (!isInstalled()) await onlyOnce(join(path, "node_modules.lock"), async () => void (isInstalled() || (await install(path))));
  return createRequire(join(path, "package.json"))(name);
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
