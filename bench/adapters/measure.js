// What a session costs as it is used, through each framework's adapter: requests per second, as a
// fraction of the bare framework's in the same round, and the 99th percentile of the answers'
// times. The load and its client are those of `http`.
import { measureFrameworks } from "../under-load.js";
import { SERVERS } from "./servers.js";

const FLOOR_CASES = { read: "/", "read and written": "/write" };
const CASES = { "left alone": "/hello", ...FLOOR_CASES };
const PACKAGES = [
  "harpiats",
  "express",
  "express-session",
  "fastify",
  "@fastify/session",
  "@mgcrea/fastify-session",
  "koa",
  "koa-session",
  "hono",
  "@hono/node-server",
  "hono-sessions",
  "@hono/session",
];

export async function measure({ nodes: [node], isQuick, say }) {
  const plan = isQuick
    ? { starts: 1, warmUps: 1, rounds: 2, milliseconds: 80 }
    : { starts: 2, rounds: 6, milliseconds: 500 };
  const servers = Object.entries(SERVERS).flatMap(([framework, libraries]) =>
    Object.keys(libraries).map((library) => ({
      framework,
      library,
      argument: { framework, library, servers: "../adapters/servers.js" },
      cases: library === "none" ? { "no session": "/" } : library === "floor" ? FLOOR_CASES : CASES,
    })),
  );
  return [
    await measureFrameworks({ part: "adapters", node, servers, plan, packages: PACKAGES, say }),
  ];
}
