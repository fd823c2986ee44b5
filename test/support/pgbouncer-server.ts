// A real PgBouncer of the test's own before a PostgreSQL: a free port, a temporary folder, ended by
// its process id.
import { execFile } from "node:child_process";
import { chown, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { findServer } from "../../tools/test-servers.ts";
import { spawn } from "./children.ts";
import { otherUser, type PostgresServer } from "./postgres-server.ts";
import { freePort, readyOrLog } from "./server-process.ts";
import { skipReason } from "./skip-reason.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { end } from "./waits.ts";

export type PoolMode = "session" | "transaction" | "statement";

export interface PgbouncerServer {
  /** For `new Pool({ connectionString: url(mode) })`: one database, with a pool for each mode. */
  url(mode: PoolMode): string;
  stop(): Promise<void>;
}

export interface PgbouncerOptions {
  /**
   * Prepared statements that it keeps for each connection. Default 0: none. More takes
   * {@link keepsPreparedStatements}.
   */
  maxPreparedStatements?: number;
}

const MODES: readonly PoolMode[] = ["session", "transaction", "statement"];
// So few that clients are given one another's. A session keeps its own.
const CONNECTIONS = { session: 10, transaction: 3, statement: 3 };
const program = await findServer("pgbouncer");
const version =
  program === undefined ? undefined : (await promisify(execFile)(program, ["--version"])).stdout;
const [, major = 0, minor = 0] = (/PgBouncer (\d+)\.(\d+)/.exec(version ?? "") ?? []).map(Number);

/** From PgBouncer 1.21 on, unless it is told not to. */
export const keepsPreparedStatements = major > 1 || minor >= 21;

/**
 * For `describe(name, { skip: … }, …)`: why these tests cannot run here, `false` if they can.
 *
 * @throws when CI=true.
 */
export function skipWithoutPgbouncer(): string | false {
  return (
    program === undefined &&
    skipReason("pgbouncer is not installed: apt-get install pgbouncer, brew install pgbouncer")
  );
}

/** Starts one before a server. It asks nobody who they are. */
export async function startPgbouncer(
  server: PostgresServer,
  { maxPreparedStatements = 0 }: PgbouncerOptions = {},
): Promise<PgbouncerServer> {
  const { path: folder, remove } = await temporaryFolder("pgbouncer");
  // Like PostgreSQL it refuses to run as root.
  const user = await otherUser();
  if (user) await chown(folder, user.uid, user.gid);
  const port = await freePort();
  const databases = MODES.map(
    (mode) =>
      `${mode} = host=127.0.0.1 port=${server.port} dbname=postgres user=postgres pool_mode=${mode} pool_size=${CONNECTIONS[mode]}`,
  );
  const settings = {
    listen_addr: "127.0.0.1",
    listen_port: port,
    unix_socket_dir: "",
    auth_type: "any",
    max_client_conn: 200,
    ...(keepsPreparedStatements && { max_prepared_statements: maxPreparedStatements }),
  };
  const lines = [
    "[databases]",
    ...databases,
    "[pgbouncer]",
    ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
  ];
  const file = join(folder, "pgbouncer.ini");
  await writeFile(file, lines.join("\n"));

  const child = spawn(program ?? "", [file], {
    ...user,
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const log = await readyOrLog(child, "process up");
  if (log !== undefined) throw new Error(`Cannot start pgbouncer: ${log}`);
  return {
    url: (mode) => `postgres://postgres@127.0.0.1:${port}/${mode}`,
    async stop() {
      await end(child);
      await remove();
    },
  };
}
