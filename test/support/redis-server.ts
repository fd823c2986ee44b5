// A real redis-server of the test's own: a free port, a temporary folder, ended by its process id.
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

export interface RedisServer {
  readonly port: number;
  /** For `createClient({ url })`. */
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

// Another process may take the port between finding it and using it.
const ATTEMPTS = 3;

/** For `describe(name, { skip: … }, …)`: why these tests cannot run here, `false` if they can. @throws when CI=true. */
export function skipWithoutRedis(): string | false {
  if (isOnPath("redis-server")) return false;
  const reason = "redis-server is not on PATH: apt-get install redis-server, brew install redis";
  if (process.env["CI"] === "true") throw new Error(`Cannot skip with CI=true: ${reason}`);
  return reason;
}

/** Starts a redis-server that keeps nothing on disk. */
export async function startRedisServer(): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), "harpiats-redis-"));
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const child = spawn("redis-server", ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    // A test that crashes must not leave a server behind.
    const kill = (): void => void child.kill("SIGKILL");
    process.once("exit", kill);
    if (await isReady(child)) {
      const stop = async (): Promise<void> => {
        process.off("exit", kill);
        await end(child);
        await rm(folder, { recursive: true, force: true });
      };
      return { port, url: `redis://127.0.0.1:${port}`, pid: child.pid as number, stop };
    }
    process.off("exit", kill);
    if (attempt === ATTEMPTS) throw new Error(`Cannot start redis-server: ${ATTEMPTS} times it ended before it was ready`);
  }
}

function isOnPath(program: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function freePort(): Promise<number> {
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

function isReady(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let log = "";
    child.stdout?.setEncoding("utf8");
    // It stays listened to: a pipe that nobody reads would stop the server once it is full.
    child.stdout?.on("data", (chunk: string) => {
      if (log.includes("Ready to accept connections")) return;
      log += chunk;
      if (log.includes("Ready to accept connections")) resolve(true);
    });
    child.once("error", reject);
    child.once("exit", () => resolve(false));
  });
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}
