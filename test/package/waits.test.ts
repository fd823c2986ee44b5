// Holds the tests to waits that end: each has a limit and says what it waited for, and no process
// that a test starts outlives it. The forms below have each hung a run.
import assert from "node:assert/strict";
import { type ChildProcess, spawn as spawnOnly } from "node:child_process";
import { EventEmitter } from "node:events";
import { access, readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { ManualClock } from "../../src/testing.ts";
import { projectFolder } from "../support/project.ts";
import { aborted, advanceUntil, end, firstLine, heard, until, within } from "../support/waits.ts";

// What may have these forms: the waits themselves, and what starts processes for everybody.
const OWN = new Set(["support/waits.ts", "support/children.ts", "package/waits.test.ts"]);
// Loops that are bounded by their own work, which is bounded: the line says by what.
const BOUNDED = /\/\/ Until |cursor !== undefined|\.aborted|#isOver|left-- > 0/;
const FORMS: Record<string, RegExp> = {
  "a loop that waits without a limit": /^ *(?:while \(.*await|for \(;;\))/,
  "a loop over a wait": /^ *while \([^\n]*\)\n? *(?:\{\n *)?await new Promise/m,
  "once of node:events, which misses what has happened":
    /import \{[^}]*\bonce\b[^}]*\} from "node:events"/,
  "a listener of abort, which an aborted signal never calls":
    /new Promise[^;]*addEventListener\("abort"/,
  "a process that may outlive the test":
    /import \{[^}]*\b(?:spawn|fork)\b[^}]*\} from "node:child_process"/,
};

async function sources(): Promise<[string, string][]> {
  const folder = join(projectFolder, "test");
  const names = (await readdir(folder, { recursive: true })).filter(
    (name) => name.endsWith(".ts") && !name.includes("node_modules") && !OWN.has(name),
  );
  return Promise.all(
    names.map(async (name): Promise<[string, string]> => [
      name,
      await readFile(join(folder, name), "utf8"),
    ]),
  );
}

function formsIn(text: string): string[] {
  const lines = text.split("\n");
  return Object.entries(FORMS).flatMap(([form, pattern]) => {
    if (!pattern.source.startsWith("^")) return pattern.test(text) ? [form] : [];
    return lines.flatMap((line, at) => {
      const [before = "", next = ""] = [lines[at - 1], lines[at + 1]];
      const isForm = pattern.test(line) || pattern.test(`${line}\n${next}`);
      return isForm && !BOUNDED.test(before + line) ? [`${form}, line ${at + 1}`] : [];
    });
  });
}

describe("the tests' waits", () => {
  it("have limits everywhere", async () => {
    const found = (await sources()).flatMap(([name, text]) =>
      formsIn(text).map((form) => `test/${name}: ${form}`),
    );
    assert.deepEqual(found, []);
  });

  it("are found where they have none", () => {
    const hanging = [
      "while (!(await isSo())) continue;",
      "  for (;;) {\n    if (await isSo()) break;\n  }",
      "while (heard.length < 2)\n  await new Promise((resolve) => setImmediate(resolve));",
      'import { once } from "node:events";',
      'await new Promise((resolve) => signal.addEventListener("abort", resolve));',
      'import { type ChildProcess, spawn } from "node:child_process";',
    ];
    for (const text of hanging) assert.equal(formsIn(text).length > 0, true, text);
  });

  it("look at the state first, and say what they waited for", async () => {
    const clock = new ManualClock();
    await aborted(AbortSignal.abort());
    await until("nothing", () => true, { limit: 0 });
    const never = new Promise(() => {});
    const limit = 20;
    const tooLate = /^Error: Waited \d+ ms in vain for/;
    await assert.rejects(
      until("Godot", () => false, { limit, seen: () => "a tree" }),
      (error) => String(error).endsWith("in vain for Godot; seen: a tree"),
    );
    await assert.rejects(
      until("a look", () => never, { limit }),
      tooLate,
    );
    await assert.rejects(within("a promise", never, { limit }), tooLate);
    await assert.rejects(advanceUntil(clock, "a promise", never, { limit }), tooLate);
    await assert.rejects(heard(new EventEmitter(), "event", { limit }), tooLate);
  });
});

// Starts a process of its own and a folder, says where they are, and goes on until it is ended.
const PARENT = `
  import { spawn } from "CHILDREN";
  import { temporaryFolder } from "FOLDER";
  const child = spawn("/bin/sh", ["-c", "sleep 300 & wait"], { stdio: "ignore" });
  const { path } = await temporaryFolder("left");
  console.log(JSON.stringify({ pid: child.pid, path }));
  ENDING
`;
const ENDINGS = {
  SIGKILL: "setInterval(() => {}, 1000);",
  SIGTERM: "setInterval(() => {}, 1000);",
  SIGINT: "setInterval(() => {}, 1000);",
  "an exception": "throw new Error('a test crashed');",
  "process.exit": "process.exit(0);",
};

describe("a run that is ended", () => {
  const support = (name: string): string =>
    new URL(`../support/${name}${extname(fileURLToPath(import.meta.url))}`, import.meta.url).href;
  const isAlive = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  for (const [how, ending] of Object.entries(ENDINGS)) {
    it(`by ${how} leaves no process and no folder`, async () => {
      const program = PARENT.replace("CHILDREN", support("children"))
        .replace("FOLDER", support("temporary-folder"))
        .replace("ENDING", ending);
      const parent: ChildProcess = spawnOnly(
        process.execPath,
        ["--no-warnings", "--input-type=module", "--eval", program],
        { stdio: ["ignore", "pipe", "ignore"] },
      );
      const { pid, path } = JSON.parse(await firstLine(parent)) as { pid: number; path: string };
      await end(parent, how.startsWith("SIG") ? (how as NodeJS.Signals) : "SIGKILL");
      await until("the process to be ended", () => !isAlive(pid));
      const isThere = (): Promise<boolean> =>
        access(path).then(
          () => true,
          () => false,
        );
      await until("the folder to be removed", async () => !(await isThere()));
    });
  }
});
