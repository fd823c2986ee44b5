// `npm run test:races`: the races that take too long for `npm test`: all pairs where it runs the
// most telling ones, and three at once. A step of its own in CI. `npm run test:races -- all` runs
// them on every store, which takes up to an hour: before a release.
import { fileURLToPath } from "node:url";
import { show } from "./command.ts";

const project = fileURLToPath(new URL("../../", import.meta.url));
const runner = fileURLToPath(new URL("test.js", import.meta.url));
const FILES = [
  "races/redis-protocol",
  "races/postgres-pglite",
  "races/postgres-pgbouncer",
  "races/encrypted",
  "races/memory",
];
const OTHERS = ["races/sqlite", "races/redis.test", "races/postgres.test", "races/mysql"];
const files = process.argv.includes("all") ? [...FILES, ...OTHERS] : FILES;

// A file of all pairs takes longer than any other test.
const LIMIT = "--test-timeout=3600000";

process.exitCode = await show(process.execPath, [runner, LIMIT, ...files], {
  cwd: project,
  env: { ...process.env, HARPIATS_EXHAUSTIVE: "true" },
});
