// What a million sessions take in memory, and how long a process stops while they expire. Writes docs/measured/memory.json
// and a table of it. `npm run build` first; `--quick` measures a tenth and writes nothing.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import { describeRun } from "../machine.js";
import { findNodes } from "../nodes.js";

const isQuick = process.argv.includes("--quick");
const COUNT = isQuick ? 100_000 : 1_000_000;
const SPREAD = isQuick ? 2 : 20;
const RUNS = isQuick ? 1 : 2;
const target = new URL("../../docs/measured/", import.meta.url);
const measure = fileURLToPath(new URL("measure.js", import.meta.url));

const { list, notes } = findNodes();
try {
  // For the processes that measure, with all of their threads: a stall must be our own, not that of others at work here.
  setPriority(constants.priority.PRIORITY_HIGHEST);
} catch {
  notes.push("Without the right to a higher priority: a stall may be that of others at work on the machine.");
}
const results = [];
for (const node of list) {
  for (const [what, spread, times] of [["MemoryStore", SPREAD, RUNS], ["MemoryStore", 0, RUNS], ["Map of objects", 0, 1]]) {
    const runs = [];
    for (let run = 0; run < times; run++) {
      const output = execFileSync(node.path, ["--expose-gc", measure, what, String(COUNT), String(spread)], { encoding: "utf8", timeout: 600_000 });
      runs.push({ node: node.version, ...JSON.parse(output) });
      process.stdout.write(`${JSON.stringify(runs.at(-1))}\n`);
    }
    results.push({ ...runs[0], longestOwn: Math.max(...runs.map((run) => run.longestOwn)), stallsOfRuns: runs.map((run) => run.longestStall) });
  }
}

const run = describeRun({ isQuick });
const table = [
  "| Node | what | bytes a session | memory after, by the start's | all expired in, s | longest stall of each run, ms | longest less the wait for a processor, ms |",
  "|---|---|---|---|---|---|---|",
  ...results.map((r) => `| ${r.node} | ${nameOf(r)} | ${r.bytesEach} | ${r.ratio.toFixed(2)} | ${r.what === "MemoryStore" ? `${(r.expiredIn / 1000).toFixed(1)} | ${r.stallsOfRuns.join(", ")} | ${r.longestOwn}` : "– | – | –"} |`),
];
const text = `# Memory

${results[0].count.toLocaleString("en")} sessions of as many users, each with \`{ userId, name, role }\`; with deadlines and the index of users, whose bytes count.
Written by \`node bench/memory/run.js\` on ${run.date}: ${run.machine.processor}, ${run.machine.cores} cores, ${run.machine.memoryGiB} GiB, ${run.machine.system},
load ${run.machine.load}. Above a load of ${run.machine.cores} others were at work, and a stall is partly theirs: the last column, the most of all runs, leaves out what
Linux says our thread waited for a processor, and nothing else. A stall by the clock needs a quiet machine to be ours alone.

${table.join("\n")}
${notes.map((note) => `\n${note}\n`).join("")}`;

if (!isQuick) {
  mkdirSync(target, { recursive: true });
  writeFileSync(new URL("memory.json", target), `${JSON.stringify({ ...run, results }, null, 2)}\n`);
  writeFileSync(new URL("memory.md", target), text);
}
process.stdout.write(`\n${table.join("\n")}\n`);

function nameOf({ what, spread }) {
  if (what !== "MemoryStore") return what;
  return spread === 0 ? "MemoryStore, all expire at once" : `MemoryStore, expiring over ${spread} s`;
}
