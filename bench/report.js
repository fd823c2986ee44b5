// Turns results into tables, and puts each figure beside its aim. Decides nothing about how things
// are measured.
import { adaptersAims, adaptersTable } from "./adapters/report.js";
import { heapAims, heapTable } from "./heap/report.js";
import { httpAims, httpTable } from "./http/report.js";
import { importAims, importTable } from "./import/report.js";
import { networkedAims, networkedTable } from "./networked/report.js";
import { readAims, readTable } from "./read/report.js";
import { scaleAims, scaleTable } from "./scale/report.js";
import { storesAims, storesTable } from "./stores/report.js";
import { runtimeOf } from "./nodes.js";
import { toTable } from "./table.js";
import { triedFor } from "./tried.js";

const PARTS = {
  read: { heading: "Reading a session from a request", table: readTable, aims: readAims },
  import: { heading: "Importing", table: importTable, aims: importAims },
  http: { heading: "A server under load", table: httpTable, aims: httpAims },
  adapters: {
    heading: "Adapters beside the usual libraries",
    table: adaptersTable,
    aims: adaptersAims,
  },
  heap: { heading: "Who allocates in a server under load", table: heapTable, aims: heapAims },
  stores: { heading: "Reading from a server", table: storesTable, aims: storesAims },
  networked: {
    heading: "A server under load, sessions in a store",
    table: networkedTable,
    aims: networkedAims,
  },
  scale: { heading: "From a thousand sessions to ten million", table: scaleTable, aims: scaleAims },
};

/** RESULTS.md, whole. */
export function renderAll(results) {
  return `# Results

Written by \`npm run bench\`; not to be edited. What is measured and how is in [README.md](README.md); the figures behind
the tables are in [results/](results/). Medians, with the quartiles behind them. A missed aim is said to be missed,
and what was tried for it. Of all aims ${results.flatMap(judgedOf).filter(({ isMet }) => isMet).length} of ${results.flatMap(judgedOf).length} are met.

${results.map(renderPart).join("\n")}`;
}

function judgedOf({ part, runs }) {
  return runs.flatMap((run) => PARTS[part].aims(run));
}

/**
 * Each aim beside its figure; under them what was tried for those that are missed, once for all
 * that it was tried for.
 */
function aimsOf(judged) {
  if (judged.length === 0) return [];
  const table = toTable(
    ["aim", "figure", ""],
    judged.map(({ aim, figure, isMet }) => [aim, figure, isMet ? "met" : "missed"]),
  );
  const texts = new Map();
  for (const { id, aim, isMet } of judged) {
    if (isMet) continue;
    const text = triedFor(id) ?? "What was tried is not written down in tried.json.";
    texts.set(text, [...(texts.get(text) ?? []), aim.split(":")[0]]);
  }
  return [
    table,
    ...[...texts].map(([text, aims]) => `Missed, ${[...new Set(aims)].join("; ")}. ${text}`),
  ];
}

/** One part: where it was measured, its tables, its aims. */
export function renderPart(result) {
  const { heading, table, aims } = PARTS[result.part];
  const { machine } = result;
  const runs = result.runs.map((run) => {
    const versions = Object.entries(run.versions).map(([name, version]) => `${name} ${version}`);
    const judged = aims(run);
    return [
      `### ${runtimeOf(run)}`,
      table(run),
      ...aimsOf(judged),
      `${run.rounds} rounds; ${versions.join(", ")}.`,
    ].join("\n\n");
  });
  return `## ${heading}

${result.date}, commit ${result.commit}, ${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}; load average at the start ${machine.load}.${machine.load > machine.cores ? " **Others were at work on the machine: the figures are blurred.**" : ""}${result.isQuick ? " A quick run." : ""}

${runs.join("\n\n")}
`;
}
