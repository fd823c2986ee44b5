#!/usr/bin/env node
// The program `harpiats`: hands the process over to runCommand, and ends with its code.
import { readFile } from "node:fs/promises";
import { runCommand } from "./program.ts";

// SQLite is said to be experimental by Node 22 and 24: whoever lists sessions can do nothing about
// it.
process.removeAllListeners("warning");
process.on("warning", (warning) => {
  if (warning.name !== "ExperimentalWarning")
    process.stderr.write(`${warning.name}: ${warning.message}\n`);
});
// `harpiats sessions list | head` has read enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

// What npm itself reads.
const { version } = JSON.parse(
  await readFile(new URL("../../package.json", import.meta.url), "utf8"),
) as { version: string };
const { stdin, stdout, stderr, env } = process;
const exitCode = await runCommand(
  { stdin, stdout, stderr, env, now: Date.now },
  version,
  process.argv.slice(2),
);
// A module given by --config may keep connections open. What was written has to be out before.
stdout.write("", () => process.exit(exitCode));
