// MemoryStore as part of a process: it keeps nothing alive, and nothing keeps it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

/** Runs a program of ours in a process of its own and gives what it printed. */
async function runAlone(program: string, ...flags: string[]): Promise<{ code: number | null; output: string }> {
  const session = new URL(`../../src/session.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);
  const child = spawn(process.execPath, [...flags, "--input-type=module", "--eval", program.replace("SESSION", fileURLToPath(session))], { stdio: ["ignore", "pipe", "inherit"], timeout: 30_000 });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, output: output.trim() })));
}

describe("MemoryStore in a process", () => {
  // What --eval and --expose-gc do is Node's.
  const isNode = !("Bun" in globalThis) && !("Deno" in globalThis);

  it("does not keep it alive", { skip: !isNode && "needs node --eval" }, async () => {
    const program = `
      import { Session } from "SESSION";
      const session = new Session({ idleTimeout: 3600 });
      const id = await session.create({ userId: "123" });
      console.log((await session.get(id)).userId);`;
    assert.deepEqual(await runAlone(program), { code: 0, output: "123" });
  });

  it("is collected when nobody uses it any more, its timer notwithstanding", { skip: !isNode && "needs node --expose-gc" }, async () => {
    const program = `
      import { MemoryStore, Session } from "SESSION";
      const begin = async () => {
        const store = new MemoryStore();
        await new Session({ store, idleTimeout: 3600 }).create({});
        return new WeakRef(store);
      };
      const reference = await begin();
      for (let turn = 0; turn < 50 && reference.deref(); turn++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        globalThis.gc();
      }
      console.log(reference.deref() === undefined ? "collected" : "held");`;
    assert.deepEqual(await runAlone(program, "--expose-gc"), { code: 0, output: "collected" });
  });
});
