// The tables of what reading from a server costs, and their aims: at 64 requests at a time 1.3
// times the raw client's GET on Redis and 2.5 times a prepared SELECT on PostgreSQL.
import { majorOf } from "../nodes.js";
import { toTable } from "../table.js";

const JUDGED_AT = 64;
const LEAST_COMMITS = 5;
// A touch, a ping or the beginning of a round with fewer requests: a twentieth of a command more is
// no other way of asking.
const COUNTS_BESIDE = 0.05;

export function storesTable(run) {
  const tables = run.groups.map(
    (group) => `#### ${group.name}\n\n${readsTable(group)}${writesTable(group)}`,
  );
  return [...tables, ...run.notes].join("\n\n");
}

export function storesAims(run) {
  if (majorOf(run.node) !== "24") return [];
  return [...speedAims(run), ...commandAims(run), ...commitAims(run)];
}

/** What is read together is one command: counted by the server. */
function commandAims(run) {
  return run.groups.flatMap(({ name, results }) => {
    const { commands } = figureOf(
      results.find(({ kind }) => kind === "ours"),
      "read",
      JUDGED_AT,
    );
    if (!commands) return [];
    const perBatch = commands.median * JUDGED_AT;
    return [
      {
        id: `stores/commands/${name}`,
        aim: `${name}: at most one command for ${JUDGED_AT} reads of one turn of the event loop`,
        figure: perBatch.toFixed(2),
        isMet: perBatch < 1 + COUNTS_BESIDE,
      },
    ];
  });
}

function commitAims(run) {
  return run.groups.flatMap(({ name, results }) => {
    const written = figureOf(
      results.find(({ kind }) => kind === "ours"),
      "write",
      JUDGED_AT,
    );
    if (!written) return [];
    const { timesRaw } = written;
    return [
      {
        id: `stores/commits/${name}`,
        aim: `${name}: durable writes, ${JUDGED_AT} at a time, at least ${LEAST_COMMITS} × as many as commits one by one`,
        figure: `${timesRaw.median.toFixed(1)} × (${timesRaw.low.toFixed(1)}–${timesRaw.high.toFixed(1)})`,
        isMet: timesRaw.median >= LEAST_COMMITS,
      },
    ];
  });
}

function speedAims(run) {
  return run.groups
    .filter(({ least }) => least !== undefined)
    .map(({ name, least, results }) => {
      const { median, low, high } = figureOf(
        results.find(({ kind }) => kind === "ours"),
        "read",
        JUDGED_AT,
      ).timesRaw;
      const figure = `${median.toFixed(2)} × (${low.toFixed(2)}–${high.toFixed(2)})`;
      // The lower quartile: the median of so few rounds may be luck on a busy machine.
      return {
        id: `stores/raw/${name}`,
        aim: `${name}, ${JUDGED_AT} at a time: at least ${least} × the raw client, one by one, in three rounds of four`,
        figure,
        isMet: low >= least,
      };
    });
}

function readsTable({ results }) {
  const at = concurrenciesOf(results[0], "read");
  const rows = results.map((result) => {
    const judged = figureOf(result, "read", JUDGED_AT);
    const commands = judged.commands
      ? [1, JUDGED_AT]
          .map((concurrency) => toCount(figureOf(result, "read", concurrency).commands.median))
          .join(" / ")
      : "–";
    return [
      result.title,
      ...at.map((concurrency) => toRate(figureOf(result, "read", concurrency).perSecond)),
      `${judged.timesRaw.median.toFixed(2)} ×`,
      judged.processor.median.toFixed(1),
      commands,
    ];
  });
  return `Reads per second.\n\n${toTable(["at a time:", ...at, `× raw at ${JUDGED_AT}`, `µs of processor at ${JUDGED_AT}`, `commands a read at 1 / ${JUDGED_AT}`], rows)}`;
}

function writesTable({ results }) {
  const at = concurrenciesOf(results[0], "write");
  if (at.length === 0) return "";
  const rows = results.map((result) => [
    result.title
      .replace("SELECT", "UPDATE")
      .replace("fromRequest", "update")
      .replace(", and JSON.parse", ""),
    ...at.map((concurrency) => toRate(figureOf(result, "write", concurrency).perSecond)),
  ]);
  return `\n\nDurable writes per second.\n\n${toTable(["at a time:", ...at], rows)}`;
}

function concurrenciesOf(result, operation) {
  return result.figures
    .filter((figure) => figure.operation === operation)
    .map(({ concurrency }) => concurrency)
    .sort((a, b) => a - b);
}

function figureOf(result, operation, concurrency) {
  return result.figures.find(
    (figure) => figure.operation === operation && figure.concurrency === concurrency,
  );
}

/** `58,300 (55,100–60,900)` */
function toRate({ median, low, high }) {
  const text = (value) => (Math.round(value / 10) * 10).toLocaleString("en-GB");
  return `${text(median)} (${text(low)}–${text(high)})`;
}

function toCount(value) {
  return value.toFixed(value < 0.995 && value > 0 ? 3 : 2);
}
