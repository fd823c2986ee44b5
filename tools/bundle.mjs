// Makes few files of the many that tsc wrote: a process that imports harpiats/session reads 2
// instead of 50, in half the time. One file an entry, as package.json names them, and beside them
// what they share; core is one file. Declarations stay as they are.
import { readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const project = fileURLToPath(new URL("../", import.meta.url));
const dist = join(project, "dist");
const bundled = join(project, "dist-bundled");
const { exports: subpaths, bin } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
const files = [
  ...Object.values(subpaths).flatMap(({ default: file }) => file ?? []),
  ...Object.values(bin ?? {}),
].map((file) => relative("dist", file));

const build = await rolldown({
  input: Object.fromEntries(files.map((file) => [file.replace(/\.js$/, ""), join(dist, file)])),
  // Packages stay packages.
  external: (id) => !id.startsWith(".") && !id.startsWith("/"),
  platform: "node",
});
await build.write({
  dir: bundled,
  format: "esm",
  chunkFileNames: "shared/[name].js",
  codeSplitting: { groups: [{ name: "core", test: /[\\/]dist[\\/]core[\\/]/ }] },
});
await build.close();

for (const name of scripts(dist)) rmSync(join(dist, name));
for (const name of readdirSync(bundled)) move(name);
rmSync(bundled, { recursive: true });

function scripts(folder) {
  return readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".js"));
}

/** A folder that is there already, with its declarations, takes what the bundle has of it. */
function move(name) {
  if (name.endsWith(".js")) renameSync(join(bundled, name), join(dist, name));
  else {
    try {
      renameSync(join(bundled, name), join(dist, name));
    } catch (error) {
      if (!["ENOTEMPTY", "EEXIST"].includes(error.code)) throw error;
      for (const inner of readdirSync(join(bundled, name))) move(join(name, inner));
    }
  }
}
