// The example as its visitors meet it: two processes of it on one database.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { extname } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import {
  type PostgresServer,
  skipWithoutPostgres,
  startPostgresServer,
} from "../../support/postgres-server.ts";
import { end, firstLine } from "../../support/waits.ts";
import { spawn } from "../../support/children.ts";

const programOf = (name: string): string =>
  fileURLToPath(
    new URL(`../../../examples/stores/${name}${extname(import.meta.url)}`, import.meta.url),
  );

describe("examples/stores on PostgreSQL", { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  const processes: ChildProcess[] = [];
  const start = async (name: string, env: Record<string, string> = {}): Promise<string> => {
    const child = spawn(process.execPath, [programOf(name)], {
      env: { PATH: process.env["PATH"], DATABASE_URL: server.url, PORT: "0", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    processes.push(child);
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    const line = await firstLine(child, { seen: () => errors }).catch(String);
    const [url] = /http:\/\/\S+[^/]/.exec(line) ?? [];
    assert.ok(url, `the example ended: ${errors}`);
    return url;
  };
  before(async () => void (server = await startPostgresServer({ isDurable: true })));
  after(async () => {
    for (const child of processes) await end(child, "SIGTERM");
    await server.stop();
  });

  it("signs in at one process, is known at the other, is signed out at both, and answers 503 while the database is away", async () => {
    const [one, other] = await Promise.all([start("postgres"), start("postgres")]);
    const login = await fetch(`${one}/login`, {
      method: "POST",
      body: JSON.stringify({ name: "ada" }),
      headers: { "content-type": "application/json" },
    });
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
    // A connection that the pool has kept may be found broken by the request that uses it: once,
    // and then there is a new one.
    let reply = await profile(other);
    for (let attempt = 0; attempt < 5 && reply[0] === 503; attempt++) reply = await profile(other);
    assert.deepEqual(reply, [200, { userId: "ada", visits: 2 }]);
    assert.equal(
      (await fetch(`${one}/logout`, { method: "POST", headers: { cookie } })).status,
      200,
    );
    assert.equal((await profile(other))[0], 401);
  });

  it("keeps data encrypted in the table, readable at every process that has the key", async () => {
    const [newest, former] = [
      randomBytes(32).toString("base64url"),
      randomBytes(32).toString("base64url"),
    ];
    const [one, other] = await Promise.all([
      start("encrypted", { SESSION_KEYS: former }),
      start("encrypted", { SESSION_KEYS: `${newest},${former}` }),
    ]);
    const visitor = { name: "ada", card: "4111 1111 1111 1111" };
    const login = await fetch(`${one}/login`, {
      method: "POST",
      body: JSON.stringify(visitor),
      headers: { "content-type": "application/json" },
    });
    const cookie = login.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    for (const url of [one, other])
      assert.deepEqual(await (await fetch(`${url}/profile`, { headers: { cookie } })).json(), {
        userId: "ada",
        card: visitor.card,
      });
    const client = new Client({ connectionString: server.url });
    await client.connect();
    const { rows } = await client.query("SELECT * FROM encrypted_sessions");
    await client.end();
    assert.equal(rows.length, 1);
    assert.equal(JSON.stringify(rows).includes(visitor.card), false);
    assert.equal(
      (await fetch(`${other}/logout`, { method: "POST", headers: { cookie } })).status,
      200,
    );
    assert.equal((await fetch(`${one}/profile`, { headers: { cookie } })).status, 401);
  });
});
