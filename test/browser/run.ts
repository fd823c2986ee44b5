// `npm run test:browser`: installs what the tests here need (this folder's packages by npm,
// Chromium by apt-get where it may) and hands them to node's runner.
// `npm run test:browser -- admin` runs those with that in their name.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run, show } from "../../tools/command.ts";
import { provideServers } from "../../tools/test-servers.ts";
import { projectFolder } from "../support/project.ts";

// Of a whole file as well as of a test.
const LONGEST_TEST = 180_000;

/**
 * Makes sure that the browser and its packages are there.
 *
 * @returns what to tell about what is still missing.
 */
export async function provideBrowser(): Promise<string[]> {
  const home = join(projectFolder, "test/browser");
  if (!existsSync(join(home, "node_modules/.package-lock.json")))
    await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: home });
  return provideServers(fileURLToPath(new URL("../", import.meta.url)), ["browser/chromium.js"]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const filters = process.argv.slice(2);
  const here = fileURLToPath(new URL("./", import.meta.url));
  const tests = (await readdir(here)).filter(
    (name) =>
      name.endsWith(".test.js") &&
      (filters.length === 0 || filters.some((filter) => name.includes(filter))),
  );
  const missing = await provideBrowser();
  for (const line of missing) process.stderr.write(`${line}\n`);
  if (missing.length > 0 || tests.length === 0) process.exitCode = 1;
  // One file after the other: each has a browser of its own, which takes both cores.
  else
    process.exitCode = await show(
      process.execPath,
      [
        "--test",
        "--enable-source-maps",
        "--test-reporter=spec",
        "--test-concurrency=1",
        `--test-timeout=${LONGEST_TEST}`,
        ...tests.map((name) => join(here, name)),
      ],
      { cwd: projectFolder },
    );
}
