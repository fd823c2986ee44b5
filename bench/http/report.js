// The table of servers under load, and the aims for them.
import { toTable, withSpread } from "../table.js";

const LEAST_FRACTION = { "node http": 0.92, Express: 0.95, Fastify: 0.92, Hono: 0.92 };
const LEAST_WRITING = 0.88;
export const MOST_TIMES_P99 = 1.3;

export function httpTable(run) {
  const rows = run.results.map((result) => [
    titleOf(result),
    Math.round(result.perSecond.median).toLocaleString("en"),
    withSpread(result.fraction, 2),
    withSpread(result.cpuFraction, 2),
    result.library === "none" ? "" : withSpread(result.addedMicroseconds, 1),
    result.p99?.median.toFixed(1) ?? "",
  ]);
  return `${run.connections} keep-alive connections, each with a session of its own in memory (@hono/session: in an encrypted cookie), which every request reads. Fractions are of the same
framework without a session: of its requests per second, and of its processor time, which a slow client cannot blur.

${toTable(["", "requests per second", "fraction", "fraction by processor time", "µs added to a request", "p99, ms"], rows)}`;
}

export function httpAims(run) {
  const ours = run.results.filter(({ library }) => library === "harpiats");
  return ours.flatMap((result) => {
    const { framework, isWriting, fraction, cpuFraction, p99Times } = result;
    const least = isWriting ? LEAST_WRITING : LEAST_FRACTION[framework];
    const id = `http/${isWriting ? "write" : "read"}/${framework}`;
    return [
      {
        id,
        aim: `${titleOf(result)}: at least ${least} of the requests`,
        figure: `${fraction.median.toFixed(2)} (by processor time ${cpuFraction.median.toFixed(2)})`,
        isMet: fraction.median >= least,
      },
      ...(isWriting || !p99Times
        ? []
        : [
            {
              id: `http/p99/${framework}`,
              aim: `${titleOf(result)}: p99 at most ${MOST_TIMES_P99} × that without a session`,
              figure: `${withSpread(p99Times, 2)} ×`,
              isMet: p99Times.median <= MOST_TIMES_P99,
            },
          ]),
    ];
  });
}

function titleOf({ framework, library, isWriting }) {
  return `${framework}, ${library === "none" ? "no session" : library}${isWriting ? ", read and written" : ""}`;
}
