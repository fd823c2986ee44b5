// The process of a server that a test starts for itself: a free port, and when it is ready.
import type { ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { within } from "./waits.ts";

// Characters: whoever connects too early is told so in the log, and may be many.
const LONGEST_LOG = 20_000;

/**
 * `undefined` once it has said `word` on stderr: it takes connections. What it said if it ended
 * instead.
 */
export function readyOrLog(child: ChildProcess, word: string): Promise<string | undefined> {
  let log = "";
  const said = new Promise<string | undefined>((resolve, reject) => {
    child.stderr?.setEncoding("utf8");
    // It stays listened to: a pipe that nobody reads would stop the server once it is full.
    child.stderr?.on("data", (chunk: string) => {
      log = (log + chunk).slice(-LONGEST_LOG);
      if (log.includes(word)) resolve(undefined);
    });
    child.once("error", reject);
    child.once("exit", () => resolve(log));
  });
  return within(`${child.spawnfile} to say "${word}"`, said, { limit: 60_000, seen: () => log });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
