// What reading a session from a request costs, candidate by candidate, in processor time.
import { fileURLToPath } from "node:url";
import { versionsOf } from "../machine.js";
import { shuffle, summarize } from "../statistics.js";
import { findBun } from "../nodes.js";
import { startWorker } from "../workers.js";
import { CASES } from "./cases.js";

const WORKER = fileURLToPath(new URL("./worker.js", import.meta.url));

export const CANDIDATES = [
  {
    title: "floor, node request",
    kind: "floor",
    request: "node",
    module: "floor",
    options: { request: "node" },
    packages: [],
  },
  {
    title: "harpiats, node request",
    kind: "ours",
    request: "node",
    module: "harpiats",
    options: { request: "node" },
    packages: ["harpiats"],
  },
  {
    title: "floor, fetch Request",
    kind: "floor",
    request: "fetch",
    module: "floor",
    options: { request: "fetch" },
    packages: [],
  },
  {
    title: "harpiats, fetch Request",
    kind: "ours",
    request: "fetch",
    module: "harpiats",
    options: { request: "fetch" },
    packages: ["harpiats"],
  },
  {
    title: "(floor, and JSON.parse of the record)",
    kind: "part",
    module: "floor",
    options: { request: "node", copies: true },
    packages: [],
  },
  {
    title: "@fastify/session, onRequest and onSend",
    kind: "peer",
    module: "fastify-session",
    options: { part: "request" },
    packages: ["@fastify/session", "@fastify/cookie"],
  },
  {
    title: "express-session, middleware and end",
    kind: "peer",
    module: "express-session",
    options: { part: "request" },
    packages: ["express-session"],
  },
  {
    title: "hono-sessions, memory",
    kind: "peer",
    module: "hono-sessions",
    options: {},
    packages: ["hono-sessions", "hono"],
  },
  {
    title: "@mgcrea/fastify-session, onRequest and onSend",
    kind: "peer",
    module: "fastify-session",
    options: { plugin: "@mgcrea/fastify-session", part: "request" },
    packages: ["@mgcrea/fastify-session"],
  },
  {
    title: "better-auth, getSession, secondary storage in memory",
    kind: "peer",
    module: "better-auth",
    options: {},
    packages: ["better-auth"],
  },
  {
    title: "koa-session, signed cookie",
    kind: "peer",
    module: "koa-session",
    options: {},
    packages: ["koa-session"],
  },
  {
    title: "cookie-session, signed cookie",
    kind: "peer",
    module: "cookie-session",
    options: {},
    packages: ["cookie-session"],
  },
  {
    title: "@remix-run/session, signed cookie",
    kind: "peer",
    module: "remix-session",
    options: {},
    packages: ["@remix-run/session", "@remix-run/cookie"],
  },
  {
    title: "@hono/session, encrypted cookie",
    kind: "peer",
    module: "hono-session",
    options: {},
    packages: ["@hono/session"],
  },
  {
    title: "iron-session, sealed cookie",
    kind: "peer",
    module: "iron-session",
    options: {},
    packages: ["iron-session"],
  },
  // Not what a request costs, since what comes after cannot be left out: only the way to the data,
  // for comparison.
  {
    title: "(@fastify/session, onRequest alone)",
    kind: "part",
    module: "fastify-session",
    options: { part: "read" },
    packages: ["@fastify/session", "@fastify/cookie"],
  },
  {
    title: "(express-session, middleware alone)",
    kind: "part",
    module: "express-session",
    options: { part: "read" },
    packages: ["express-session"],
  },
];

export async function measure({ nodes, isQuick, say }) {
  const runs = [];
  const bun = findBun();
  if (!bun) say("read: no Bun comes as a package for this platform: it is not measured");
  // The aims are Node 24's and Bun's: in a hurry those alone.
  const wanted = isQuick ? nodes.slice(0, 1) : nodes;
  for (const node of bun ? [...wanted, bun] : wanted)
    runs.push(await measureOn(node, { isQuick, say }));
  return runs;
}

async function measureOn(node, { isQuick, say }) {
  const { rounds, milliseconds, warmUp, sessions } = isQuick
    ? { rounds: 3, milliseconds: 8, warmUp: 25, sessions: 200 }
    : { rounds: 15, milliseconds: 50, warmUp: 400 };
  say(
    `read: ${CANDIDATES.length} candidates, ${rounds} rounds on ${node.name ?? "Node"} ${node.version}`,
  );
  const started = [];
  const notes = [];
  try {
    for (const candidate of CANDIDATES) {
      const { module, options } = candidate;
      try {
        const worker = await startWorker(WORKER, {
          node,
          argument: { module, options, warmUp, sessions },
        });
        started.push({
          candidate,
          worker,
          samples: Object.fromEntries(CASES.map((name) => [name, []])),
        });
      } catch (error) {
        // Peers reach into what Node's own messages are made of: that some do not run elsewhere is
        // no failure of the run.
        if (candidate.kind === "ours" || node.name !== "Bun") throw error;
        notes.push(
          `${candidate.title} is not measured on ${node.name}: what is caught of it for that does not work there.`,
        );
      }
    }
    const turns = started.flatMap(({ worker, samples }) =>
      CASES.map((name) => ({ worker, samples, name })),
    );
    for (let round = 0; round < rounds; round++) {
      // One at a time: the others wait for a message and cost nothing.
      for (const { worker, samples, name } of shuffle(turns)) {
        const { operations, microseconds } = await worker.ask({ name, milliseconds });
        samples[name].push(microseconds / operations);
      }
    }
  } finally {
    for (const { worker } of started) await worker.stop();
  }
  return {
    ...(node.name && { runtime: node.name }),
    node: node.version,
    rounds,
    versions: versionsOf([...new Set(started.flatMap(({ candidate: { packages } }) => packages))]),
    ...(notes.length > 0 && { notes }),
    results: started.map(({ candidate: { title, kind, request }, samples }) => ({
      title,
      kind,
      ...(request && { request }),
      microseconds: Object.fromEntries(CASES.map((name) => [name, summarize(samples[name])])),
    })),
  };
}
