// Runs a program of ours in a process of its own, on whatever runtime the test runs.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { forgetFolder, removeWithUs, spawn } from "./children.ts";
import { projectFolder } from "./project.ts";

const session = new URL(
  `../../src/session.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`,
  import.meta.url,
);

/** How each runtime runs a program that may collect garbage when it likes. */
function commandLine(file: string): string[] {
  if ("Deno" in globalThis)
    return [
      "run",
      "-A",
      "--no-check",
      "--no-lock",
      "--cached-only",
      "--v8-flags=--expose-gc",
      file,
    ];
  return "Bun" in globalThis ? ["run", file] : ["--expose-gc", file];
}

/** @param program imports harpiats/session as `SESSION`. @returns what it printed. */
export async function runAlone(program: string): Promise<{ code: number | null; output: string }> {
  // Inside the project: Deno looks for dependencies from the program on.
  const folder = await mkdtemp(join(projectFolder, ".build-alone-"));
  removeWithUs(folder);
  const file = join(folder, "program.mjs");
  await writeFile(file, program.replace("SESSION", session.href));
  try {
    const child = spawn(process.execPath, commandLine(file), {
      stdio: ["ignore", "pipe", "inherit"],
      timeout: 60_000,
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
    return await new Promise((resolve) =>
      child.on("close", (code) => resolve({ code, output: output.trim() })),
    );
  } finally {
    await rm(folder, { recursive: true });
    forgetFolder(folder);
  }
}
