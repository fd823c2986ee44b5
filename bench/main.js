// npm run bench [-- --quick] [-- read import http adapters heap stores networked scale]: measures,
// in one run, what harpiats costs beside its peers and beside what is physically possible. A full
// run writes results/*.json and RESULTS.md; a quick one only prints.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const PARTS = ["read", "import", "http", "adapters", "heap", "stores", "networked", "scale"];

const names = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const isQuick = process.argv.includes("--quick");
const unknown = names.filter((name) => !PARTS.includes(name));
if (unknown.length > 0)
  throw new RangeError(`Cannot measure ${unknown.join(", ")}: ${PARTS.join(", ")} are wanted`);

// Listeners of `exit` end servers and remove folders: an interrupted run leaves nothing behind
// either.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

installPeers();
if (!existsSync(here("../dist/session.js")))
  throw new Error(
    "Cannot measure: there is no dist, `npm run bench` or `npm run build` in the project's root makes it",
  );

// Only now: the parts import what was installed.
const { findNodes } = await import("./nodes.js");
const { describeRun } = await import("./machine.js");
const { renderPart, renderAll } = await import("./report.js");

const nodes = findNodes();
for (const note of nodes.notes) console.log(note);
for (const name of names.length > 0 ? names : PARTS) {
  const startedAt = performance.now();
  const { measure, finish } = await import(`./${name}/measure.js`);
  const result = {
    part: name,
    ...describeRun({ isQuick }),
    runs: await measure({ nodes: nodes.list, isQuick, say: console.error }),
  };
  console.log(renderPart(result));
  console.log(`${name}: ${Math.round((performance.now() - startedAt) / 1000)} s\n`);
  if (isQuick) continue;
  mkdirSync(here("results"), { recursive: true });
  writeFileSync(here(`results/${name}.json`), `${JSON.stringify(result, undefined, 2)}\n`);
  await finish?.(result);
}
if (isQuick) console.log("A quick run writes nothing: its rounds are too few to be quoted.");
else
  writeFileSync(
    here("RESULTS.md"),
    renderAll(
      PARTS.map((name) => here(`results/${name}.json`))
        .filter(existsSync)
        .map((path) => JSON.parse(readFileSync(path, "utf8"))),
    ),
  );

/** Peers have a lockfile of their own, so that nobody who installs harpiats gets them. */
function installPeers() {
  const installed = here("node_modules/.package-lock.json");
  if (
    existsSync(installed) &&
    statSync(installed).mtimeMs >= statSync(here("package-lock.json")).mtimeMs
  )
    return;
  console.log("Installing the peers to measure against into bench/node_modules");
  execFileSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: here("."),
    stdio: "inherit",
  });
}
