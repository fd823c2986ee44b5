// Writes docs/measured/redis.json: what a session costs in Redis, what publishing changes costs,
// and what a killed server or master lost. The figures of docs/stores/redis.md come from here and
// from nowhere else. With the argument `memory` or `changes` it measures what a session, or what a
// change costs, and leaves the rest as it was.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster } from "ioredis";
import { createClient } from "redis";
import { IdMaker, toStoreKey } from "../src/core/ids/session-id.ts";
import { Session } from "../src/session.ts";
import { type RedisClient, RedisStore } from "../src/stores/redis.ts";
import { startRedisCluster } from "../test/support/redis-cluster.ts";
import { Load, type Visit } from "../test/support/redis-load.ts";
import { startRedisServer } from "../test/support/redis-server.ts";

const SESSIONS = 20_000;
const CHANGES = 10_000;
const AT_ONCE = 64;
const TURNS = 4;
const KILLS = 5;
const FAILOVERS = 2;
const MAY_LOSE = 5000;
const FILE = "docs/measured/redis.json";

const server = await startRedisServer({ arguments: ["--maxmemory-policy", "noeviction"] });
const client = await createClient({ url: server.url }).connect();
const ids = new IdMaker();
const now = Date.now();
const newKey = (): string => toStoreKey(ids.make(Math.floor(now / 1000)));
const info = async (section: string, field: string): Promise<number> =>
  Number(
    new RegExp(`^${field}:(\\d+)`, "m").exec(
      String(await client.sendCommand(["INFO", section])),
    )?.[1],
  );

/** Does a task for each of many keys, some at a time. @returns milliseconds. */
async function forEach<T>(
  list: readonly T[],
  task: (one: T, at: number) => Promise<unknown>,
): Promise<number> {
  const begun = performance.now();
  for (let at = 0; at < list.length; at += AT_ONCE)
    await Promise.all(list.slice(at, at + AT_ONCE).map((one, more) => task(one, at + more)));
  return performance.now() - begun;
}

/** Bytes of memory a session, with `users` users to share them among. */
async function bytesEach(data: Record<string, unknown>, users: number): Promise<number> {
  await client.sendCommand(["FLUSHALL", "SYNC"]);
  const before = await info("memory", "used_memory");
  const store = new RedisStore({ client });
  const record = {
    data,
    createdAt: now,
    lastSeenAt: now,
    expiresAt: now + 86_400_000,
    endsAt: now + 2_592_000_000,
  };
  await forEach(Array.from({ length: SESSIONS }, newKey), (key, at) =>
    store.create(key, users > 0 ? { ...record, userId: `user-${at % users}` } : record),
  );
  const after = await info("memory", "used_memory");
  await client.sendCommand(["FLUSHALL", "SYNC"]);
  return Math.round((after - before) / SESSIONS);
}

/** Microseconds of the server's time for a patch. */
async function patchCost(notify: boolean, listeners: number): Promise<number> {
  await client.sendCommand(["FLUSHALL", "SYNC"]);
  const store = new RedisStore({ client, notify });
  const stops = await Promise.all(
    Array.from({ length: listeners }, () => new RedisStore({ client }).subscribe(() => {})),
  );
  const key = newKey();
  await store.create(key, {
    data: { name: "Ada", text: "x".repeat(300) },
    createdAt: now,
    lastSeenAt: now,
    expiresAt: now + 1e7,
    endsAt: now + 1e8,
  });
  await store.patch(key, { set: { n: 0 } });
  await client.sendCommand(["CONFIG", "RESETSTAT"]);
  await forEach(Array.from({ length: CHANGES }), (_, n) => store.patch(key, { set: { n } }));
  const cost = /^cmdstat_evalsha:.*usec_per_call=([\d.]+)/m.exec(
    String(await client.sendCommand(["INFO", "commandstats"])),
  )?.[1];
  await Promise.all(stops.map((stop) => stop()));
  return Number(cost);
}

/**
 * Microseconds of the server's time for each of 64 changes in one script, of sessions that the
 * process has read before or not.
 */
async function batchCost(isRead: boolean): Promise<number> {
  await client.sendCommand(["FLUSHALL", "SYNC"]);
  const store = new RedisStore({ client });
  const keys = Array.from({ length: AT_ONCE }, newKey);
  for (const key of keys)
    await store.create(key, {
      data: { name: "Ada", text: "x".repeat(300) },
      createdAt: now,
      lastSeenAt: now,
      expiresAt: now + 1e7,
      endsAt: now + 1e8,
    });
  if (isRead) await store.read(keys);
  await client.sendCommand(["CONFIG", "RESETSTAT"]);
  for (let n = 0; n < CHANGES / AT_ONCE; n++)
    await (isRead ? store : new RedisStore({ client })).patchAll?.(
      keys.map((key) => ({ key, patch: { set: { n } } })),
    );
  const cost = /^cmdstat_evalsha:.*usec_per_call=([\d.]+)/m.exec(
    String(await client.sendCommand(["INFO", "commandstats"])),
  )?.[1];
  return Number((Number(cost) / AT_ONCE).toFixed(2));
}

/**
 * What load through `given` had acknowledged and was not there after `kill`, summed over all
 * rounds.
 */
async function lostBy(
  rounds: number,
  prepare: () => Promise<{ given: RedisClient; kill(): Promise<void>; close(): Promise<void> }>,
): Promise<{ rounds: number; changes: number; lost: number; oldestMs: number }> {
  const sum = { rounds, changes: 0, lost: 0, oldestMs: 0 };
  for (let round = 0; round < rounds; round++) {
    const { given, kill, close } = await prepare();
    const session = new Session<Visit>({
      store: new RedisStore<Visit>({ client: given }),
      storeTimeout: 1,
    });
    const load = new Load(session, { visitors: 64, mayLose: MAY_LOSE });
    await load.goOn(5000);
    load.killedAt = Date.now();
    await kill();
    await load.goOn(2000);
    await load.stop();
    await load.check();
    sum.changes += load.answers;
    sum.lost += load.lost.changes;
    sum.oldestMs = Math.max(sum.oldestMs, load.lost.oldest);
    await close();
  }
  return sum;
}

/** In turns, and the least of each: everything else on the machine only adds. */
async function changeCosts(): Promise<object> {
  const costs = {
    notifyFalse: Infinity,
    nobodyListens: Infinity,
    oneListener: Infinity,
    of64NotRead: Infinity,
    of64Read: Infinity,
  };
  for (let turn = 0; turn < TURNS; turn++) {
    costs.notifyFalse = Math.min(costs.notifyFalse, await patchCost(false, 0));
    costs.nobodyListens = Math.min(costs.nobodyListens, await patchCost(true, 0));
    costs.oneListener = Math.min(costs.oneListener, await patchCost(true, 1));
    costs.of64NotRead = Math.min(costs.of64NotRead, await batchCost(false));
    costs.of64Read = Math.min(costs.of64Read, await batchCost(true));
  }
  return { ...costs, machine: machine() };
}

/** Keeps what this wrote before, but for `result`. */
async function writeAnew(result: object): Promise<never> {
  await client.close();
  await server.stop();
  write({ ...(JSON.parse(readFileSync(FILE, "utf8")) as object), ...result });
  process.exit();
}

if (process.argv[2] === "changes") await writeAnew({ patchMicroseconds: await changeCosts() });

const small = { theme: "dark" };
const usual = {
  name: "Ada Lovelace",
  roles: ["admin", "author"],
  csrf: "x".repeat(43),
  cart: [{ sku: "A-1", count: 2 }],
  locale: "en-GB",
};
const large = { text: "x".repeat(4096) };
// What the server needs once, for scripts and buffers, is not counted.
await bytesEach(small, 0);
const bytes = {
  small: {
    dataBytes: JSON.stringify(small).length,
    anonymous: await bytesEach(small, 0),
    ofAUser: await bytesEach(small, SESSIONS),
    fiveToAUser: await bytesEach(small, SESSIONS / 5),
  },
  usual: {
    dataBytes: JSON.stringify(usual).length,
    anonymous: await bytesEach(usual, 0),
    ofAUser: await bytesEach(usual, SESSIONS),
    fiveToAUser: await bytesEach(usual, SESSIONS / 5),
  },
  large: {
    dataBytes: JSON.stringify(large).length,
    anonymous: await bytesEach(large, 0),
    ofAUser: await bytesEach(large, SESSIONS),
    fiveToAUser: await bytesEach(large, SESSIONS / 5),
  },
};
if (process.argv[2] === "memory") await writeAnew({ bytesOfMemoryASession: bytes });
const patchMicroseconds = await changeCosts();
await client.close();
await server.stop();

const killedServer = await lostBy(KILLS, async () => {
  const durable = await startRedisServer({
    arguments: ["--appendonly", "yes", "--appendfsync", "everysec"],
  });
  const given = await createClient({ url: durable.url, socket: { reconnectStrategy: 50 } })
    .on("error", () => {})
    .connect();
  return {
    given,
    async kill() {
      await durable.kill();
      await sleep(100);
      await durable.restart();
    },
    async close() {
      given.destroy();
      await durable.stop();
    },
  };
});
const killedMaster = await lostBy(FAILOVERS, async () => {
  const cluster = await startRedisCluster();
  const [, port] = await cluster.masters();
  const given = new Cluster([{ port: port as number, host: "127.0.0.1" }], {
    clusterRetryStrategy: () => 50,
  });
  given.on("error", () => {});
  return {
    given,
    kill: async () => void (await cluster.killMasterOf(0)),
    async close() {
      given.disconnect();
      await cluster.stop();
    },
  };
});

const measured = {
  machine: machine(),
  sessions: SESSIONS,
  bytesOfMemoryASession: bytes,
  patchMicroseconds,
  killedServerAofEverysec: killedServer,
  killedMasterOfCluster: killedMaster,
};
write(measured);
process.exit();

function machine(): object {
  const redis = /v=(\S+)/.exec(
    execFileSync("redis-server", ["--version"], { encoding: "utf8" }),
  )?.[1];
  return {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    node: process.version,
    redis,
    date: new Date().toISOString().slice(0, 10),
  };
}

function write(result: object): void {
  const text = `${JSON.stringify(result, null, 2)}\n`;
  writeFileSync(FILE, text);
  process.stdout.write(text);
}
