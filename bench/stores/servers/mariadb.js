// A MariaDB as it comes, and its own count of the statements it was sent.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import mysql from "mysql2/promise";
import { findProgram, freePort, startProgram } from "./program.js";

export const program = findProgram("mariadbd", ["/usr/sbin"]);

/** @param more settings beside those that it comes with. */
export async function start(folder, more = {}) {
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
    ...more,
  };
  // Without users there are no system tables to make first, which takes most of the time.
  const args = [
    "--no-defaults",
    "--skip-grant-tables",
    ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`),
  ];
  // It refuses to run as root without being told.
  if (process.getuid?.() === 0) args.push("--user=root");
  const end = await startProgram(program, args, {
    cwd: folder,
    readyWhen: "ready for connections",
  });
  const server = { host: "127.0.0.1", port, user: "root" };
  const client = await mysql.createConnection(server);
  await client.query("CREATE DATABASE harpiats");
  let asked = 0;
  return {
    options: { connection: { ...server, database: "harpiats" } },
    versions: { MariaDB: (await client.query("SELECT VERSION() AS version"))[0][0].version },
    async commands() {
      const [[{ Value: questions }]] = await client.query("SHOW GLOBAL STATUS LIKE 'Questions'");
      // It counts this question as well.
      return Number(questions) - ++asked;
    },
    async stop() {
      client.destroy();
      await end("SIGKILL");
    },
  };
}
