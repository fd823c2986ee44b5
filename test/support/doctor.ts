// What `harpiats doctor` finds, short enough to compare; and an older server, made of a newer one.
import assert from "node:assert/strict";
import { createConnection, createServer, type Socket } from "node:net";
import type { Ran, Surroundings } from "./command.ts";

/** What is not ok: check by check, `fault` or `advice`. */
export async function faultsOf(
  run: (argv: string, given?: Surroundings) => Promise<Ran>,
  url: string,
  now?: () => number,
): Promise<Record<string, string>> {
  const { code, out, err } = await run(`doctor --store ${url} --json`, now && { now });
  assert.notEqual(out, "", err);
  const { faults, findings } = JSON.parse(out) as {
    faults: number;
    findings: { check: string; status: string; found: string; mend?: string }[];
  };
  assert.equal(code, faults === 0 ? 0 : 1);
  for (const { check, status, mend } of findings)
    assert.equal(mend === undefined, status === "ok", check);
  return Object.fromEntries(
    findings.filter(({ status }) => status !== "ok").map(({ check, status }) => [check, status]),
  );
}

/** A proxy on loopback before a real server, that says another version of the same length. */
export async function startOlder(
  targetPort: number,
  version: string,
  older: string,
): Promise<{ port: number; close(): Promise<void> }> {
  assert.equal(version.length, older.length);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = createConnection({ port: targetPort, host: "127.0.0.1" });
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on("error", () => {});
    }
    client.pipe(target);
    target.on("data", (chunk) =>
      client.write(Buffer.from(chunk.toString("latin1").replaceAll(version, older), "latin1")),
    );
    target.on("close", () => client.destroy());
    client.on("close", () => target.destroy());
  });
  const port = await new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port)),
  );
  return {
    port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
