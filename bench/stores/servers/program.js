// Starts a program on a free port in a temporary folder, and ends it by its process id. Knows no
// server.
import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";

/** Where a program is, on PATH or in these folders; `undefined` when it is not installed. */
export function findProgram(name, folders = []) {
  return [...(process.env.PATH ?? "").split(delimiter), ...folders]
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** Starts it and resolves once it has said `readyWhen`. */
export async function startProgram(program, args, { readyWhen, ...options }) {
  const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const killNow = () => child.kill("SIGKILL");
  // A run that crashes or is interrupted must not leave a server behind. It ends before its folder
  // goes.
  process.prependOnceListener("exit", killNow);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  let log = "";
  await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`Cannot start ${program}: ${log}`)));
    // Both stay listened to: a pipe that nobody reads would stop the server once it is full.
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        log = (log + text).slice(-4000);
        if (log.includes(readyWhen)) resolve();
      });
    }
  });
  return async (signal) => {
    process.off("exit", killNow);
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
  };
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
