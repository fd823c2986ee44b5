// The `ts` fences of README, docs and the other pages, as programs of a stranger's: found, written
// down as files and compiled under strict. What is done with them is check-docs.ts's and
// sign-in-checks.ts's.
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
import { basename, join, relative } from "node:path";

export interface Program {
  /** Where the fence stands, for messages. */
  at: string;
  mode: "run" | "serve" | "compile";
  text: string;
  file: string;
  /** Where it is compiled, and finds its packages. */
  folder: string;
}

const ROOT = process.cwd();
// Pages whose programs need packages that the project's own npm ci does not install, and the folder
// that has them.
const APART: Record<string, string> = {
  [join("docs", "frameworks", "nest.md")]: "test/runtimes/nest",
};

export function markdownFiles(): string[] {
  const top = readdirSync(ROOT).filter((name) => name.endsWith(".md"));
  const docs = existsSync("docs")
    ? readdirSync("docs", { recursive: true, encoding: "utf8" }).filter((name) =>
        name.endsWith(".md"),
      )
    : [];
  return [...top, ...docs.map((name) => join("docs", name))];
}

/** @param into the folder that the programs will be compiled in, by `compile`. */
export function programsOf(page: string, into: string): Program[] {
  const found: Program[] = [];
  const apart = APART[page];
  const folder = apart === undefined ? into : join(into, basename(apart));
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

/** The JavaScript that `compile` makes of a program. */
export function compiledFile({ file, folder }: Program): string {
  return join(folder, "out", `${basename(file, ".ts")}.js`);
}

/**
 * Compiles all programs, those that extend somebody's types for the whole of a program each alone.
 * What a program needs beside us comes from the project's own node_modules, or from those of the
 * folder that its page has in APART.
 *
 * @param into the folder that `programsOf` was given. It is emptied first.
 * @returns what the compiler says, with the place of the fence.
 */
export function compile(programs: readonly Program[], into: string): string[] {
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into, { recursive: true });
  for (const apart of Object.values(APART))
    if (programs.some(({ folder }) => folder === join(into, basename(apart)))) provide(apart, into);
  for (const { file, text } of programs) writeFileSync(file, `${text}\nexport {};\n`);
  const isAlone = ({ text, folder }: Program): boolean =>
    folder !== into || /^declare (global|module)/m.test(text);
  const together = programs.filter((program) => !isAlone(program));
  return [
    ...(together.length > 0 ? [together] : []),
    ...programs.filter(isAlone).map((program) => [program]),
  ].flatMap((group) => compileTogether(group, into));
}

function provide(apart: string, into: string): void {
  if (!existsSync(join(ROOT, apart, "node_modules", ".package-lock.json")))
    spawnSync("npm", ["ci", "--no-audit", "--no-fund"], {
      cwd: join(ROOT, apart),
      stdio: "inherit",
    });
  mkdirSync(join(into, basename(apart)));
  symlinkSync(join(ROOT, apart, "node_modules"), join(into, basename(apart), "node_modules"));
}

function compileTogether(group: readonly Program[], into: string): string[] {
  const folder = group[0]?.folder ?? into;
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
    ...(folder !== into && decorators),
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
