// What a million sessions take in memory, and how long a process stops while they expire. Writes
// docs/measured/memory.json and a table of it. `npm run build` first; `--quick` measures a tenth
// and writes nothing.
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
  // For the processes that measure, with all of their threads: a stall must be our own, not that of
  // others at work here.
  setPriority(constants.priority.PRIORITY_HIGHEST);
} catch {
  notes.push(
    "Without the right to a higher priority: a stall may be that of others at work on the machine.",
  );
}
const results = [];
for (const node of list) {
  for (const [what, spread, times] of [
    ["MemoryStore", SPREAD, RUNS],
    ["MemoryStore", 0, RUNS],
    ["Map of objects", 0, 1],
  ]) {
    const runs = [];
    for (let run = 0; run < times; run++) {
      const output = execFileSync(
        node.path,
        ["--expose-gc", measure, what, String(COUNT), String(spread)],
        { encoding: "utf8", timeout: 600_000 },
      );
      runs.push({ node: node.version, ...JSON.parse(output) });
      process.stdout.write(`${JSON.stringify(runs.at(-1))}\n`);
    }
    const most = (field) => Math.max(...runs.map((run) => run[field]));
    results.push({
      ...runs[0],
      longestOwn: most("longestOwn"),
      longestSlice: most("longestSlice"),
      longestFillSlice: most("longestFillSlice"),
      longestCollection: most("longestCollection"),
      filledIn: Math.min(...runs.map((run) => run.filledIn)),
      stallsOfRuns: runs.map((run) => run.longestStall),
    });
  }
}

const run = describeRun({ isQuick });
const table = [
  "| Node | what | bytes a session | made in, s | full collection, ms | all expired in, s | longest of our own tasks, ms | longest collection, ms | longest stall of each run, ms | the same less the wait for a processor, ms | memory after, by the start's |",
  "|---|---|---|---|---|---|---|---|---|---|---|",
  ...results.map(
    (r) =>
      `| ${r.node} | ${nameOf(r)} | ${r.bytesEach} | ${seconds(r.filledIn)} | ${r.fullCollection} | ${r.what === "MemoryStore" ? `${seconds(r.expiredIn)} | ${r.longestSlice} | ${r.longestCollection} | ${r.stallsOfRuns.join(", ")} | ${r.longestOwn}` : "– | – | – | – | –"} | ${r.ratio.toFixed(2)} |`,
  ),
];
const ours = results.filter(({ what }) => what === "MemoryStore");
const worst = (field) => Math.max(...ours.map((result) => result[field]));
const aims = [
  ["under 390 bytes a session", `${worst("bytesEach")}`, worst("bytesEach") < 390],
  ["a million made in under 4 s", `${seconds(worst("filledIn"))} s`, worst("filledIn") < 4000],
  [
    "none of our own tasks over 5 ms while they expire",
    `${worst("longestSlice")} ms`,
    worst("longestSlice") <= 5,
  ],
  [
    "no stall over 20 ms while they expire, less the wait for a processor",
    `${worst("longestOwn")} ms`,
    worst("longestOwn") <= 20,
  ],
  [
    "memory after within 10 % of the start's",
    ours.map(({ ratio }) => ratio.toFixed(2)).join(", "),
    ours.every(({ ratio }) => Math.abs(ratio - 1) <= 0.1),
  ],
];
const judged = [
  "| aim, on every Node | figure | |",
  "|---|---|---|",
  ...aims.map(([aim, figure, isMet]) => `| ${aim} | ${figure} | ${isMet ? "met" : "missed"} |`),
];
const text = `# Memory

${results[0].count.toLocaleString("en")} sessions of as many users, each with \`{ userId, name, role }\`; with deadlines and the index of users, whose bytes count.
Written by \`node bench/memory/run.js\` on ${run.date}: ${run.machine.processor}, ${run.machine.cores} cores, ${run.machine.memoryGiB} GiB, ${run.machine.system},
load ${run.machine.load}. Above a load of ${run.machine.cores} others were at work, and a stall by the clock is partly theirs: one column leaves out what Linux says our
thread waited for a processor. "Our own tasks" are those in which the store expires sessions, less the collector's pauses in them and
the wait for a processor. "Made in" is the time in the
store alone.

${table.join("\n")}

${judged.join("\n")}
${notes.map((note) => `\n${note}\n`).join("")}`;

if (!isQuick) {
  mkdirSync(target, { recursive: true });
  writeFileSync(
    new URL("memory.json", target),
    `${JSON.stringify({ ...run, results, aims: aims.map(([aim, figure, isMet]) => ({ aim, figure, isMet })) }, null, 2)}\n`,
  );
  writeFileSync(new URL("memory.md", target), text);
}
process.stdout.write(`\n${[...table, "", ...judged].join("\n")}\n`);

function nameOf({ what, spread }) {
  if (what !== "MemoryStore") return what;
  return spread === 0
    ? "MemoryStore, all expire at once"
    : `MemoryStore, expiring over ${spread} s`;
}

function seconds(milliseconds) {
  return (milliseconds / 1000).toFixed(1);
}
