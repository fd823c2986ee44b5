// An application that was built, as a process of its own on a free port of loopback.
import { freePort } from "../support/server-process.ts";
import type { AppKind } from "./app-kinds.ts";
import { exitOf } from "../support/waits.ts";
import { spawn } from "../support/children.ts";

const LONGEST_START = 30_000;

export interface AppProcess {
  url: string;
  stop(): Promise<void>;
}

/**
 * Starts it, and waits until it answers.
 *
 * @throws Error with all that it printed when it does not.
 */
export async function startApp(
  kind: AppKind,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<AppProcess> {
  const port = await freePort();
  const { args, env: own } = kind.start(port);
  // A group of its own: what it starts ends with it.
  const child = spawn("node", args, {
    cwd: folder,
    env: { ...env, NODE_ENV: "production", ...own },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const stop = async (): Promise<void> => {
    if (child.pid !== undefined) {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
    await exitOf(child);
  };
  const url = `http://127.0.0.1:${port}`;
  if (await answers(url, kind.headers, () => child.exitCode !== null)) return { url, stop };
  await stop();
  throw new Error(`It did not answer on ${url}\n${output}`);
}

async function answers(
  url: string,
  headers: Record<string, string>,
  hasEnded: () => boolean,
): Promise<boolean> {
  const until = Date.now() + LONGEST_START;
  while (Date.now() < until && !hasEnded()) {
    try {
      await (await fetch(url, { headers, redirect: "manual" })).arrayBuffer();
      return true;
    } catch {
      await new Promise((done) => setTimeout(done, 50));
    }
  }
  return false;
}
