// Folders for servers' data: gone at the end, also where the run is interrupted or fails.
import { rmSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), "harpiats-bench-"));
  // PostgreSQL runs as another user, who has to get in.
  await chmod(path, 0o755);
  // What still writes into it is ended by listeners that come before this one.
  const removeNow = () => rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  process.once("exit", removeNow);
  return {
    path,
    async remove() {
      await rm(path, { recursive: true, force: true, maxRetries: 5 });
      process.off("exit", removeNow);
    },
  };
}
