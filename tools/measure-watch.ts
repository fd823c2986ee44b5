// Writes docs/measured/watch.json: how long after a session is ended in one process another one,
// which watches it, is told. Over a real Redis and PostgreSQL, on one machine. The time counts from
// before the call that ends it.
import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { openWatch, toldAfter } from "../test/races/multi-process-watch.ts";
import { startPostgresServer } from "../test/support/postgres-server.ts";
import { startRedisServer } from "../test/support/redis-server.ts";

const ENDS = 500;
const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";

interface Told {
  ends: number;
  medianMs: number;
  p95Ms: number;
  p99Ms: number;
  longestMs: number;
  within100Ms: number;
}

async function measure(name: string, clients: string, target: string): Promise<Told> {
  const opened = await openWatch({
    name,
    opener: new URL(`../test/support/${clients}.${extension}`, import.meta.url),
    target: () => target,
  });
  const { worker, session } = opened;
  // What is done for the first time is slower.
  for (const count of [20, ENDS]) {
    const ids = await Promise.all(
      Array.from({ length: count }, () => session.create({ userId: "watched" })),
    );
    const times = (await toldAfter(worker, ids, (id) => session.delete(id))).sort((a, b) => a - b);
    if (count < ENDS) continue;
    await opened.close();
    const at = (part: number): number =>
      Number((times[Math.ceil(part * times.length) - 1] as number).toFixed(2));
    return {
      ends: times.length,
      medianMs: at(0.5),
      p95Ms: at(0.95),
      p99Ms: at(0.99),
      longestMs: at(1),
      within100Ms: times.filter((time) => time <= 100).length,
    };
  }
  throw new Error("Nothing was measured");
}

const redis = await startRedisServer();
const overRedis = await measure(
  "RedisStore",
  "redis-clients",
  JSON.stringify({ name: "node-redis 6", port: redis.port, prefix: "measured:" }),
);
await redis.stop();
const postgres = await startPostgresServer();
const overPostgres = await measure("PostgresStore", "postgres-clients", `${postgres.url}#notify`);
await postgres.stop();

const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  node: process.version,
  load: Number(loadavg()[0]?.toFixed(1)),
  date: new Date().toISOString().slice(0, 10),
};
const measured = { machine, redis: overRedis, postgres: overPostgres };
writeFileSync("docs/measured/watch.json", `${JSON.stringify(measured, null, 2)}\n`);
process.stdout.write(`${JSON.stringify(measured, null, 2)}\n`);
process.exit();
