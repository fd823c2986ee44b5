// MemoryStore as part of a process: it keeps nothing alive, and nothing keeps it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { projectFolder } from "../support/project.ts";

const session = new URL(`../../src/session.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);

/** How each runtime runs a program that may collect garbage when it likes. */
function commandLine(file: string): string[] {
  if ("Deno" in globalThis) return ["run", "-A", "--no-check", "--no-lock", "--cached-only", "--v8-flags=--expose-gc", file];
  return "Bun" in globalThis ? ["run", file] : ["--expose-gc", file];
}

/** Runs a program of ours in a process of its own and gives what it printed. */
async function runAlone(program: string): Promise<{ code: number | null; output: string }> {
  // Inside the project: Deno looks for dependencies from the program on.
  const folder = await mkdtemp(join(projectFolder, ".build-alone-"));
  const file = join(folder, "program.mjs");
  await writeFile(file, program.replace("SESSION", session.href));
  try {
    const child = spawn(process.execPath, commandLine(file), { stdio: ["ignore", "pipe", "inherit"], timeout: 60_000 });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
    return await new Promise((resolve) => child.on("close", (code) => resolve({ code, output: output.trim() })));
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("MemoryStore in a process", () => {
  it("does not keep it alive", async () => {
    const program = `
      import { Session } from "SESSION";
      const session = new Session({ idleTimeout: 3600 });
      const id = await session.create({ userId: "123" });
      console.log((await session.get(id)).userId);`;
    assert.deepEqual(await runAlone(program), { code: 0, output: "123" });
  });

  it("is collected when nobody uses it any more, its timer notwithstanding", async () => {
    const program = `
      import { MemoryStore, Session } from "SESSION";
      const collect = globalThis.gc ?? (() => Bun.gc(true));
      const begin = async () => {
        const store = new MemoryStore();
        await new Session({ store, idleTimeout: 3600 }).create({});
        return new WeakRef(store);
      };
      const reference = await begin();
      for (let turn = 0; turn < 50 && reference.deref(); turn++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        collect();
      }
      console.log(reference.deref() === undefined ? "collected" : "held");`;
    assert.deepEqual(await runAlone(program), { code: 0, output: "collected" });
  });
});
