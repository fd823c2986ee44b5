// A node that is new enough for an application: this one, or the newest of those that the runtimes'
// tests install.
import { access } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "../../tools/command.ts";

/**
 * The folder of a node that is at least as new, to be put first on the PATH.
 *
 * @throws Error where there is none.
 */
export async function folderOfNode(
  [major, minor]: readonly [number, number],
  project: string,
): Promise<string> {
  const [ownMajor = 0, ownMinor = 0] = process.versions.node.split(".").map(Number);
  if (ownMajor > major || (ownMajor === major && ownMinor >= minor))
    return dirname(process.execPath);
  const runtimes = join(project, "test/runtimes");
  const folder = join(runtimes, `node_modules/node-24-${process.platform}-${process.arch}/bin`);
  const isThere = (): Promise<boolean> =>
    access(join(folder, "node")).then(
      () => true,
      () => false,
    );
  if (!(await isThere())) await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: runtimes });
  if (!(await isThere()))
    throw new Error(
      `Cannot run it: node ${process.versions.node} is older than ${major}.${minor}, and there is no package of node 24 for ${process.platform}-${process.arch}`,
    );
  return folder;
}
