// Compiles somebody else's strict programs against the installed tarball, with every TypeScript
// that a stranger may have. `skipLibCheck` is false throughout: our declarations are compiled with
// theirs.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./command.ts";
import type { Steps } from "./steps.ts";

interface Stranger {
  /** The project with the tarball installed. */
  folder: string;
  /** Everything that can be imported. */
  subpaths: readonly string[];
  /** The folder of the newest TypeScript. */
  newest: string;
}

/** A project is compiled as node would load it, and as a bundler would. */
const MODULES = [
  { module: "nodenext", moduleResolution: "nodenext" },
  { module: "esnext", moduleResolution: "bundler" },
];

/**
 * What else a project has: node's types, or a browser's alone, as for a Worker. The second has no
 * node server to type.
 */
const SURROUNDINGS = [
  {
    name: "@types/node",
    files: ["everything.ts", "sessions.ts", "app.ts"],
    options: { lib: ["es2023"], types: ["node"] },
  },
  {
    name: "no @types/node",
    files: ["sessions.ts"],
    options: { lib: ["es2023", "dom", "dom.iterable"], types: [] },
  },
];

/** One step for each TypeScript, in every module system and surroundings. */
export async function compileStranger(
  steps: Steps,
  { folder, subpaths, newest }: Stranger,
): Promise<void> {
  const imports = subpaths.map((subpath, at) => `import * as m${at} from "${subpath}";`);
  await writeFile(
    join(folder, "everything.ts"),
    `${imports.join("\n")}\nexport const all = [${imports.map((_, at) => `m${at}`).join(", ")}];\n`,
  );
  for (const compiler of [
    newest,
    join(folder, "node_modules/typescript-5.9"),
    join(folder, "node_modules/typescript-5.4"),
  ]) {
    // What npm itself reads.
    const { version } = await readFile(join(compiler, "package.json"), "utf8").then(
      (text) => JSON.parse(text) as { version: string },
      () => ({ version: "?" }),
    );
    for (const modules of MODULES) {
      for (const { name, files, options } of SURROUNDINGS) {
        await steps.do(`TypeScript ${version}, ${modules.moduleResolution}, ${name}`, async () => {
          // The newest compiles both ways; that the older ones can read our declarations shows in
          // the stricter one.
          for (const exactOptionalPropertyTypes of compiler === newest ? [false, true] : [true]) {
            const compilerOptions = {
              ...modules,
              ...options,
              exactOptionalPropertyTypes,
              target: "es2022",
              strict: true,
              skipLibCheck: false,
              noEmit: true,
            };
            await writeFile(
              join(folder, "tsconfig.json"),
              JSON.stringify({ compilerOptions, files }),
            );
            await run(process.execPath, [join(compiler, "bin/tsc"), "-p", "."], { cwd: folder });
          }
        });
      }
    }
  }
}
