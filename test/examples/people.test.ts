// The programs of examples/people as their pages describe them: each runs to its end by itself and
// prints what happened.
import assert from "node:assert/strict";
import { extname } from "node:path";
import { readdirSync } from "node:fs";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { skipWithoutRedis, startRedisServer } from "../support/redis-server.ts";
import { heard } from "../support/waits.ts";
import { spawn } from "../support/children.ts";

const folder = new URL("../../examples/people/", import.meta.url);
const extension = extname(import.meta.url);

/** What each prints that matters, in this order. */
const PRINTED: Record<string, readonly RegExp[]> = {
  renewal: [
    /event: renewed\n {2}both are ada, a new id: true, the same one: true/,
    /sent before: ada\nthe new id: ada/,
    /refused, superseded\n {2}event: ended, superseded-reuse\n {2}that is nobody/,
    /whoever has the new one: nobody/,
  ],
  cap: [
    /evict-oldest: .*, 18 make way, 2 live/,
    /deny: .*, 18 are told ERR_TOO_MANY_SESSIONS, 2 live/,
    /grace signs in: 1 lives/,
  ],
  "step-up": [
    /at once: changed/,
    /a visit later: the password first/,
    /after the password: changed/,
    /still there: tea; the former id is dead/,
  ],
  "remember-me": [
    /3600 s .*, 86400 s .*, 5184000 s/,
    /until the browser is closed; Max-Age=5184000/,
    /two hours later: nobody; ada/,
    /ten days later: ada/,
    /ends in 14 days, at the latest in 50/,
  ],
  watch: [
    /data: hello\nanother tab signs out\nthe stream: event: signed-out/,
    /the stream has ended/,
  ],
  "signed-ids": [
    /refused, bad-signature\n {2}nobody, after 0 calls/,
    /before the former one: ada/,
    /is gone: nobody, grace/,
  ],
  revoking: [
    /Firefox on Windows, this device\nSafari on iOS\nChrome on Android/,
    /mallory ends ada's phone: false/,
    /ended, revoked\n {2}true/,
    /the laptop is alive, the phone ended, the tablet ended/,
    /revoked, everybody\n {2}the laptop is ended, the later login ended, mallory ended/,
  ],
  bearer: [
    /login: 200, a token of 32 characters, 0 cookies/,
    /no-store, Vary: Authorization/,
    /profile: {"userId":"ada"}/,
    /in a cookie: 401/,
    /taken back\nand used again: 401/,
  ],
  "near-cache": [
    /100 visits, 0 reads/,
    /another process signs out\nhere it has ended long before maxAge/,
  ],
};

/** Runs one in a process of its own, which has to end. @returns what it printed. */
async function run(name: string, env: Record<string, string> = {}): Promise<string> {
  const child = spawn(process.execPath, [fileURLToPath(new URL(`${name}${extension}`, folder))], {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 20_000,
  });
  const [printed, code] = await Promise.all([
    text(child.stdout),
    heard(child, "close").then(([ended]) => ended),
  ]);
  assert.equal(code, 0, `${name}:\n${printed}`);
  return printed;
}

function assertPrinted(name: string, printed: string): void {
  let at = 0;
  for (const expected of PRINTED[name] ?? assert.fail(`${name} has no test`)) {
    const found = expected.exec(printed.slice(at));
    assert.ok(found, `${name} does not print ${expected} where it should:\n${printed}`);
    at += found.index + found[0].length;
  }
}

describe("examples/people", () => {
  const names = readdirSync(folder)
    .filter((file) => file.endsWith(extension))
    .map((file) => file.slice(0, -extension.length));

  it("print what their pages say, and end", async () => {
    assert.deepEqual(names.toSorted(), Object.keys(PRINTED).toSorted());
    await Promise.all(
      names
        .filter((name) => name !== "near-cache")
        .map(async (name) => assertPrinted(name, await run(name))),
    );
  });

  it("near-cache does so over Redis", { skip: skipWithoutRedis() }, async (t) => {
    const server = await startRedisServer();
    t.after(() => server.stop());
    assertPrinted("near-cache", await run("near-cache", { REDIS_URL: server.url }));
  });
});
