// The table of servers under load, and the aims for them, which are for later: nothing was tuned for them yet.
import { toTable, withSpread } from "../table.js";

const LEAST_FRACTION = { "node http": 0.92, Express: 0.95, Fastify: 0.92, Hono: 0.92 };

export function httpTable(run) {
  const rows = run.results.map(({ framework, library, perSecond, fraction, cpuFraction, addedMicroseconds }) => [
    `${framework}, ${library === "none" ? "no session" : library}`,
    Math.round(perSecond.median).toLocaleString("en"),
    withSpread(fraction, 2),
    withSpread(cpuFraction, 2),
    library === "none" ? "" : withSpread(addedMicroseconds, 1),
  ]);
  return `${run.connections} keep-alive connections, each with a session of its own in memory, which every request reads. Fractions are of the same
framework without a session: of its requests per second, and of its processor time, which a slow client cannot blur.

${toTable(["", "requests per second", "fraction", "fraction by processor time", "µs added to a request"], rows)}`;
}

export function httpAims(run) {
  return run.results
    .filter(({ library }) => library === "harpiats")
    .map(({ framework, fraction }) => ({
      aim: `${framework}: at least ${LEAST_FRACTION[framework]} of the requests`,
      figure: fraction.median.toFixed(2),
      isMet: fraction.median >= LEAST_FRACTION[framework],
      isLater: true,
    }));
}
