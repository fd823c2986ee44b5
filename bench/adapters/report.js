// The table of adapters, and the aims: what a session in memory that is read, or read and written,
// leaves of the bare framework's requests.
import { MOST_TIMES_P99 } from "../http/report.js";
import { toTable, withSpread } from "../table.js";

const LEAST_FRACTION = { read: 0.95, "read and written": 0.88 };

export function adaptersTable(run) {
  const rows = run.results.map((result) => [
    result.library === "none"
      ? `${result.framework}, no session`
      : `${result.framework}, ${result.library}, ${result.case}`,
    Math.round(result.perSecond.median).toLocaleString("en"),
    result.p99.median.toFixed(1),
    withSpread(result.fraction, 2),
    withSpread(result.cpuFraction, 2),
  ]);
  return `${run.connections} keep-alive connections, each with a session of its own. A session is left alone, read, or read and written by the handler,
as \`req.session\` and the like; koa-session and @hono/session keep it in a cookie, the others in memory. Fractions are of the same framework without a session: of its
requests per second, and of its processor time, which a slow client cannot blur.

${toTable(["", "requests per second", "p99, ms", "fraction", "fraction by processor time"], rows)}`;
}

export function adaptersAims(run) {
  return run.results
    .filter(
      ({ library, case: name }) => library === "harpiats" && LEAST_FRACTION[name] !== undefined,
    )
    .flatMap(({ framework, case: name, fraction, cpuFraction, p99Times }) => [
      {
        id: `adapters/${name}/${framework}`,
        aim: `${framework}, a session that is ${name}: at least ${LEAST_FRACTION[name]} of the requests`,
        figure: `${fraction.median.toFixed(2)} (by processor time ${cpuFraction.median.toFixed(2)})`,
        isMet: fraction.median >= LEAST_FRACTION[name],
      },
      ...(name === "read" && p99Times
        ? [
            {
              id: `adapters/p99/${framework}`,
              aim: `${framework}, a session that is ${name}: p99 at most ${MOST_TIMES_P99} × that without a session`,
              figure: `${withSpread(p99Times, 2)} ×`,
              isMet: p99Times.median <= MOST_TIMES_P99,
            },
          ]
        : []),
    ]);
}
