// What a session costs as it is used, through each framework's adapter: requests per second, as a fraction of the bare framework's in the
// same round, and the 99th percentile of the answers' times. The load and its client are those of `http`.
import { fileURLToPath } from "node:url";
import { versionsOf } from "../machine.js";
import { shuffle, summarize } from "../statistics.js";
import { startWorker } from "../workers.js";
import { SERVERS } from "./servers.js";

const SERVER = fileURLToPath(new URL("../http/server.js", import.meta.url));
const CLIENT = fileURLToPath(new URL("../http/client.js", import.meta.url));
const CONNECTIONS = 64;
const CASES = { "left alone": "/hello", read: "/", "read and written": "/write" };
const PACKAGES = ["harpiats", "express", "express-session", "fastify", "@fastify/session", "@mgcrea/fastify-session", "koa", "koa-session", "hono", "@hono/node-server", "hono-sessions", "@hono/session"];

export async function measure({ nodes: [node], isQuick, say }) {
  const { rounds, milliseconds } = isQuick ? { rounds: 2, milliseconds: 80 } : { rounds: 11, milliseconds: 750 };
  const servers = Object.entries(SERVERS).flatMap(([framework, libraries]) => Object.keys(libraries).map((library) => ({ framework, library })));
  const subjects = [];
  const workers = [];
  try {
    const client = await startWorker(CLIENT, { node, argument: { connections: CONNECTIONS } });
    workers.push(client);
    for (const { framework, library } of servers) {
      const worker = await startWorker(SERVER, { node, argument: { framework, library, servers: "../adapters/servers.js" } });
      workers.push(worker);
      const cases = library === "none" ? { "no session": "/" } : CASES;
      for (const [name, path] of Object.entries(cases)) {
        const question = { port: worker.ready, milliseconds, path, isTimed: true };
        // Compiled and warm before the first round counts.
        await client.ask(question);
        subjects.push({ framework, library, case: name, worker, question, samples: [] });
      }
    }
    say(`adapters: ${subjects.length} cases, ${rounds} rounds on Node ${node.version}`);
    for (let round = 0; round < rounds; round++) {
      for (const subject of shuffle(subjects)) subject.samples.push(await sample(client, subject));
    }
  } finally {
    for (const worker of workers) await worker.stop();
  }
  const bareOf = ({ framework }) => subjects.find((subject) => subject.framework === framework && subject.library === "none");
  return [{ node: node.version, rounds, connections: CONNECTIONS, versions: versionsOf(PACKAGES), results: subjects.map((subject) => summarizeSubject(subject, bareOf(subject))) }];
}

async function sample(client, { worker, question }) {
  const before = await worker.ask("cpu");
  const { requests, seconds, clientShare, p99 } = await client.ask(question);
  const used = (await worker.ask("cpu")) - before;
  return { perSecond: requests / seconds, cpu: used / requests, clientShare, p99 };
}

/** Fractions are taken within a round, where the machine was in the same mood. */
function summarizeSubject({ framework, library, case: name, samples }, bare) {
  return {
    framework,
    library,
    case: name,
    perSecond: summarize(samples.map(({ perSecond }) => perSecond)),
    p99: summarize(samples.map(({ p99 }) => p99)),
    p99Times: summarize(samples.map(({ p99 }, round) => p99 / bare.samples[round].p99)),
    fraction: summarize(samples.map(({ perSecond }, round) => perSecond / bare.samples[round].perSecond)),
    cpuFraction: summarize(samples.map(({ cpu }, round) => bare.samples[round].cpu / cpu)),
    // Near 1 the client is what limits the server.
    clientShare: summarize(samples.map(({ clientShare }) => clientShare)),
  };
}
