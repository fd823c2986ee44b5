// The table of servers whose sessions are in a store, and their aims.
import { toTable, withSpread } from "../table.js";

const NAMES = { redis: "Redis", postgres: "PostgreSQL", sqlite: "a SQLite file" };
const LEAST = {
  redis: { harpiats: 0.78, "harpiats with the near cache": 0.9, "harpiats, read and written": 0.6 },
  postgres: {
    harpiats: 0.58,
    "harpiats with the near cache": 0.9,
    "harpiats, read and written": 0.35,
  },
  sqlite: { harpiats: 0.85 },
};

export function networkedTable(run) {
  const rows = run.results.map(
    ({ store, library, perSecond, fraction, addedMicroseconds, p99 }) => [
      `${NAMES[store]}, ${library === "none" ? "no session" : library}`,
      Math.round(perSecond.median).toLocaleString("en"),
      withSpread(fraction, 2),
      library === "none" ? "" : withSpread(addedMicroseconds, 1),
      withSpread(p99, 1),
    ],
  );
  return `${run.connections} keep-alive connections, each with a session of its own, on node http; the store, the server and the client share the machine. Fractions are of
the requests per second without a session. Changes are durable where the store's usual settings make them so.

${toTable(["", "requests per second", "fraction", "µs of processor time added to a request", "p99, ms"], rows)}`;
}

export function networkedAims(run) {
  return run.results
    .filter(({ store, library }) => LEAST[store][library] !== undefined)
    .map(({ store, library, fraction }) => ({
      id: `networked/${library.replace("harpiats", "read").replace("read, read and written", "write").replace("read with the near cache", "near")}/${store}`,
      aim: `${NAMES[store]}, ${library}: at least ${LEAST[store][library]} of the requests`,
      figure: fraction.median.toFixed(2),
      isMet: fraction.median >= LEAST[store][library],
    }));
}
