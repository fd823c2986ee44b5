// The table of import times, and the aims: 15 ms on Node 20, the oldest that is supported, and 10
// kB.
import { majorOf } from "../nodes.js";
import { toTable, withSpread } from "../table.js";

const MOST_MILLISECONDS = 15;
// Gzipped.
const MOST_BYTES = 10_000;

export function importTable(run) {
  return `Milliseconds until a fresh process has imported it.\n\n${toTable(
    ["", "milliseconds"],
    run.results.map(({ title, milliseconds }) => [title, withSpread(milliseconds, 1)]),
  )}`;
}

export function importAims(run) {
  if (majorOf(run.node) !== "20") return [];
  const { median } = run.results.find(({ title }) => title === "harpiats/session").milliseconds;
  return [
    {
      id: "import/time",
      aim: `harpiats/session: under ${MOST_MILLISECONDS} ms`,
      figure: `${median.toFixed(1)} ms`,
      isMet: median < MOST_MILLISECONDS,
    },
    {
      id: "import/size",
      aim: `Session, MemoryStore and Cookies in one bundle: at most ${MOST_BYTES.toLocaleString("en")} bytes gzipped`,
      figure: `${run.gzipped.toLocaleString("en")} bytes`,
      isMet: run.gzipped <= MOST_BYTES,
    },
  ];
}
