// The table of adapters, and the aim: a session in memory that is read costs at most a twentieth of the bare framework's requests.
import { toTable, withSpread } from "../table.js";

const LEAST_FRACTION = 0.95;

export function adaptersTable(run) {
  const rows = run.results.map((result) => [
    result.library === "none" ? `${result.framework}, no session` : `${result.framework}, ${result.library}, ${result.case}`,
    Math.round(result.perSecond.median).toLocaleString("en"),
    result.p99.median.toFixed(1),
    withSpread(result.fraction, 2),
    withSpread(result.cpuFraction, 2),
  ]);
  return `${run.connections} keep-alive connections, each with a session of its own. A session is left alone, read, or read and written by the handler,
as \`req.session\` and the like; koa-session keeps it in a cookie, the others in memory. Fractions are of the same framework without a session: of its
requests per second, and of its processor time, which a slow client cannot blur.

${toTable(["", "requests per second", "p99, ms", "fraction", "fraction by processor time"], rows)}`;
}

export function adaptersAims(run) {
  return run.results
    .filter(({ library, case: name }) => library === "harpiats" && name === "read")
    .map(({ framework, fraction }) => ({
      aim: `${framework}, a session that is read: at least ${LEAST_FRACTION} of the requests`,
      figure: fraction.median.toFixed(2),
      isMet: fraction.median >= LEAST_FRACTION,
    }));
}
