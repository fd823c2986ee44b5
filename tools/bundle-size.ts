// How much of a bundle `Session`, `MemoryStore` and `Cookies` are: README quotes the file that this
// writes. `--check` writes nothing, and fails when they are too large or when the file no longer
// tells the truth.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rolldown, VERSION as rolldownVersion } from "rolldown";

const project = new URL("../../", import.meta.url);
const target = new URL("docs/measured/size.json", project);
const NAMES = ["Session", "MemoryStore", "Cookies"];
/**
 * Bytes. The aim is missed, and docs/limits.md says by what; the budget is there so that it is not
 * missed by more unnoticed.
 */
const AIM = 7000;
const BUDGET = 30_400;
const README = new URL("README.md", project);
// What stands between the two marks in README.
const FIGURE = /(<!-- size -->)([^<]*)(<!-- \/size -->)/;
// Below this a difference is not worth a commit.
const TOLERANCE = 100;

const entry = fileURLToPath(new URL("dist/session.js", project));
const [bundle, modules] = await bundleOf(
  `export { ${NAMES.join(", ")} } from ${JSON.stringify(entry)};`,
);
const minified = Buffer.byteLength(bundle);
const gzipped = gzipSync(bundle, { level: 9 }).length;

process.stdout.write(
  `${NAMES.join(", ")}: ${gzipped} bytes gzipped (${minified} minified), ${gzipped > AIM ? "missed" : "met"}: at most ${AIM} are wanted\n`,
);
if (process.argv.includes("--modules")) {
  for (const [id, length] of modules) process.stdout.write(`${String(length).padStart(7)} ${id}\n`);
}
if (gzipped > BUDGET) {
  process.stderr.write(
    `Larger than the budget by ${gzipped - BUDGET} bytes: npm run size -- --modules shows the length of each module, before it is minified\n`,
  );
  process.exitCode = 1;
}
if (process.argv.includes("--check")) {
  // What this tool wrote.
  const written = await readFile(target, "utf8").then(
    (text) => JSON.parse(text) as { gzipped: number },
    () => ({ gzipped: 0 }),
  );
  const [, , quoted] = FIGURE.exec(await readFile(README, "utf8")) ?? [];
  if (quoted !== quote(written.gzipped)) {
    process.stderr.write(
      "README.md quotes another size than docs/measured/size.json: npm run size writes both anew\n",
    );
    process.exitCode = 1;
  }
  if (Math.abs(written.gzipped - gzipped) > TOLERANCE) {
    process.stderr.write(
      `docs/measured/size.json says ${written.gzipped}: npm run size writes it anew\n`,
    );
    process.exitCode = 1;
  }
} else {
  const measured = {
    what: `${NAMES.join(", ")} of harpiats/session with the cookie package in one bundle; node's own modules are left out`,
    gzipped,
    minified,
    aim: AIM,
    budget: BUDGET,
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    rolldown: rolldownVersion,
  };
  const page = await readFile(README, "utf8");
  await writeFile(README, page.replace(FIGURE, `$1${quote(gzipped)}$3`));
  await mkdir(dirname(fileURLToPath(target)), { recursive: true });
  await writeFile(target, `${JSON.stringify(measured, null, 2)}\n`);
}

function quote(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

/** Bundles a module. @returns the code and what each module gave to it, the longest first. */
async function bundleOf(code: string): Promise<[string, [id: string, length: number][]]> {
  const id = "entry";
  const build = await rolldown({
    input: id,
    external: /^node:/,
    platform: "node",
    plugins: [
      {
        name: "entry",
        resolveId: (source) => (source === id ? id : null),
        load: (source) => (source === id ? code : null),
      },
    ],
  });
  const { output } = await build.generate({ format: "esm", minify: true });
  await build.close();
  const [chunk] = output;
  const lengths = Object.entries(chunk.modules).map(([name, module]): [string, number] => [
    name.replace(fileURLToPath(project), ""),
    module.renderedLength,
  ]);
  return [chunk.code, lengths.sort(([, a], [, b]) => b - a)];
}
