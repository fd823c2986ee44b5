// What a session costs a whole server: requests per second as a fraction of the same server without
// one, and the processor time that a request takes more.
import { measureFrameworks } from "../under-load.js";
import { SERVERS } from "./servers.js";

const PACKAGES = [
  "harpiats",
  "express",
  "express-session",
  "fastify",
  "@fastify/session",
  "@mgcrea/fastify-session",
  "hono",
  "@hono/node-server",
  "hono-sessions",
  "@hono/session",
];

export async function measure({ nodes: [node], isQuick, say }) {
  const plan = isQuick
    ? { starts: 1, warmUps: 1, rounds: 2, milliseconds: 120 }
    : { starts: 3, rounds: 4, milliseconds: 800 };
  const servers = Object.entries(SERVERS).flatMap(([framework, libraries]) =>
    Object.keys(libraries).map((library) => ({
      framework,
      library,
      argument: { framework, library },
      cases: casesOf(framework, library),
    })),
  );
  const run = await measureFrameworks({
    part: "http",
    node,
    servers,
    plan,
    packages: PACKAGES,
    say,
  });
  return [
    {
      ...run,
      results: run.results.map(({ case: name, ...result }) => ({
        ...result,
        isWriting: name === "write",
      })),
    },
  ];
}

function casesOf(framework, library) {
  return framework === "node http" && ["floor", "harpiats"].includes(library)
    ? { read: "/", write: "/write" }
    : { read: "/" };
}
