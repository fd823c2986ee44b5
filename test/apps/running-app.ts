// An application that was built, as a process of its own on a free port of loopback.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import type { AppKind } from "./app-kinds.ts";

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
  const closed = once(child, "close");
  const stop = async (): Promise<void> => {
    if (child.pid !== undefined) {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
    await closed;
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  // A server that listens on a port has an address with one.
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
