// A PostgreSQL that waits for the disk as in production, and its own count of the statements it was
// sent.
import { execFile } from "node:child_process";
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { chown } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { findProgram, freePort, startProgram } from "./program.js";

const exec = promisify(execFile);
// Debian keeps it off PATH, since several versions can live side by side: the newest.
const DEBIAN = "/usr/lib/postgresql";
const versions = existsSync(DEBIAN)
  ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a))
  : [];

export const program = findProgram(
  "postgres",
  versions.map((version) => join(DEBIAN, version, "bin")),
);

/** @param more settings beside those that it comes with. */
export async function start(folder, more = {}) {
  const user = await otherUser();
  if (user) await chown(folder, user.uid, user.gid);
  const data = join(folder, "data");
  // What is on PATH may be a link: the other programs are beside the file itself.
  const initdb = join(dirname(realpathSync(program)), "initdb");
  await exec(
    initdb,
    ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
    { ...user, cwd: folder },
  );
  const port = await freePort();
  const settings = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: 150,
    shared_preload_libraries: "pg_stat_statements",
    "pg_stat_statements.track": "top",
    ...more,
  };
  const args = [
    "-D",
    data,
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
  const end = await startProgram(realpathSync(program), args, {
    ...user,
    cwd: folder,
    readyWhen: "system is ready to accept connections",
  });
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("CREATE EXTENSION pg_stat_statements");
  const count =
    "SELECT COALESCE(sum(calls), 0) AS calls FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%'";
  return {
    options: { url },
    versions: { PostgreSQL: (await client.query("SHOW server_version")).rows[0].server_version },
    commands: async () => Number((await client.query(count)).rows[0].calls),
    async stop() {
      await client.end();
      // Immediate shutdown: the folder is thrown away.
      await end("SIGQUIT");
    },
  };
}

/** PostgreSQL refuses to run as root. */
async function otherUser() {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all(
    ["-u", "-g"].map(async (flag) => Number((await exec("id", [flag, "postgres"])).stdout)),
  );
  return { uid, gid };
}
