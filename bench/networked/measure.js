// What a session costs a whole server when it is kept in Redis, PostgreSQL or a SQLite file: requests per second as a fraction of the same
// server without one, in the same round. The load and its client are those of `http`.
import { fileURLToPath } from "node:url";
import { versionsOf } from "../machine.js";
import { shuffle, summarize } from "../statistics.js";
import { temporaryFolder } from "../temporary-folder.js";
import { startWorker } from "../workers.js";
import { SERVERS } from "./servers.js";

const SERVER = fileURLToPath(new URL("../http/server.js", import.meta.url));
const CLIENT = fileURLToPath(new URL("../http/client.js", import.meta.url));
const CONNECTIONS = 64;

export async function measure({ nodes: [node], isQuick, say }) {
  const { rounds, milliseconds } = isQuick ? { rounds: 2, milliseconds: 150 } : { rounds: 9, milliseconds: 1000 };
  const results = [];
  const versions = versionsOf(["harpiats", "redis", "pg", "express-session", "connect-redis", "connect-pg-simple"]);
  for (const store of Object.keys(SERVERS)) {
    const folder = await temporaryFolder();
    let server;
    try {
      server = await start(store, folder.path);
      if (typeof server === "string") {
        say(server);
        continue;
      }
      say(`networked: ${store}, ${rounds} rounds on Node ${node.version}`);
      Object.assign(versions, server.versions);
      results.push(...(await measureStore(store, server.options, { node, rounds, milliseconds })));
    } finally {
      await server?.stop?.();
      await folder.remove();
    }
  }
  return [{ node: node.version, rounds, connections: CONNECTIONS, versions, results }];
}

async function start(store, folder) {
  if (store === "sqlite") return { options: { folder }, versions: {}, stop: async () => {} };
  const { program, start: startServer } = await import(`../stores/servers/${store}.js`);
  return program === undefined ? `${store} is not measured: it is not installed` : startServer(folder);
}

async function measureStore(store, options, { node, rounds, milliseconds }) {
  const workers = [];
  try {
    const client = await startWorker(CLIENT, { node, argument: { connections: CONNECTIONS } });
    workers.push(client);
    const subjects = [];
    for (const library of Object.keys(SERVERS[store])) {
      const worker = await startWorker(SERVER, { node, argument: { framework: store, library, servers: "../networked/servers.js", options } });
      workers.push(worker);
      const question = { port: worker.ready, milliseconds, path: "/", isTimed: true };
      // Compiled and warm before the first round counts.
      await client.ask(question);
      subjects.push({ store, library, worker, question, samples: [] });
    }
    for (let round = 0; round < rounds; round++) {
      for (const { worker, question, samples } of shuffle(subjects)) {
        const before = await worker.ask("cpu");
        const { requests, seconds, p99 } = await client.ask(question);
        samples.push({ perSecond: requests / seconds, cpu: ((await worker.ask("cpu")) - before) / requests, p99 });
      }
    }
    const [bare] = subjects;
    return subjects.map(({ library, samples }) => ({
      store,
      library,
      perSecond: summarize(samples.map(({ perSecond }) => perSecond)),
      p99: summarize(samples.map(({ p99 }) => p99)),
      fraction: summarize(samples.map(({ perSecond }, round) => perSecond / bare.samples[round].perSecond)),
      addedMicroseconds: summarize(samples.map(({ cpu }, round) => cpu - bare.samples[round].cpu)),
    }));
  } finally {
    for (const worker of workers) await worker.stop();
  }
}
