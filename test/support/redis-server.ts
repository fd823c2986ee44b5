// A real redis-server of the test's own: a free port, a temporary folder, ended by its process id.
import type { ChildProcess } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { spawn } from "./children.ts";
import { freePort } from "./server-process.ts";
import { skipReason } from "./skip-reason.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { end, within } from "./waits.ts";

export interface RedisServer {
  readonly port: number;
  /** For `createClient({ url })`. */
  readonly url: string;
  readonly pid: number;
  /** Ends it with SIGKILL, as a power cut would. What it keeps on disk stays. */
  kill(): Promise<void>;
  /** Starts it again after {@link RedisServer.kill}, on the same port and what is left on disk. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** Further arguments, such as `["--appendonly", "yes"]`. By default it keeps nothing on disk. */
  arguments?: readonly string[];
  /** Listens with TLS alone. */
  tls?: { certificate: string; key: string };
}

// Another process may take the port between finding it and using it.
const ATTEMPTS = 3;

/**
 * For `describe(name, { skip: … }, …)`: why these tests cannot run here, `false` if they can.
 *
 * @throws when CI=true.
 */
export function skipWithoutRedis(program = "redis-server"): string | false {
  return skipWithout(program, "apt-get install redis-server, brew install redis");
}

/** The same for any program. */
export function skipWithout(program: string, how: string): string | false {
  return !isOnPath(program) && skipReason(`${program} is not on PATH: ${how}`);
}

/** Starts a redis-server that keeps nothing on disk, unless its arguments say so. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = await temporaryFolder("redis");
  let child: ChildProcess;
  const start = async (port: number): Promise<boolean> => {
    const listening = options.tls
      ? [
          "--port",
          "0",
          "--tls-port",
          String(port),
          "--tls-cert-file",
          options.tls.certificate,
          "--tls-key-file",
          options.tls.key,
          "--tls-auth-clients",
          "no",
        ]
      : ["--port", String(port)];
    const common = [
      ...listening,
      "--bind",
      "127.0.0.1",
      "--dir",
      folder.path,
      "--save",
      "",
      "--appendonly",
      "no",
    ];
    child = spawn("redis-server", [...common, ...(options.arguments ?? [])], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    return isReady(child);
  };
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const port = await freeLowPort();
    if (!(await start(port))) continue;
    return {
      port,
      url: `${options.tls ? "rediss" : "redis"}://127.0.0.1:${port}`,
      get pid() {
        return child.pid as number;
      },
      kill: () => end(child, "SIGKILL"),
      async restart() {
        if (!(await start(port)))
          throw new Error(
            `Cannot start redis-server again on port ${port}: it ended before it was ready`,
          );
      },
      async stop() {
        await end(child, "SIGTERM");
        await folder.remove();
      },
    };
  }
  await folder.remove();
  throw new Error(`Cannot start redis-server: ${ATTEMPTS} times it ended before it was ready`);
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

/** A node of a cluster also listens on the port 10,000 above its own. */
async function freeLowPort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = await freePort();
    if (port > 0 && port < 55_000) return port;
  }
  throw new Error("Cannot find a free port below 55000 in 100 tries");
}

function isReady(child: ChildProcess): Promise<boolean> {
  const said = new Promise<boolean>((resolve, reject) => {
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
  return within("redis-server to be ready", said);
}
