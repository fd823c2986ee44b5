// The tables of how costs grow, and the aims for a MemoryStore of a million sessions.
import { toTable, withSpread } from "../table.js";

const MOST_BYTES = 390;
const LONGEST_STALL = 5;
const LONGEST_FILLING = 4000;

export function scaleTable(run) {
  const rows = run.results.flatMap(({ name, sizes }) =>
    sizes.map(({ size, bytesEach, read, write, created }) => [
      `${name}, ${size.toLocaleString("en")}`,
      ...[read.median, read.p99, write.median, write.p99].map(toMicroseconds),
      Math.round(created.median).toLocaleString("en"),
      Math.round(bytesEach).toLocaleString("en"),
    ]),
  );
  const withProcesses = run.results.filter(({ processes }) => processes.length > 0);
  const processRows = withProcesses.flatMap(({ name, processes }) =>
    processes.map((one) => [
      `${name}, ${one.processes}`,
      Math.round(one.perSecond.median).toLocaleString("en"),
      ...[one.median, one.p99].map(toMicroseconds),
    ]),
  );
  const churned = run.results.find(({ churn }) => churn);
  return [
    `Reading a session from a request and updating one, one after another, by microseconds; creations with ${run.atOnce} at a time, a second. In a store of so many sessions, whose records are the fields of a login.`,
    toTable(
      [
        "",
        "read, µs",
        "read, p99",
        "write, µs",
        "write, p99",
        "created a second",
        "bytes a session",
      ],
      rows,
    ),
    ...(processRows.length > 0
      ? [
          `What as many processes would have, each a Session and a client of its own (a pool of ${run.pool} for PostgreSQL and MariaDB), reads at the same time, ${run.atOnceInEach} requests at a time each. They are in two processes, one for each core.`,
          toTable(
            ["processes' worth", "reads a second, all", "read, µs", "read, p99"],
            processRows,
          ),
        ]
      : []),
    ...(churned ? [churnText(churned.churn)] : []),
    `Expiry: ${run.expiry.count.toLocaleString("en")} sessions in a MemoryStore, made in ${(run.expiry.filledIn / 1000).toFixed(1)} s, expire over ${run.expiry.spread} s. The longest stall was ${run.expiry.longestStall} ms by the clock, ${run.expiry.longestOwn} ms without the wait for a processor, and the longest garbage collection took ${run.expiry.longestCollection} ms; ${run.expiry.bytesEach} bytes a session.`,
    ...run.notes,
  ].join("\n\n");
}

export function scaleAims({ expiry }) {
  return [
    {
      id: "scale/bytes",
      aim: `MemoryStore, ${expiry.count.toLocaleString("en")} sessions of as many users: under ${MOST_BYTES} bytes each`,
      figure: `${expiry.bytesEach}`,
      isMet: expiry.bytesEach < MOST_BYTES,
    },
    {
      id: "scale/stall",
      aim: `MemoryStore: no stall over ${LONGEST_STALL} ms while they expire`,
      figure: `${expiry.longestOwn} ms, our own tasks ${expiry.longestSlice} ms, by the clock ${expiry.longestStall} ms`,
      isMet: expiry.longestOwn <= LONGEST_STALL,
    },
    {
      id: "scale/filling",
      aim: `MemoryStore: made in under ${LONGEST_FILLING / 1000} s`,
      figure: `${(expiry.filledIn / 1000).toFixed(1)} s`,
      isMet: expiry.filledIn < LONGEST_FILLING,
    },
  ];
}

function churnText({ size, perSecond, longest, p999, longestOwn, utilization }) {
  return `Churn: a MemoryStore of ${size.toLocaleString("en")} sessions while ${Math.round(perSecond).toLocaleString("en")} operations a second read, write, create and end sessions. The event loop was busy for ${Math.round(utilization * 100)} % of the time and stopped for ${longest.toFixed(1)} ms at the longest (${longestOwn.toFixed(1)} ms without the wait for a processor), 999 times of 1,000 for at most ${p999.toFixed(1)} ms.`;
}

/** From milliseconds. */
function toMicroseconds({ median, low, high }) {
  const [middle, from, to] = [median, low, high].map((value) => value * 1000);
  return withSpread({ median: middle, low: from, high: to }, middle < 10 ? 1 : 0);
}
