// A program with the seed's calls, in a folder that knows nothing of this project: it installs the
// packed tarball, compiles strictly, declarations included, and signs a visitor in and out.
import assert from "node:assert/strict";
import { type ChildProcess, execFile } from "node:child_process";
import { copyFile, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { Browser } from "../support/http.ts";
import { projectFolder } from "../support/project.ts";
import { end, firstLine } from "../support/waits.ts";
import { spawn } from "../support/children.ts";

const run = promisify(execFile);

const MAIN = `import { loginApp } from "./login-app.js";
const server = loginApp().listen({ port: 0, hostname: "127.0.0.1" });
await server.ready;
console.log(server.url);
`;

const TSCONFIG = {
  compilerOptions: {
    target: "es2022",
    module: "nodenext",
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    types: ["node"],
  },
  files: ["main.ts"],
};

async function install(folder: string): Promise<void> {
  // The tests' own run has built dist, and others are using it: it is packed as it is.
  await run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], {
    cwd: projectFolder,
  });
  const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz"));
  assert.ok(tarball);
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({ name: "stranger", private: true, type: "module" }),
  );
  await run(
    "npm",
    ["install", "--prefer-offline", "--no-audit", "--no-fund", `./${tarball}`, "@types/node@20"],
    { cwd: folder },
  );
}

describe("the packed tarball", () => {
  let folder: string;
  let program: ChildProcess | undefined;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "harpiats-stranger-"));
    await install(folder);
    await copyFile(join(projectFolder, "test/seed/login-app.ts"), join(folder, "login-app.ts"));
    await writeFile(join(folder, "main.ts"), MAIN);
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
  });

  after(async () => {
    await end(program);
    await rm(folder, { recursive: true, force: true });
  });

  it("compiles a strict program with the seed's calls, and runs it from sign-in to sign-out", async () => {
    const typescript = createRequire(join(projectFolder, "package.json")).resolve(
      "typescript/package.json",
    );
    await run(process.execPath, [join(typescript, "../bin/tsc"), "-p", "tsconfig.json"], {
      cwd: folder,
    }).catch((error: { stdout: string }) => assert.fail(error.stdout));
    program = spawn(process.execPath, ["main.js"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    assert.ok(program.stdout);
    const url = await firstLine(program);

    const browser = new Browser(url);
    assert.deepEqual(await browser.json("/profile"), { signedIn: false });
    assert.deepEqual(await browser.json("/login"), { welcome: "ada" });
    assert.deepEqual(await browser.json("/update-role"), { isUpdated: true });
    assert.deepEqual(await browser.json("/profile"), {
      signedIn: true,
      visitor: { userId: "ada", role: "editor" },
    });
    const id = browser.cookies.get("session_id") ?? "";
    assert.deepEqual(await browser.json("/logout"), { signedOut: true });
    browser.cookies.set("session_id", id);
    assert.deepEqual(await browser.json("/profile"), { signedIn: false });
    assert.deepEqual(await browser.json("/update-role"), { isUpdated: false });
  });
});
