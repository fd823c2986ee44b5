// `npm test`: sees to the servers that tests need, finds the tests and hands them to node's runner.
// `npm test -- core/http/cookies` runs those whose path has that in it; arguments that begin with a
// dash go to the runner. What passes is node's to say.
import { readdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { show } from "./command.ts";
import { providePackagesApart } from "../test/support/packages-apart.ts";
import { provideServers } from "./test-servers.ts";

const project = fileURLToPath(new URL("../../", import.meta.url));
const testFolder = fileURLToPath(new URL("../test/", import.meta.url));
// The runtimes and the browser have their own runners, and types are tested by compiling them.
const ELSEWHERE = ["runtimes/", "browser/", "types/"];
// A test that hangs must not hang whoever runs it.
const LONGEST_TEST = 300_000;

const flags = process.argv.slice(2).filter((argument) => argument.startsWith("-"));
const filters = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));

const names = await readdir(testFolder, { recursive: true }).catch(() => []);
const tests = names
  .map((name) => name.replaceAll(sep, "/"))
  .filter(
    (name) => name.endsWith(".test.js") && !ELSEWHERE.some((folder) => name.startsWith(folder)),
  )
  .filter((name) => filters.length === 0 || filters.some((filter) => name.includes(filter)))
  .sort();

if (tests.length === 0) {
  process.stderr.write(
    `No test has ${filters.join(" or ") || "been compiled"}${filters.length > 0 ? " in its path" : ""}\n`,
  );
  process.exit(1);
}

for (const line of await provideServers(testFolder, tests)) process.stderr.write(`${line}\n`);
await providePackagesApart(tests);

// One more than there are cores: much of the time is a server's, or a round trip's.
const runner = [
  "--test",
  "--enable-source-maps",
  `--test-concurrency=${availableParallelism() + 1}`,
  `--test-timeout=${LONGEST_TEST}`,
];
const reporters = [
  ["spec", "stdout"],
  [new URL("skipped-tests.js", import.meta.url).href, "stderr"],
].flatMap(([reporter, destination]) => [
  `--test-reporter=${reporter}`,
  `--test-reporter-destination=${destination}`,
]);

process.exitCode = await show(
  process.execPath,
  [...runner, ...reporters, ...flags, ...tests.map((test) => join(testFolder, test))],
  { cwd: project },
);
