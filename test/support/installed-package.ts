// The package as it is when it was installed beside some drivers and not beside others: a copy in a
// node_modules of its own.
import { cp, mkdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { requireApart } from "./packages-apart.ts";
import { projectFolder } from "./project.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export interface InstalledPackage {
  /** A folder whose node_modules has it. */
  readonly path: string;
  /** The program, as npm links it. */
  readonly bin: string;
  /** What a file of dist exports. */
  load(file: string): Promise<Record<string, unknown>>;
  remove(): Promise<void>;
}

// What comes with it, and what is part of the published files.
const DEPENDENCIES = ["cookie"];
const BUNDLED = ["commander", "@bomb.sh/tab", "hono", "srvx"];

/**
 * @param drivers packages of the project; better-sqlite3 is the one that tests have apart.
 * @param code what is published, or what was compiled with the tests, whose inner files can be
 * loaded.
 */
export async function installPackage(
  drivers: readonly string[],
  code: "published" | "compiled" = "published",
): Promise<InstalledPackage> {
  const folder = await temporaryFolder();
  const modules = join(folder.path, "node_modules");
  const home = join(modules, "harpiats");
  await mkdir(home, { recursive: true });
  const source =
    code === "published"
      ? join(projectFolder, "dist")
      : fileURLToPath(new URL("../../src/", import.meta.url));
  await cp(source, join(home, "dist"), { recursive: true });
  await cp(join(projectFolder, "package.json"), join(home, "package.json"));
  if (drivers.includes("better-sqlite3")) await requireApart("better-sqlite3", "better-sqlite3");
  const packages = code === "published" ? DEPENDENCIES : [...DEPENDENCIES, ...BUNDLED];
  for (const name of [...packages, ...drivers]) {
    const from =
      name === "better-sqlite3" ? "test/support/better-sqlite3/node_modules" : "node_modules";
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(projectFolder, from, name), join(modules, name), "junction");
  }
  return {
    path: folder.path,
    bin: join(home, "dist/cli/main.js"),
    load: async (file) =>
      (await import(pathToFileURL(join(home, "dist", file)).href)) as Record<string, unknown>,
    remove: folder.remove,
  };
}
