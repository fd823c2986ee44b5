// The steps of a sharded RedisStore between the user's slot and the session's, in every order:
// operations are stopped before every script, not only before every call of the store.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createClient } from "redis";
import { Session } from "../../src/session.ts";
import { type RedisClient, RedisStore } from "../../src/stores/redis.ts";
import { BATCH } from "../../src/stores/redis/batches.ts";
import { EPOCH, INDEX, RECORD } from "../../src/stores/redis/scripts.ts";
import { ManualClock } from "../../src/testing.ts";
import type { Fields } from "../../src/testing/conformance-bench.ts";
import { type RedisServer, skipWithoutRedis, startRedisServer } from "../support/redis-server.ts";
import type { OperationName } from "./operations.ts";
import { allPairs, isExhaustive, race } from "./race-suite.ts";
import { oneByOne, Scheduler } from "./scheduler.ts";

const PREFIX = "protocol:";
// What touches the user's index, or moves what an entry names.
const PAIRS: OperationName[] = [
  "rotate",
  "logout",
  "login",
  "revoke all",
  "revoke others",
  "expire",
];
// What moves the epoch on, against what asks for it.
const EVERYTHING = "revoke everything";
const AGAINST_EVERYTHING: OperationName[] = [
  "update a",
  "increment",
  "touch",
  "list",
  ...PAIRS,
  EVERYTHING,
];
const TRIPLES: OperationName[][] = [
  ["login", "rotate", "revoke all"],
  ["logout", "rotate", "revoke others"],
  ["login", "rotate", EVERYTHING],
];

describe("A sharded RedisStore, stopped before every script", { skip: skipWithoutRedis() }, () => {
  let server: RedisServer;
  let client: RedisClient;
  let close: () => Promise<void>;
  const clock = new ManualClock();
  // A subscription would be a step that belongs to nobody.
  const open = (by: RedisClient): RedisStore<Fields> =>
    Object.defineProperty(
      new RedisStore<Fields>({ client: by, clock, prefix: PREFIX, sharded: true }),
      "subscribe",
      { value: undefined },
    );
  before(async () => {
    server = await startRedisServer();
    const connected = await createClient({ url: server.url }).connect();
    // A script that has to be sent first would be a step more, once.
    for (const { source } of Object.values({ ...RECORD, ...INDEX, ...EPOCH, ...BATCH }))
      await connected.scriptLoad(source);
    client = connected;
    close = () => connected.close();
  });
  after(async () => {
    await close();
    await server.stop();
  });

  const raced = (names: readonly OperationName[]): ReturnType<typeof race> => {
    const scheduler = new Scheduler();
    const stopped = scheduler.watch(client);
    // Asking for an epoch that nobody moves on changes nothing, and is no step.
    const watched = names.includes(EVERYTHING)
      ? stopped
      : withoutStopsFor(`${PREFIX}epoch`, stopped, client);
    return race(
      {
        store: open(client),
        clock,
        scheduler,
        makeSession: (options) => new Session({ ...options, store: open(oneByOne(watched)) }),
      },
      names,
    );
  };

  for (const [a, b] of [
    ...allPairs(PAIRS),
    ...AGAINST_EVERYTHING.map((name) => [name, EVERYTHING] as const),
  ]) {
    it(`${a} against ${b} keeps every invariant`, async () => {
      const { violated, schedules } = await raced([a, b]);
      assert.deepEqual(violated, []);
      assert.ok(schedules > 1);
    });
  }
  // Thousands of schedules: on every landing, and not in the minutes of whoever waits for the
  // tests.
  for (const names of isExhaustive ? TRIPLES : []) {
    it(`${names.join(", ")} keep every invariant`, async () => {
      const { violated, schedules } = await raced(names);
      assert.deepEqual(violated, []);
      assert.ok(schedules > 100);
    });
  }
});

/** `stopped`, but for the reading of one key, which goes to `free`. */
function withoutStopsFor<Client extends { get(key: string): Promise<unknown> }>(
  key: string,
  stopped: Client,
  free: Client,
): Client {
  return new Proxy(stopped, {
    get: (target, name) =>
      name === "get"
        ? (asked: string) => (asked === key ? free : target).get(asked)
        : Reflect.get(target, name, target),
  });
}
