// A real MariaDB of the test's own: a free port, a temporary folder, ended by its process id.
import type { ChildProcess } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createConnection, type PoolOptions } from "mysql2/promise";
import { findServer } from "../../tools/test-servers.ts";
import { spawn } from "./children.ts";
import { freePort, readyOrLog } from "./server-process.ts";
import { skipReason } from "./skip-reason.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { end } from "./waits.ts";

export interface MariadbServer {
  readonly port: number;
  /** For `createPool(…)` of mysql2: the empty database `harpiats`. */
  readonly connection: PoolOptions & { host: string; port: number; user: string; database: string };
  /** Ends it at once, with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and what it finds on disk. */
  start(): Promise<void>;
  /** Ends it for good and removes its folder. */
  stop(): Promise<void>;
}

export interface MariadbServerOptions {
  /**
   * Whether it waits for the disk at each commit, as in production. Default `false`, which is
   * faster.
   */
  isDurable?: boolean;
  /** Further settings of the server, such as `transaction-isolation`. */
  settings?: Readonly<Record<string, string | number>>;
}

const program = await findServer("mariadbd");

/**
 * For `describe(name, { skip: … }, …)`: why these tests cannot run here, `false` if they can.
 *
 * @throws when CI=true.
 */
export function skipWithoutMariadb(): string | false {
  return (
    program === undefined &&
    skipReason("mariadbd is not installed: apt-get install mariadb-server, brew install mariadb")
  );
}

/** Starts a server with nothing in it. */
export async function startMariadbServer(
  options: MariadbServerOptions = {},
): Promise<MariadbServer> {
  const { path: folder, remove } = await temporaryFolder("mariadb");
  const data = join(folder, "data");
  await mkdir(data);
  const port = await freePort();
  const settings = {
    datadir: data,
    port,
    socket: join(folder, "mariadbd.sock"),
    "pid-file": join(folder, "mariadbd.pid"),
    "bind-address": "127.0.0.1",
    "max-connections": 200,
    "innodb-log-file-size": "8M",
    "innodb-buffer-pool-size": "32M",
    ...(!options.isDurable && {
      "innodb-flush-log-at-trx-commit": 0,
      "innodb-flush-method": "nosync",
    }),
    ...options.settings,
  };
  // Without users there are no system tables to make first, which takes most of the time.
  const args = [
    "--no-defaults",
    "--skip-grant-tables",
    ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`),
  ];
  // It refuses to run as root without being told.
  if (process.getuid?.() === 0) args.push("--user=root");
  let child: ChildProcess | undefined;

  const server: MariadbServer = {
    port,
    connection: { host: "127.0.0.1", port, user: "root", database: "harpiats" },
    kill: () => end(child),
    async start() {
      child = spawn(program ?? "mariadbd", args, {
        cwd: folder,
        stdio: ["ignore", "ignore", "pipe"],
      });
      const log = await readyOrLog(child, "ready for connections");
      if (log !== undefined) throw new Error(`Cannot start mariadbd: ${log}`);
    },
    async stop() {
      // The folder is thrown away: there is nothing to write in order.
      await server.kill();
      await remove();
    },
  };
  await server.start();
  if (options.isDurable) {
    // A new server's first pages are on disk once it has ended in order: as after every
    // installation.
    await end(child, "SIGTERM");
    await server.start();
  }
  const connection = await createConnection({ ...server.connection, database: "" });
  await connection.query("CREATE DATABASE harpiats");
  await connection.end();
  return server;
}
