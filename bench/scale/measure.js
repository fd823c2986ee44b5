// How a store's costs grow with the sessions in it, and with the processes that use it. One store
// after another, each on a server of its own, filled by the server's own means from a thousand
// sessions to ten million; one size after another, since no server has two sizes at once.
import { execFile } from "node:child_process";
import { statfs } from "node:fs/promises";
import os from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { versionsOf } from "../machine.js";
import { majorOf } from "../nodes.js";
import { shuffle, summarize } from "../statistics.js";
import { temporaryFolder } from "../temporary-folder.js";
import { startWorker } from "../workers.js";

export { finish } from "./plot.js";

const WORKER = fileURLToPath(new URL("./worker.js", import.meta.url));
const MEMORY = fileURLToPath(new URL("../memory/measure.js", import.meta.url));
const SIZES = [1000, 10_000, 100_000, 1_000_000, 10_000_000];
const QUICK_SIZES = SIZES.slice(0, 2);
const MOST_MINUTES = 25;
// Bytes of memory and of disk that ten million take, with some to spare.
const STORES = {
  memory: { name: "MemoryStore", most: 1_000_000 },
  redis: { name: "Redis", memory: 9e9 },
  postgres: {
    name: "PostgreSQL",
    disk: 20e9,
    settings: { max_wal_size: "8GB", checkpoint_timeout: "30min" },
  },
  mariadb: {
    name: "MariaDB",
    disk: 20e9,
    memory: 6e9,
    settings: { "innodb-buffer-pool-size": "4G", "innodb-log-file-size": "1G" },
  },
  sqlite: { name: "SQLite", disk: 8e9 },
};
// Code is compiled and a server warm only after a while: also with the first size, whose figures
// would stand out otherwise.
const FULL = {
  sizes: SIZES,
  rounds: 5,
  milliseconds: 400,
  warmUp: 1000,
  processes: [1, 4, 16, 64],
  processesAt: 1_000_000,
  churn: 10_000,
  expiry: [1_000_000, 20],
};
const QUICK = {
  sizes: QUICK_SIZES,
  rounds: 2,
  milliseconds: 60,
  warmUp: 60,
  processes: [1, 4],
  processesAt: 10_000,
  churn: 500,
  expiry: [50_000, 1],
};
const AT_ONCE = 64;
// Two connections of each process' pool: 64 of them stay below what servers allow.
const POOL = 2;
const AT_ONCE_IN_EACH = 4;
const WORKERS = 2;

export async function measure({ nodes: [node], isQuick, say }) {
  const plan = isQuick ? QUICK : FULL;
  const startedAt = Date.now();
  const run = {
    node: node.version,
    rounds: plan.rounds,
    atOnce: AT_ONCE,
    atOnceInEach: AT_ONCE_IN_EACH,
    pool: POOL,
    versions: versionsOf(["harpiats", "redis", "pg", "mysql2", "echarts"]),
    notes: [],
    results: [],
  };
  const names = Object.keys(STORES);
  for (const [at, store] of names.entries()) {
    // What is left is shared by those that are left.
    const left = startedAt + MOST_MINUTES * 60_000 - Date.now();
    const until = Date.now() + left / (names.length - at);
    run.results.push(await measureStore(store, { plan, node, until, run, say }));
  }
  run.results = run.results.filter(Boolean);
  say("scale: a MemoryStore that expires");
  run.expiry = await expire(node, plan.expiry);
  return [run];
}

async function measureStore(store, { plan, node, until, run, say }) {
  const { name, most = Infinity, memory = 0, disk = 0, settings } = STORES[store];
  const folder = await temporaryFolder();
  let server;
  let worker;
  try {
    const sizes = await affordable(
      plan.sizes.filter((size) => size <= most),
      { name, memory, disk, path: folder.path, run },
    );
    // For a few thousand sessions no server needs gigabytes.
    server = await startServer(
      store,
      folder.path,
      node,
      sizes.at(-1) > 100_000 ? settings : undefined,
    );
    if (typeof server === "string") {
      say(server);
      run.notes.push(server);
      return undefined;
    }
    Object.assign(run.versions, server.versions);
    const options = { ...server.options, start: Math.floor(Date.now() / 1000) };
    const startOne = (more) =>
      startWorker(WORKER, {
        node,
        argument: { module: store, options: { ...options, ...more } },
        execArgv: store === "memory" ? ["--expose-gc", "--max-old-space-size=4096"] : [],
      });
    worker = await startOne();
    const result = { store, name, sizes: [], processes: [] };
    let filled = 0;
    for (const size of sizes) {
      say(`scale: ${name}, ${size.toLocaleString("en")} sessions`);
      const { isLate, seconds } = await worker.ask({ act: "fill", from: filled, to: size, until });
      if (isLate) {
        run.notes.push(
          `${name} is not measured with ${size.toLocaleString("en")} sessions: filling it took too long.`,
        );
        break;
      }
      const bytes = await worker.ask({ act: "bytes" });
      result.sizes.push({
        size,
        filledIn: seconds,
        bytesEach: bytes / size,
        ...(await measureSize(worker, size, plan)),
      });
      filled = size;
      if (size === plan.processesAt && store !== "memory")
        result.processes = await measureProcesses(startOne, size, plan);
    }
    if (store === "memory")
      result.churn = {
        size: filled,
        ...(await worker.ask({ act: "churn", size: filled, milliseconds: plan.churn })),
      };
    return result;
  } finally {
    await worker?.stop();
    await server?.stop?.();
    await folder.remove();
  }
}

/** Sizes that memory and disk allow: what is left out is said. */
async function affordable(sizes, { name, memory, disk, path, run }) {
  const { bavail, bsize } = await statfs(path);
  const isEnough = (size) =>
    (size / SIZES.at(-1)) * memory < os.freemem() && (size / SIZES.at(-1)) * disk < bavail * bsize;
  const kept = sizes.filter(isEnough);
  for (const size of sizes.filter((one) => !isEnough(one)))
    run.notes.push(
      `${name} is not measured with ${size.toLocaleString("en")} sessions: there is too little memory or disk.`,
    );
  return kept;
}

/** @returns why not, where it cannot be started. */
async function startServer(store, folder, node, settings) {
  if (store === "memory") return { options: {}, versions: {} };
  if (store === "sqlite") {
    if (Number(majorOf(node.version)) < 22)
      return `SQLite is not measured: Node ${node.version} has no node:sqlite`;
    return { options: { path: join(folder, "sessions.db") }, versions: {} };
  }
  const { program, start } = await import(`../stores/servers/${store}.js`);
  return program === undefined
    ? `${store} is not measured: it is not installed`
    : start(folder, settings);
}

async function measureSize(worker, size, { rounds, milliseconds, warmUp }) {
  const samples = { read: [], write: [], create: [] };
  for (let round = 0; round < rounds; round++) {
    for (const operation of shuffle(Object.keys(samples))) {
      const question =
        operation === "create"
          ? { act: "create", concurrency: AT_ONCE, milliseconds, most: Math.max(500, size / 10) }
          : {
              act: "operate",
              operation,
              size,
              concurrency: 1,
              milliseconds,
              warmUp: round === 0 ? warmUp : 0,
            };
      samples[operation].push(await worker.ask(question));
    }
  }
  const latency = (list) => ({
    median: summarize(list.map(({ median }) => median)),
    p99: summarize(list.map(({ p99 }) => p99)),
  });
  return {
    read: latency(samples.read),
    write: latency(samples.write),
    created: summarize(samples.create.map(({ perSecond }) => perSecond)),
  };
}

/**
 * As many clients as so many processes would have, each with a Session of its own, all reading at
 * the same time. They are in two processes, one for each core: 64 Nodes would take all turns of the
 * processor from the server, and show nothing of it.
 */
async function measureProcesses(startOne, size, { processes, rounds, milliseconds }) {
  const results = [];
  for (const count of processes) {
    const workers = [];
    try {
      const those = Math.min(count, WORKERS);
      for (let at = 0; at < those; at++)
        workers.push(await startOne({ pool: POOL, clients: count / those }));
      const totals = [];
      for (let round = 0; round <= rounds; round++) {
        const answers = await Promise.all(
          workers.map((worker) =>
            worker.ask({
              act: "operate",
              operation: "read",
              size,
              concurrency: AT_ONCE_IN_EACH,
              milliseconds,
            }),
          ),
        );
        const seconds =
          (Math.max(...answers.map(({ to }) => to)) -
            Math.min(...answers.map(({ from }) => from))) /
          1000;
        // The first is for warming up.
        if (round > 0)
          totals.push({
            perSecond: sum(answers.map(({ operations }) => operations)) / seconds,
            median: meanOf(answers, "median"),
            p99: Math.max(...answers.map(({ p99 }) => p99)),
          });
      }
      results.push({
        processes: count,
        perSecond: summarize(totals.map(({ perSecond }) => perSecond)),
        median: summarize(totals.map(({ median }) => median)),
        p99: summarize(totals.map(({ p99 }) => p99)),
      });
    } finally {
      for (const worker of workers) await worker.stop();
    }
  }
  return results;
}

/**
 * bench/memory's own measurement: a MemoryStore whose sessions all expire within so many seconds.
 */
async function expire(node, [count, spread]) {
  const { stdout } = await promisify(execFile)(
    node.path,
    ["--expose-gc", MEMORY, "MemoryStore", String(count), String(spread)],
    { timeout: 180_000 },
  );
  return JSON.parse(stdout);
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

function meanOf(answers, name) {
  return sum(answers.map((answer) => answer[name])) / answers.length;
}
