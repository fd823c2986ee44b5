// The example as its visitors meet it: two processes of it on one database.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { extname } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type PostgresServer, skipWithoutPostgres, startPostgresServer } from "../support/postgres-server.ts";

const program = fileURLToPath(new URL(`../../examples/stores/postgres${extname(import.meta.url)}`, import.meta.url));

describe("examples/stores/postgres", { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  const processes: ChildProcess[] = [];
  const start = async (): Promise<string> => {
    const child = spawn(process.execPath, [program], { env: { PATH: process.env["PATH"], DATABASE_URL: server.url, PORT: "0" }, stdio: ["ignore", "pipe", "pipe"] });
    processes.push(child);
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    const line = await Promise.race([once(createInterface(child.stdout), "line"), once(child, "close").then(() => [""])]);
    const [url] = /http:\/\/\S+[^/]/.exec(String(line[0])) ?? [];
    assert.ok(url, `the example ended: ${errors}`);
    return url;
  };
  before(async () => void (server = await startPostgresServer({ isDurable: true })));
  after(async () => {
    for (const child of processes) {
      if (child.exitCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    }
    await server.stop();
  });

  it("signs in at one process, is known at the other, is signed out at both, and answers 503 while the database is away", async () => {
    const [one, other] = await Promise.all([start(), start()]);
    const login = await fetch(`${one}/login`, { method: "POST", body: JSON.stringify({ name: "ada" }), headers: { "content-type": "application/json" } });
    const cookie = login.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    const profile = async (url: string): Promise<[number, unknown]> => {
      const response = await fetch(`${url}/profile`, { headers: { cookie } });
      return [response.status, await response.json()];
    };
    assert.deepEqual(await profile(other), [200, { userId: "ada", visits: 0 }]);
    assert.deepEqual(await profile(one), [200, { userId: "ada", visits: 1 }]);
    await server.kill();
    assert.equal((await profile(one))[0], 503);
    await server.start();
    // A connection that the pool has kept may be found broken by the request that uses it: once, and then there is a new one.
    let reply = await profile(other);
    for (let attempt = 0; attempt < 5 && reply[0] === 503; attempt++) reply = await profile(other);
    assert.deepEqual(reply, [200, { userId: "ada", visits: 2 }]);
    assert.equal((await fetch(`${one}/logout`, { method: "POST", headers: { cookie } })).status, 200);
    assert.equal((await profile(other))[0], 401);
  });
});
