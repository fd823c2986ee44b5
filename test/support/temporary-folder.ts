// A folder of a test's own, which goes with the test's process at the latest.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { forgetFolder, removeWithUs } from "./children.ts";

/** Makes a folder, and says how to take it away with all that is in it. */
export async function temporaryFolder(
  name?: string,
): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(
    join(tmpdir(), name === undefined ? "harpiats-" : `harpiats-${name}-`),
  );
  removeWithUs(path);
  return {
    path,
    async remove() {
      await rm(path, { recursive: true, force: true });
      forgetFolder(path);
    },
  };
}
