// `npm run test:races`: the races that take too long for `npm test`: all pairs where it runs the
// most telling ones, and three at once. A step of its own in CI.
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
  "races/sqlite",
  "races/redis.test",
  "races/postgres.test",
  "races/mysql",
];

process.exitCode = await show(process.execPath, [runner, ...FILES], {
  cwd: project,
  env: { ...process.env, HARPIATS_EXHAUSTIVE: "true" },
});
