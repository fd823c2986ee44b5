// Makes few files of the many that tsc wrote: a process that imports harpiats/session reads 2
// instead of 50, in half the time. One file an entry, as package.json names them, and beside them
// what they share; core is one file. Declarations stay as they are.
//
// The packages of BUNDLED become part of the files that need them, so that nobody has to install
// them; their licences go with them.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { licencesOf } from "./licences.mjs";

/** Development dependencies that end in dist/. SECURITY.md says which versions, and what follows. */
const BUNDLED = ["@bomb.sh/tab", "commander", "hono", "srvx"];
// srvx is another for each runtime. Node, Bun, Deno and bundlers choose by package.json's `imports`.
const CHOSEN_BY_RUNTIME = { srvx: "#srvx" };

const project = fileURLToPath(new URL("../", import.meta.url));
const dist = join(project, "dist");
const bundled = join(project, "dist-bundled");
const {
  exports: subpaths,
  bin,
  imports,
} = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
const files = [
  ...Object.values(subpaths).flatMap(({ default: file }) => file ?? []),
  ...Object.values(bin ?? {}),
].map((file) => relative("dist", file));
const input = Object.fromEntries(
  files.map((file) => [file.replace(/\.js$/, ""), join(dist, file)]),
);
for (const [name, alias] of Object.entries(CHOSEN_BY_RUNTIME)) {
  for (const file of new Set(Object.values(imports[alias])))
    input[relative("dist", file).replace(/\.js$/, "")] = `${name}/${basename(file, ".js")}`;
}

const build = await rolldown({
  input,
  // Packages stay packages, but for those that are bundled.
  external: (id) => !id.startsWith(".") && !id.startsWith("/") && !BUNDLED.includes(packageOf(id)),
  plugins: [
    {
      name: "chosen by the runtime",
      resolveId: (id) =>
        Object.hasOwn(CHOSEN_BY_RUNTIME, id)
          ? { id: CHOSEN_BY_RUNTIME[id], external: true }
          : undefined,
    },
  ],
  platform: "node",
});
const { output } = await build.write({
  dir: bundled,
  format: "esm",
  chunkFileNames: "shared/[name].js",
  codeSplitting: { groups: [{ name: "core", test: /[\\/]dist[\\/]core[\\/]/ }] },
});
await build.close();

for (const name of scripts(dist)) rmSync(join(dist, name));
for (const name of readdirSync(bundled)) move(name);
rmSync(bundled, { recursive: true });
const modules = output.flatMap((chunk) => Object.keys(chunk.modules ?? {}));
writeFileSync(join(dist, "THIRD-PARTY-LICENSES"), licencesOf(modules, BUNDLED));

function packageOf(id) {
  return id
    .split("/")
    .slice(0, id.startsWith("@") ? 2 : 1)
    .join("/");
}

function scripts(folder) {
  return readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".js"));
}

/** A folder that is there already, with its declarations, takes what the bundle has of it. */
function move(name) {
  if (name.endsWith(".js") || !existsSync(join(dist, name)))
    renameSync(join(bundled, name), join(dist, name));
  else for (const inner of readdirSync(join(bundled, name))) move(join(name, inner));
}
