// Documentation that nothing runs is wrong sooner or later. Every `ts` fence of the Markdown files
// is compiled under strict, as a program of a stranger's, and run unless its info string says
// otherwise; links to files must lead
// somewhere. `ts` runs to its end; `ts serve` must answer HTTP on the port of its listen(), and is ended then;
// `ts compile` needs a server that is not here; `ts continue` goes on where the fence before it
// ended.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { spawn } from "../test/support/children.ts";
import { compile, compiledFile, markdownFiles, type Program, programsOf } from "./fences.ts";
import { builtApps, checkApp, findApps } from "./sign-in-checks.ts";

const ROOT = process.cwd();
const FOLDER = join(ROOT, ".build", "docs-fences");
const RUN_SECONDS = 20;

const pages = markdownFiles();
const programs = pages.flatMap((page) => programsOf(page, FOLDER));
const problems = compile(programs, FOLDER);
if (problems.length === 0) {
  for (const program of programs) problems.push(...(await run(program)));
  problems.push(...(await checkSignIns()));
}

problems.push(...pages.flatMap(brokenLinks));

for (const problem of problems) console.error(problem);
const ran = programs.filter(({ mode }) => mode !== "compile").length;
console.log(
  `${pages.length} pages, ${programs.length} programs compiled, ${ran} of them run, ${problems.length} problems`,
);
process.exitCode = problems.length === 0 ? 0 : 1;

/** Signs in and out in each program that makes an application, and says what it could not do. */
async function checkSignIns(): Promise<string[]> {
  const findings = [];
  for (const app of findApps(join(ROOT, ".build", "sign-in-fences")))
    findings.push(await checkApp(app));
  findings.push(...builtApps());
  for (const { at, held, skipped } of findings)
    console.log(
      [
        `${at}: ${held.join(", ") || "nothing checked"}`,
        ...skipped.map((why) => `skipped ${why}`),
      ].join("; "),
    );
  return findings.flatMap((finding) =>
    finding.problems.map((problem) => `${finding.at}: ${problem}`),
  );
}

function brokenLinks(page: string): string[] {
  const text = readFileSync(page, "utf8").replace(/```[\s\S]*?```/g, "");
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? "");
  return targets
    .filter((target) => !/^(https?:|mailto:|#)/.test(target))
    .filter((target) => !existsSync(resolve(dirname(page), target.split("#")[0] ?? "")))
    .map((target) => `${page}: the link to ${target} leads nowhere`);
}

async function run(program: Program): Promise<string[]> {
  const { at, mode, text } = program;
  if (mode === "compile") return [];
  const child = spawn(process.execPath, [compiledFile(program)], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: ROOT,
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((done) => child.once("close", done));
  const timer = setTimeout(() => child.kill("SIGKILL"), RUN_SECONDS * 1000);
  const served =
    mode === "serve"
      ? await answers(Number(/listen\((\d+)/.exec(text)?.[1]), () => child.exitCode !== null)
      : undefined;
  if (mode === "serve") child.kill();
  const code = await ended;
  clearTimeout(timer);
  if (mode === "serve") return served ? [] : [`${at}: did not answer HTTP\n${output}`];
  return code === 0
    ? []
    : [
        `${at}: ended with ${code === null ? `a signal after ${RUN_SECONDS} s` : `code ${code}`}\n${output}`,
      ];
}

/** Asks until there is any HTTP answer, or the program has ended, or its time is over. */
async function answers(port: number, hasEnded: () => boolean): Promise<boolean> {
  const until = Date.now() + RUN_SECONDS * 1000;
  while (Date.now() < until && !hasEnded()) {
    try {
      await (await fetch(`http://127.0.0.1:${port}/`)).arrayBuffer();
      return true;
    } catch {
      await new Promise((done) => setTimeout(done, 50));
    }
  }
  return false;
}
