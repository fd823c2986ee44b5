// What reading a session costs where it is kept on a server: beside the raw client, beside
// express-session, with the commands that the server itself counted. Each server is started for
// this, alone, and ended afterwards.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { versionsOf } from "../machine.js";
import { majorOf } from "../nodes.js";
import { shuffle, summarize } from "../statistics.js";
import { temporaryFolder } from "../temporary-folder.js";
import { startWorker } from "../workers.js";
import { GROUPS } from "./candidates.js";

const WORKER = fileURLToPath(new URL("./worker.js", import.meta.url));
export const CONCURRENCIES = [1, 64, 256];
// The first Node with node:sqlite.
const SQLITE_SINCE = 22;

export async function measure({ nodes, isQuick, say }) {
  // One Node alone: it is the clients and servers that are in question here.
  const [node] = nodes;
  const { rounds, milliseconds, warmUp } = isQuick
    ? { rounds: 2, milliseconds: 40, warmUp: 100 }
    : { rounds: 11, milliseconds: 300, warmUp: 1500 };
  const run = { node: node.version, rounds, versions: {}, groups: [], notes: [] };
  for (const server of new Set(GROUPS.map((group) => group.server))) {
    say(`stores: ${server}, ${rounds} rounds on Node ${node.version}`);
    const folder = await temporaryFolder();
    let running;
    try {
      running = await startServer(server, folder.path, node);
      if (typeof running === "string") {
        say(running);
        run.notes.push(running);
        continue;
      }
      Object.assign(run.versions, running.versions);
      for (const group of GROUPS.filter((one) => one.server === server)) {
        run.groups.push(await measureGroup(group, { running, node, rounds, milliseconds, warmUp }));
        Object.assign(
          run.versions,
          versionsOf(group.candidates.flatMap(({ packages }) => packages)),
        );
      }
    } finally {
      await running?.stop?.();
      await folder.remove();
    }
  }
  return [run];
}

/** @returns why not, where it cannot be started. */
async function startServer(name, folder, node) {
  if (name === "sqlite") {
    if (Number(majorOf(node.version)) < SQLITE_SINCE)
      return `SQLite is not measured: Node ${node.version} has no node:sqlite`;
    return { options: { folder }, stop: async () => {} };
  }
  const { program, start } = await import(`./servers/${name}.js`);
  return program === undefined ? `${name} is not measured: it is not installed` : start(folder);
}

async function measureGroup(group, { running, node, rounds, milliseconds, warmUp }) {
  const started = [];
  try {
    for (const [at, candidate] of group.candidates.entries()) {
      // Each has a table, prefix or file of its own: nobody reads what another has just warmed.
      const name = `bench_${GROUPS.indexOf(group)}_${at}`;
      const where = running.options.folder
        ? { path: join(running.options.folder, `${name}.db`) }
        : { ...running.options, name };
      const worker = await startWorker(WORKER, {
        node,
        argument: { module: candidate.module, options: { ...candidate.options, ...where }, warmUp },
      });
      started.push({ candidate, worker, samples: new Map() });
    }
    const turns = [
      ...CONCURRENCIES.map((concurrency) => ({ operation: "read", concurrency })),
      ...(group.writes ?? []).map((concurrency) => ({ operation: "write", concurrency })),
    ];
    for (let round = 0; round < rounds; round++) {
      // Those that are held against each other come right after one another: a busy machine is the
      // same for all of them.
      for (const turn of shuffle(turns))
        for (const one of shuffle(started)) await take(one, turn, { running, milliseconds });
    }
  } finally {
    for (const { worker } of started) await worker.stop();
  }
  const [raw] = started;
  return {
    name: group.name,
    ...(group.least && { least: group.least }),
    results: started.map(({ candidate: { title, kind }, samples }) => ({
      title,
      kind,
      figures: [...samples].map(([key, list]) => ({
        ...JSON.parse(key),
        ...summarizeAll(list, raw.samples.get(key)),
      })),
    })),
  };
}

/** One at a time: the others wait for a message and cost nothing. */
async function take({ worker, samples }, turn, { running, milliseconds }) {
  const before = await running.commands?.();
  const { operations, seconds, processor } = await worker.ask({ ...turn, milliseconds });
  const after = await running.commands?.();
  const key = JSON.stringify(turn);
  if (!samples.has(key)) samples.set(key, []);
  samples.get(key).push({
    perSecond: operations / seconds,
    processor: processor / operations,
    ...(after !== undefined && { commands: (after - before) / operations }),
  });
}

function summarizeAll(list, raw) {
  return {
    perSecond: summarize(list.map(({ perSecond }) => perSecond)),
    // Round by round, so that what disturbed both disturbs the ratio least.
    timesRaw: summarize(list.map(({ perSecond }, round) => perSecond / raw[round].perSecond)),
    // Microseconds of this process, all threads.
    processor: summarize(list.map(({ processor }) => processor)),
    ...(list[0].commands !== undefined && {
      commands: summarize(list.map(({ commands }) => commands)),
    }),
  };
}
