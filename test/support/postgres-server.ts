// A real PostgreSQL of the test's own: a free port, a temporary folder, ended by its process id.
import { type ChildProcess, execFile } from "node:child_process";
import { accessSync, constants, readdirSync } from "node:fs";
import { chown, realpath } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { spawn } from "./children.ts";
import { freePort, readyOrLog } from "./server-process.ts";
import { skipReason } from "./skip-reason.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { end, exitOf } from "./waits.ts";

const exec = promisify(execFile);

export interface PostgresServer {
  readonly port: number;
  /** For `new Pool({ connectionString: url })`. */
  readonly url: string;
  /** Ends every process of the server at once, with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and what it finds on disk. */
  start(): Promise<void>;
  /** Ends it for good and removes its folder. */
  stop(): Promise<void>;
}

export interface PostgresServerOptions {
  /**
   * Whether it waits for the disk at each commit, as in production. Default `false`, which is
   * faster.
   */
  isDurable?: boolean;
}

const program = findProgram();

/**
 * For `describe(name, { skip: … }, …)`: why these tests cannot run here, `false` if they can.
 *
 * @throws when CI=true.
 */
export function skipWithoutPostgres(): string | false {
  return (
    program === undefined &&
    skipReason("postgres is not installed: apt-get install postgresql, brew install postgresql")
  );
}

/** Makes a new cluster and starts it, with pg_stat_statements in the database `postgres`. */
export async function startPostgresServer(
  options: PostgresServerOptions = {},
): Promise<PostgresServer> {
  const { path: folder, remove } = await temporaryFolder("postgres");
  // Debian's postgres is a link: the other programs are beside the file itself.
  const binaries = dirname(await realpath(program ?? ""));
  const user = await otherUser();
  if (user) await chown(folder, user.uid, user.gid);
  const data = join(folder, "data");
  // Not the test's own folder, which the other user may not enter.
  await exec(
    join(binaries, "initdb"),
    ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
    { ...user, cwd: folder },
  );
  const port = await freePort();
  const settings = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    shared_buffers: "32MB",
    max_connections: 150,
    shared_preload_libraries: "pg_stat_statements",
    "pg_stat_statements.track": "top",
    ...(!options.isDurable && { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }),
  };
  const args = [
    "-D",
    data,
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
  let child: ChildProcess | undefined;

  const server: PostgresServer = {
    port,
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async kill() {
      const pid = child?.pid as number;
      // Each of its processes leads a group of its own: a signal to one group would leave the
      // others.
      const pids = [pid, ...(await childrenOf(pid))];
      for (const one of pids) killOne(one);
      await exitOf(child as ChildProcess);
    },
    async start() {
      // What was killed leaves memory behind that the next one has to see unused.
      for (let attempt = 1; ; attempt++) {
        child = spawn(join(binaries, "postgres"), args, {
          ...user,
          cwd: folder,
          stdio: ["ignore", "ignore", "pipe"],
        });
        const log = await readyOrLog(child, "system is ready to accept connections");
        if (log === undefined) return;
        if (attempt === 20) throw new Error(`Cannot start postgres: ${log}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    async stop() {
      // Immediate shutdown: the folder is thrown away.
      await end(child, "SIGQUIT");
      await remove();
    },
  };
  await server.start();
  return server;
}

/**
 * On PATH, or where Debian keeps it: versions can live side by side there, and the newest is taken.
 */
function findProgram(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = isThere(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...(process.env["PATH"] ?? "").split(delimiter),
    ...versions.map((version) => join(debian, version, "bin")),
  ];
  return folders.map((folder) => join(folder, "postgres")).find(isThere);
}

function isThere(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** PostgreSQL refuses to run as root. */
export async function otherUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all(
    ["-u", "-g"].map(async (flag) => Number((await exec("id", [flag, "postgres"])).stdout)),
  );
  return { uid: uid as number, gid: gid as number };
}

async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await exec("ps", ["-A", "-o", "pid=,ppid="]);
  const pairs = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  return pairs.flatMap(([child, parent]) => (parent === pid ? [child] : []));
}

function killOne(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}
