// Documentation that nothing runs is wrong sooner or later. Every `ts` fence of the Markdown files
// is compiled under strict, as a program of a stranger's, and run unless its info string says
// otherwise; links to files must lead
// somewhere. `ts` runs to its end; `ts serve` must answer HTTP on the port of its listen(), and is ended then;
// `ts compile` needs a server that is not here; `ts continue` goes on where the fence before it
// ended.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { spawn } from "../test/support/children.ts";

interface Program {
  /** Where the fence stands, for messages. */
  at: string;
  mode: "run" | "serve" | "compile";
  text: string;
  file: string;
  /** Where it is compiled, and finds its packages. */
  folder: string;
}

const ROOT = process.cwd();
const FOLDER = join(ROOT, ".build", "docs-fences");
const RUN_SECONDS = 20;
// Pages whose programs need packages that the project's own npm ci does not install, and the folder
// that has them.
const APART: Record<string, string> = {
  [join("docs", "frameworks", "nest.md")]: "test/runtimes/nest",
};

const pages = markdownFiles();
const programs = pages.flatMap(programsOf);
const problems = compile();
if (problems.length === 0) for (const program of programs) problems.push(...(await run(program)));

problems.push(...pages.flatMap(brokenLinks));

for (const problem of problems) console.error(problem);
const ran = programs.filter(({ mode }) => mode !== "compile").length;
console.log(
  `${pages.length} pages, ${programs.length} programs compiled, ${ran} of them run, ${problems.length} problems`,
);
process.exitCode = problems.length === 0 ? 0 : 1;

function markdownFiles(): string[] {
  const top = readdirSync(ROOT).filter((name) => name.endsWith(".md"));
  const docs = existsSync("docs")
    ? readdirSync("docs", { recursive: true, encoding: "utf8" }).filter((name) =>
        name.endsWith(".md"),
      )
    : [];
  return [...top, ...docs.map((name) => join("docs", name))];
}

function programsOf(page: string): Program[] {
  const found: Program[] = [];
  const apart = APART[page];
  const folder = apart === undefined ? FOLDER : join(FOLDER, basename(apart));
  const lines = readFileSync(page, "utf8").split("\n");
  for (let at = 0; at < lines.length; at++) {
    const info = /^```ts(?: (\w+))?\s*$/.exec(lines[at] ?? "");
    if (!info) continue;
    const end = lines.indexOf("```", at + 1);
    const text = lines.slice(at + 1, end).join("\n");
    const before = found.at(-1);
    if (info[1] === "continue" && before) before.text += `\n${text}`;
    else {
      const name = `${page.replace(/\W+/g, "-")}-${at + 1}.ts`;
      const mode = info[1] === "serve" || info[1] === "compile" ? info[1] : "run";
      found.push({ at: `${page}:${at + 1}`, mode, text, file: join(folder, name), folder });
    }
    at = end;
  }
  return found;
}

function brokenLinks(page: string): string[] {
  const text = readFileSync(page, "utf8").replace(/```[\s\S]*?```/g, "");
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? "");
  return targets
    .filter((target) => !/^(https?:|mailto:|#)/.test(target))
    .filter((target) => !existsSync(resolve(dirname(page), target.split("#")[0] ?? "")))
    .map((target) => `${page}: the link to ${target} leads nowhere`);
}

/**
 * Compiles all programs, those that extend somebody's types for the whole of a program each alone.
 * What a program needs beside us comes from the project's own node_modules, or from those of the
 * folder that its page has in APART.
 */
function compile(): string[] {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  for (const apart of Object.values(APART)) provide(apart);
  for (const { file, text } of programs) writeFileSync(file, `${text}\nexport {};\n`);
  const isAlone = ({ text, folder }: Program): boolean =>
    folder !== FOLDER || /^declare (global|module)/m.test(text);
  return [
    programs.filter((program) => !isAlone(program)),
    ...programs.filter(isAlone).map((program) => [program]),
  ].flatMap(compileTogether);
}

function provide(apart: string): void {
  if (!existsSync(join(ROOT, apart, "node_modules", ".package-lock.json")))
    spawnSync("npm", ["ci", "--no-audit", "--no-fund"], {
      cwd: join(ROOT, apart),
      stdio: "inherit",
    });
  mkdirSync(join(FOLDER, basename(apart)));
  symlinkSync(join(ROOT, apart, "node_modules"), join(FOLDER, basename(apart), "node_modules"));
}

function compileTogether(group: readonly Program[]): string[] {
  const folder = group[0]?.folder ?? FOLDER;
  const decorators = { experimentalDecorators: true, emitDecoratorMetadata: true };
  const compilerOptions = {
    target: "es2023",
    lib: ["es2023"],
    module: "nodenext",
    strict: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    types: ["node"],
    typeRoots: [join(ROOT, "node_modules/@types")],
    rootDir: ".",
    outDir: "out",
    ...(folder !== FOLDER && decorators),
  };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions, files: group.map(({ file }) => file) }),
  );
  const { stdout, status } = spawnSync(
    process.execPath,
    [join(ROOT, "node_modules", "typescript", "bin", "tsc"), "-p", folder],
    { encoding: "utf8" },
  );
  if (status === 0) return [];
  const placeOf = (line: string): string =>
    group.find(({ file }) => line.includes(relative(ROOT, file)) || line.includes(file))?.at ?? "";
  return stdout
    .trim()
    .split("\n")
    .map((line) => `${placeOf(line)} ${line}`);
}

async function run({ at, mode, file, text, folder }: Program): Promise<string[]> {
  if (mode === "compile") return [];
  const child = spawn(process.execPath, [join(folder, "out", basename(file, ".ts") + ".js")], {
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
