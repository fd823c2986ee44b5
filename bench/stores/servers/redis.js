// A redis-server that keeps nothing on disk, and its own count of the commands it was sent.
import { createClient } from "redis";
import { findProgram, freePort, startProgram } from "./program.js";

export const program = findProgram("redis-server");

export async function start(folder) {
  const port = await freePort();
  const args = [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--dir",
    folder,
    "--save",
    "",
    "--appendonly",
    "no",
  ];
  const end = await startProgram(program, args, { readyWhen: "Ready to accept connections" });
  const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
  return {
    options: { url: `redis://127.0.0.1:${port}` },
    versions: { "redis-server": /redis_version:(\S+)/.exec(await client.info("server"))[1] },
    async commands() {
      const counts = [
        ...(await client.info("commandstats")).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm),
      ];
      // INFO is this question.
      return counts.reduce(
        (sum, [, name, calls]) => sum + (name === "info" ? 0 : Number(calls)),
        0,
      );
    },
    async stop() {
      client.destroy();
      await end("SIGTERM");
    },
  };
}
