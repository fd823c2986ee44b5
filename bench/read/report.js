// The table of what reading costs, and its aims: within twice the floor, ten times as fast as the
// fastest peer.
import { majorOf, runtimeOf } from "../nodes.js";
import { toTable, withSpread } from "../table.js";
import { CASES } from "./cases.js";

const MOST_FLOORS = 2;
const LEAST_TIMES = 10;
const HEADINGS = {
  one: "one cookie",
  ten: "ten cookies",
  none: "no cookie",
  malformed: "malformed id",
};

export function readTable(run) {
  const rows = run.results.map(({ title, microseconds }) => [
    title,
    ...CASES.map((name) => withSpread(microseconds[name], 2)),
  ]);
  const notes = (run.notes ?? []).map((note) => `\n\n${note}`).join("");
  return `Microseconds of processor time for one read.\n\n${toTable(["", ...CASES.map((name) => HEADINGS[name])], rows)}${notes}`;
}

export function readAims(run) {
  if (run.runtime !== "Bun" && majorOf(run.node) !== "24") return [];
  return run.results
    .filter(({ kind }) => kind === "ours")
    .flatMap((ours) => CASES.flatMap((name) => judge(run, ours, name)));
}

function judge(run, ours, name) {
  const costOf = (result) => result.microseconds[name].median;
  const floor = run.results.find(
    ({ kind, request }) => kind === "floor" && request === ours.request,
  );
  const [fastest] = run.results
    .filter(({ kind }) => kind === "peer")
    .sort((a, b) => costOf(a) - costOf(b));
  const floors = costOf(ours) / costOf(floor);
  const times = costOf(fastest) / costOf(ours);
  const what = `${ours.title}, ${HEADINGS[name]}`;
  return [
    {
      id: `read/floor/${name}/${runtimeOf(run)}`,
      aim: `${what}: at most ${MOST_FLOORS} × the floor`,
      figure: `${floors.toFixed(2)} ×`,
      isMet: floors <= MOST_FLOORS,
    },
    {
      id: `read/peers/${name}/${runtimeOf(run)}`,
      aim: `${what}: at least ${LEAST_TIMES} × as fast as any peer`,
      figure: `${times.toFixed(1)} × (${fastest.title})`,
      isMet: times >= LEAST_TIMES,
    },
  ];
}
