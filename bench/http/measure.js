// What a session costs a whole server: requests per second as a fraction of the same server without one, and the processor
// time that a request takes more.
import { fileURLToPath } from "node:url";
import { versionsOf } from "../machine.js";
import { shuffle, summarize } from "../statistics.js";
import { startWorker } from "../workers.js";
import { SERVERS } from "./servers.js";

const SERVER = fileURLToPath(new URL("./server.js", import.meta.url));
const CLIENT = fileURLToPath(new URL("./client.js", import.meta.url));
const CONNECTIONS = 64;
const PACKAGES = ["harpiats", "express", "express-session", "fastify", "@fastify/session", "@mgcrea/fastify-session", "hono", "@hono/node-server", "hono-sessions", "@hono/session"];

export async function measure({ nodes: [node], isQuick, say }) {
  const { rounds, milliseconds } = isQuick ? { rounds: 2, milliseconds: 120 } : { rounds: 11, milliseconds: 1500 };
  const subjects = Object.entries(SERVERS).flatMap(([framework, libraries]) => Object.keys(libraries).map((library) => ({ framework, library })));
  say(`http: ${subjects.length} servers, ${rounds} rounds on Node ${node.version}`);
  const workers = [];
  const writers = [];
  try {
    const client = await startWorker(CLIENT, { node, argument: { connections: CONNECTIONS } });
    workers.push(client);
    for (const subject of subjects) {
      subject.worker = await startWorker(SERVER, { node, argument: { framework: subject.framework, library: subject.library } });
      workers.push(subject.worker);
      // Compiled and warm before the first round counts.
      await client.ask({ port: subject.worker.ready, milliseconds, path: "/" });
      subject.samples = [];
      if (subject.framework !== "node http" || subject.library !== "harpiats") continue;
      await client.ask({ port: subject.worker.ready, milliseconds, path: "/write" });
      writers.push({ ...subject, isWriting: true, path: "/write", samples: [] });
    }
    subjects.push(...writers);
    for (let round = 0; round < rounds; round++) {
      for (const subject of shuffle(subjects)) subject.samples.push(await sample(client, subject, milliseconds));
    }
  } finally {
    for (const worker of workers) await worker.stop();
  }
  return [
    {
      node: node.version,
      rounds,
      connections: CONNECTIONS,
      versions: versionsOf(PACKAGES),
      results: subjects.map((subject) => summarizeSubject(subject, subjects.find(({ framework, library }) => framework === subject.framework && library === "none"))),
    },
  ];
}

async function sample(client, { worker: server, path = "/" }, milliseconds) {
  const before = await server.ask("cpu");
  const { requests, seconds, clientShare, p99 } = await client.ask({ port: server.ready, milliseconds, path, isTimed: true });
  const used = (await server.ask("cpu")) - before;
  return { perSecond: requests / seconds, cpu: used / requests, clientShare, p99 };
}

/** Fractions and differences are taken within a round, where the machine was in the same mood. */
function summarizeSubject({ framework, library, isWriting = false, samples }, bare) {
  return {
    framework,
    library,
    isWriting,
    perSecond: summarize(samples.map(({ perSecond }) => perSecond)),
    fraction: summarize(samples.map(({ perSecond }, round) => perSecond / bare.samples[round].perSecond)),
    cpuFraction: summarize(samples.map(({ cpu }, round) => bare.samples[round].cpu / cpu)),
    p99: summarize(samples.map(({ p99 }) => p99)),
    p99Times: summarize(samples.map(({ p99 }, round) => p99 / bare.samples[round].p99)),
    addedMicroseconds: summarize(samples.map(({ cpu }, round) => cpu - bare.samples[round].cpu)),
    // Near 1 the client is what limits the server.
    clientShare: summarize(samples.map(({ clientShare }) => clientShare)),
  };
}
