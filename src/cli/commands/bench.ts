// `harpiats bench`: how fast a store is from here, and how many sessions fit into a gigabyte. Works
// in a table, prefix or file of its own and takes it away again: it reads and changes no session of
// the application.
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { IdMaker, toStoreKey } from "../../core/ids/session-id.ts";
import type { Opening } from "../../stores/open/driver.ts";
import type { StoreUrl } from "../../stores/open/store-url.ts";
import { type CommandIo, write } from "../shared/command-io.ts";
import { CallCounter } from "../shared/counted-client.ts";
import { CommandError, DONE, FAILED } from "../shared/exit-codes.ts";
import { interruptible } from "../shared/interruption.ts";
import { table, writeJson } from "../shared/output.ts";
import { type Progress, withProgress } from "../shared/progress.ts";
import {
  type AnyData,
  type AnyStore,
  type StoreOptions,
  storeUrl,
  usingStore,
} from "../shared/store-option.ts";

export interface BenchOptions extends StoreOptions {
  sessions: number;
  concurrency: number;
  data: number;
  json?: boolean;
}

interface Measured {
  operation: string;
  /** Milliseconds, one at a time. */
  p50: number;
  p99: number;
  /** Many at a time. */
  perSecond: number;
  /** `undefined` where there is no server. */
  roundTrips: number | undefined;
}

// Operations one at a time: latency needs fewer samples than throughput.
const MOST_ALONE = 300;
// Milliseconds. The bench's sessions expire by themselves if its clean-up fails.
const LIFETIME = 600_000;

export async function bench(io: CommandIo, options: BenchOptions): Promise<number> {
  const url = storeUrl(io, options);
  const place = apart(url);
  const { operations, bytesEach } = await interruptible((assertGoesOn) =>
    measureIn(io, { url, place, counter: new CallCounter(), options, assertGoesOn }),
  );
  const perGigabyte = bytesEach === undefined ? undefined : Math.floor(1e9 / bytesEach);
  if (options.json === true) {
    await writeJson(io, {
      store: url.address,
      sessions: options.sessions,
      concurrency: options.concurrency,
      operations,
      bytesEach,
      sessionsPerGB: perGigabyte,
    });
    return DONE;
  }
  const lines = operations.map(({ operation, p50, p99, perSecond, roundTrips }) => [
    operation,
    p50.toFixed(2),
    p99.toFixed(2),
    perSecond.toLocaleString("en"),
    roundTrips === undefined ? "-" : roundTrips.toFixed(1),
  ]);
  await write(
    io,
    table([["OPERATION", "P50 MS", "P99 MS", "PER SECOND", "ROUND TRIPS"], ...lines], [1, 2, 3, 4]),
  );
  await write(
    io,
    `\nP50 and P99: one at a time. Per second: ${options.concurrency} at a time, from this one process.\n`,
  );
  if (bytesEach !== undefined && perGigabyte !== undefined)
    await write(
      io,
      `A session with ${options.data} bytes of data takes about ${bytesEach.toLocaleString("en")} bytes: ${perGigabyte.toLocaleString("en")} in a gigabyte.\n`,
    );
  return DONE;
}

async function measureIn(
  io: CommandIo,
  { place, ...parts }: Omit<Parts, "opening" | "progress"> & { place: Place },
) {
  try {
    return await usingStore(
      place.url,
      { wrap: parts.counter.wrap, isCreating: true },
      async (opening) => {
        await opening.connect();
        parts.assertGoesOn();
        try {
          for (const statement of place.begin) await opening.query?.(statement);
          await opening.migrate?.();
          return await withProgress(io, `Measuring ${parts.url.address}`, (progress) =>
            measure(io, { ...parts, opening, progress }),
          );
        } finally {
          await place.end(opening);
        }
      },
    );
  } finally {
    await place.remove();
  }
}

interface Place {
  url: StoreUrl;
  begin: readonly string[];
  end(opening: Opening<AnyData>): Promise<unknown>;
  remove(): Promise<void>;
}

/** Where nobody else's sessions are. */
function apart(url: StoreUrl): Place {
  const name = `harpiats_bench_${randomBytes(4).toString("hex")}`;
  const at = (parameter: string, value: string): StoreUrl => ({
    ...url,
    parameters: new Map(url.parameters).set(parameter, value),
  });
  const nothing = async (): Promise<void> => {};
  switch (url.kind) {
    case "postgres":
      // A schema of its own goes away with whatever the store has made in it.
      return {
        url: at("table", `${name}.sessions`),
        begin: [`CREATE SCHEMA ${name}`],
        end: async ({ query }) => query?.(`DROP SCHEMA ${name} CASCADE`),
        remove: nothing,
      };
    case "mysql":
      return { url: at("table", name), begin: [], end: dropMysqlTables(name), remove: nothing };
    case "sqlite": {
      // Or the one that is made would stay.
      if (!existsSync(dirname(url.target)))
        throw new CommandError(`Cannot measure ${url.address}: there is no such folder`, FAILED);
      // Beside the file, since another disk may be faster.
      const path = `${url.target}.${name}`;
      return {
        url: { ...url, target: path },
        begin: [],
        end: nothing,
        remove: async () =>
          void (await Promise.all(
            ["", "-wal", "-shm"].map((suffix) => rm(path + suffix, { force: true })),
          )),
      };
    }
    case "redis":
    case "memory": {
      // Sessions are ended by the measurement, and what is left of them expires.
      const prefix = `harpiats:bench:${name}:`;
      return {
        url: at("prefix", prefix),
        begin: [],
        end: async ({ command }) => command?.("DEL", `${prefix}epoch`),
        remove: nothing,
      };
    }
  }
}

function dropMysqlTables(name: string): Place["end"] {
  return async ({ query }) => {
    const tables = await query?.(
      `SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE '${name}%'`,
    );
    for (const [one] of tables ?? []) await query?.(`DROP TABLE \`${String(one)}\``);
  };
}

interface Parts {
  opening: Opening<AnyData>;
  url: StoreUrl;
  counter: CallCounter;
  options: BenchOptions;
  progress: Progress;
  /** Throws where the command is to end. */
  assertGoesOn(): void;
}

async function measure(
  io: CommandIo,
  { opening, url, counter, options, progress, assertGoesOn }: Parts,
): Promise<{ operations: Measured[]; bytesEach: number | undefined }> {
  const { store } = opening;
  const ids = new IdMaker();
  const now = io.now();
  const keys = Array.from(
    { length: Math.min(MOST_ALONE, options.sessions) + options.sessions },
    () => toStoreKey(ids.make(Math.floor(now / 1000))),
  );
  const steps: [string, (key: string, at: number) => Promise<unknown>][] = [
    ["create", (key, at) => store.create(key, newSession(now, at, options.data))],
    ["read", (key) => store.read([key])],
    ["patch", (key, at) => store.patch(key, { set: { visits: at } })],
    ["touch", (key, at) => store.extend(key, { lastSeenAt: now + at, expiresAt: now + LIFETIME })],
    ["remove", (key) => store.remove(key)],
  ];
  const operations: Measured[] = [];
  let bytesEach: number | undefined;
  const before = await bytesOf(opening, url);
  for (const [operation, task] of steps) {
    progress.at(operation);
    const from = counter.calls;
    const measured = await timed(keys, options, (key, at) => (assertGoesOn(), task(key, at)));
    operations.push({
      operation,
      ...measured,
      roundTrips: url.kind === "sqlite" ? undefined : (counter.calls - from) / keys.length,
    });
    if (operation === "create" && before !== undefined)
      bytesEach = Math.round((((await bytesOf(opening, url)) ?? 0) - before) / keys.length);
  }
  return {
    operations,
    bytesEach: bytesEach !== undefined && bytesEach > 0 ? bytesEach : undefined,
  };
}

/** First one at a time, then the others many at a time. */
async function timed(
  keys: readonly string[],
  { sessions, concurrency }: BenchOptions,
  task: (key: string, at: number) => Promise<unknown>,
): Promise<Pick<Measured, "p50" | "p99" | "perSecond">> {
  const alone: number[] = [];
  let at = 0;
  for (; at < keys.length - sessions; at++) {
    const began = performance.now();
    await task(keys[at] as string, at);
    alone.push(performance.now() - began);
  }
  const began = performance.now();
  const worker = async (): Promise<void> => {
    while (at < keys.length) {
      const mine = at++;
      await task(keys[mine] as string, mine);
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: concurrency }, worker));
  // Only now: nothing is under way any more when what was made is taken away.
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  const seconds = (performance.now() - began) / 1000;
  alone.sort((a, b) => a - b);
  const quantile = (share: number): number =>
    alone[Math.min(alone.length - 1, Math.floor(alone.length * share))] ?? 0;
  return { p50: quantile(0.5), p99: quantile(0.99), perSecond: Math.round(sessions / seconds) };
}

function newSession(now: number, at: number, bytes: number): Parameters<AnyStore["create"]>[1] {
  const userId = `bench ${at}`;
  const rest = Math.max(0, bytes - JSON.stringify({ userId, text: "" }).length);
  return {
    data: { userId, text: "x".repeat(rest) },
    createdAt: now,
    lastSeenAt: now,
    expiresAt: now + LIFETIME,
    endsAt: now + LIFETIME,
    userId,
  };
}

/**
 * What everything takes, as the database counts it. Redis counts all that is in it: others' changes
 * meanwhile, too.
 */
async function bytesOf(
  { query, command }: Opening<AnyData>,
  url: StoreUrl,
): Promise<number | undefined> {
  const one = async (sql: string): Promise<number> => Number((await query?.(sql))?.[0]?.[0]);
  const name = url.kind;
  if (name === "redis")
    return url.parameters.get("cluster") === "true"
      ? undefined
      : Number(/^used_memory:(\d+)/m.exec(String(await command?.("INFO", "memory")))?.[1]);
  if (name === "postgres")
    return one(
      "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname LIKE 'harpiats\\_bench\\_%' AND c.relkind = 'r'",
    );
  if (name === "mysql") {
    const tables =
      (await query?.(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE 'harpiats\\_bench\\_%'",
      )) ?? [];
    // Its sizes are estimates until it is told to look.
    for (const [table] of tables) await query?.(`ANALYZE TABLE \`${String(table)}\``);
    return one(
      "SELECT coalesce(sum(data_length + index_length), 0) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE 'harpiats\\_bench\\_%'",
    );
  }
  await query?.("PRAGMA wal_checkpoint(TRUNCATE)");
  return (await one("PRAGMA page_count")) * (await one("PRAGMA page_size"));
}
