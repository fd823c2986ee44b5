// The workers of this folder on workerd, the runtime of Cloudflare Workers, over real HTTP: create,
// cookie, fromRequest, update and delete, and adapterConformance.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { rolldown } from "rolldown";
import { end, exitOf, heard } from "../support/waits.ts";
import { spawn } from "../support/children.ts";

const CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker), (name = "internet", network = (allow = ["local"]))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-07-01",
  compatibilityFlags = ["nodejs_compat"],
);
`;
// It is ready in a tenth of a second.
const LONGEST_START = 30_000;
// A suite takes half a second.
const LONGEST_SUITE = 60_000;

/** Serves the worker and goes from sign-in to sign-out. @param source the file of the worker. */
export function smokeWorkerd(workerd: string, source: string): Promise<void> {
  return whileServing(workerd, source, signInAndOut);
}

/** Runs every suite of the conformance worker. @returns the number of tests that passed. */
export async function conformanceOnWorkerd(workerd: string, source: string): Promise<number> {
  let passed = 0;
  await whileServing(workerd, source, async (url) => {
    // The worker's own words.
    const names = (await (await fetch(url)).json()) as string[];
    const failures: string[] = [];
    for (const [at, name] of names.entries()) {
      const report = (await (
        await fetch(`${url}/run/${at}`, { signal: AbortSignal.timeout(LONGEST_SUITE) })
      ).json()) as { tests: number; failures: string[] };
      passed += report.tests;
      failures.push(...report.failures.map((failure) => `${name} ${failure}`));
    }
    assert.deepEqual(failures, []);
  });
  return passed;
}

async function whileServing(
  workerd: string,
  source: string,
  ask: (url: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "harpiats-workerd-"));
  const file = join(folder, "worker.js");
  // Express, Koa and Elysia bring modules of node without the prefix, and what is loaded by
  // require.
  const bundle = await rolldown({
    input: source,
    external: [/^node:/, /^cloudflare:/],
    platform: "node",
    resolve: { conditionNames: ["workerd", "worker"] },
    logLevel: "silent",
  });
  await bundle.write({ file, format: "esm", codeSplitting: false });
  await bundle.close();
  // A module of workerd has no URL.
  await writeFile(
    file,
    (await readFile(file, "utf8")).replaceAll(
      "createRequire(import.meta.url)",
      'createRequire("/worker.js")',
    ),
  );
  await writeFile(join(folder, "config.capnp"), CONFIG);
  // It tells on descriptor 3 where it listens.
  const child = spawn(workerd, ["serve", "config.capnp", "--control-fd=3"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => (said += text));
  try {
    // The fourth of stdio is a pipe that we read.
    const port = await portOf(child.stdio[3] as Readable, child);
    await ask(`http://127.0.0.1:${port}`);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${said}`, {
      cause: error,
    });
  } finally {
    await end(child);
    await rm(folder, { recursive: true, force: true });
  }
}

async function portOf(control: Readable, child: ChildProcess): Promise<number> {
  const lines = createInterface(control);
  const line = await Promise.race([
    heard<[string]>(lines, "line", { limit: LONGEST_START }),
    exitOf(child, { limit: LONGEST_START }).then(() => undefined),
  ]);
  if (line === undefined) throw new Error("workerd ended before it listened");
  // workerd's own words.
  const { event, port } = JSON.parse(String(line[0])) as { event: string; port: number };
  assert.equal(event, "listen");
  return port;
}

async function signInAndOut(url: string): Promise<void> {
  const ask = async (path: string, cookie = ""): Promise<{ cookie: string; body: unknown }> => {
    const response = await fetch(url + path, { headers: { cookie } });
    assert.equal(response.status, 200, path);
    return { cookie: response.headers.getSetCookie().join(), body: await response.json() };
  };
  assert.equal((await ask("/profile")).body, null);
  const login = await ask("/login");
  assert.match(login.cookie, /^session_id=[\w-]{32}; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  const [cookie = ""] = login.cookie.split(";");
  assert.deepEqual((await ask("/profile", cookie)).body, { userId: "123" });
  assert.equal((await ask("/update-role", cookie)).body, true);
  assert.deepEqual((await ask("/profile", cookie)).body, { userId: "123", role: "admin" });
  assert.equal((await fetch(`${url}/hang`, { headers: { cookie } })).ok, false);
  assert.equal(
    (await ask("/count", cookie)).body,
    true,
    "after a request that was ended in the middle of an update",
  );
  const logout = await ask("/logout", cookie);
  assert.equal(logout.body, true);
  assert.match(
    logout.cookie,
    /^session_id=; Max-Age=0; Path=\/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax$/,
  );
  assert.equal((await ask("/profile", cookie)).body, null);
  assert.equal((await ask("/update-role", cookie)).body, false);
  assert.deepEqual((await ask("/heard")).body, ["created"]);
}
