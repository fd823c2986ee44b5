// Servers under the same load, each in a process of its own: requests per second, processor time
// and the 99th percentile of the answers' times. What a process is worth differs by a tenth from
// one start to the next, whoever is measured: each server is started several times.
import { fileURLToPath } from "node:url";
import { versionsOf } from "./machine.js";
import { shuffle, summarize } from "./statistics.js";
import { startWorker } from "./workers.js";

const SERVER = fileURLToPath(new URL("./http/server.js", import.meta.url));
const CLIENT = fileURLToPath(new URL("./http/client.js", import.meta.url));

// Before so many turns V8 has not compiled what it will run with: a server at its beginning has
// half the throughput, and ours more code to compile than a bare one.
const WARM_UPS = 4;

/** Keep-alive connections, each with a session of its own. */
const CONNECTIONS = 64;

/**
 * @param options.servers each `{ argument, cases }`: what its process is told, and what is asked of
 * it, paths by name.
 * @param options.starts how often each server is started.
 * @param options.warmUps how often each case is asked for before it counts. Fewer than it takes are
 * for a look at whether all of it works.
 * @param options.rounds how often each case is measured after each start.
 * @returns for each server and case `{ ...server, case, samples }`, the samples in the order of
 * starts and rounds.
 */
export async function measureUnderLoad({
  node,
  servers,
  starts,
  rounds,
  milliseconds,
  warmUps = WARM_UPS,
}) {
  const subjects = servers.flatMap((server) =>
    Object.entries(server.cases).map(([name, path]) => ({
      ...server,
      server,
      case: name,
      path,
      samples: [],
    })),
  );
  for (let start = 0; start < starts; start++) {
    const workers = [];
    try {
      const client = await startWorker(CLIENT, { node, argument: { connections: CONNECTIONS } });
      workers.push(client);
      const running = new Map();
      for (const server of servers) {
        const worker = await startWorker(SERVER, { node, argument: server.argument });
        workers.push(worker);
        running.set(server, worker);
      }
      const questionOf = ({ server, path }) => ({
        port: running.get(server).ready,
        milliseconds,
        path,
        isTimed: true,
      });
      for (const subject of subjects)
        for (let turn = 0; turn < warmUps; turn++) await client.ask(questionOf(subject));
      for (let round = 0; round < rounds; round++) {
        for (const subject of shuffle(subjects))
          subject.samples.push(
            await sample(client, running.get(subject.server), questionOf(subject)),
          );
      }
    } finally {
      for (const worker of workers) await worker.stop();
    }
  }
  return subjects;
}

async function sample(client, worker, question) {
  const before = await worker.ask("cpu");
  const { requests, seconds, clientShare, p99 } = await client.ask(question);
  const used = (await worker.ask("cpu")) - before;
  return { perSecond: requests / seconds, cpu: used / requests, clientShare, p99 };
}

/** Fractions and differences are taken within a round, where the machine was in the same mood. */
export function summarizeBeside(samples, bare) {
  const by = (figure) => summarize(samples.map((each, at) => figure(each, bare[at])));
  return {
    perSecond: by(({ perSecond }) => perSecond),
    fraction: by(({ perSecond }, beside) => perSecond / beside.perSecond),
    cpuFraction: by(({ cpu }, beside) => beside.cpu / cpu),
    addedMicroseconds: by(({ cpu }, beside) => cpu - beside.cpu),
    p99: by(({ p99 }) => p99),
    p99Times: by(({ p99 }, beside) => p99 / beside.p99),
    // Near 1 the client is what limits the server.
    clientShare: by(({ clientShare }) => clientShare),
  };
}

/**
 * Measures servers of several frameworks, each beside the same framework's without a session: the
 * library `none`.
 *
 * @param options.servers as for {@link measureUnderLoad}, each with its `framework` and `library`
 * too.
 */
export async function measureFrameworks({ part, node, servers, plan, packages, say }) {
  say(
    `${part}: ${servers.length} servers, ${plan.starts} starts with ${plan.rounds} rounds on Node ${node.version}`,
  );
  const subjects = await measureUnderLoad({ node, servers, ...plan });
  const results = subjects.map(({ framework, library, case: name, samples }) => {
    const bare = subjects.find(
      (subject) => subject.framework === framework && subject.library === "none",
    );
    return { framework, library, case: name, ...summarizeBeside(samples, bare.samples) };
  });
  return { ...headOf(node, plan), versions: versionsOf(packages), results };
}

/** What a run says of itself. */
export function headOf(node, { starts, rounds }) {
  return { node: node.version, rounds: starts * rounds, starts, connections: CONNECTIONS };
}
