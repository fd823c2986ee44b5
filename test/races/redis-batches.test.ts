// Batches of changes against whatever may happen to their sessions, in every order of the commands
// to the server: plain, and encrypted, where a batch is two commands and a rotation three.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { createClient } from "redis";
import { IdMaker, toStoreKey } from "../../src/core/ids/session-id.ts";
import type { SessionStore } from "../../src/session.ts";
import { EncryptedStore } from "../../src/stores/encrypted.ts";
import { type RedisClient, RedisStore } from "../../src/stores/redis.ts";
import { BATCH } from "../../src/stores/redis/batches.ts";
import { ONE_SERVER, RECORD } from "../../src/stores/redis/scripts.ts";
import type { Fields } from "../../src/testing/conformance-bench.ts";
import { type RedisServer, skipWithoutRedis, startRedisServer } from "../support/redis-server.ts";
import { isExhaustive } from "./race-suite.ts";
import { everySchedule, oneByOne, Scheduler } from "./scheduler.ts";

interface Stage {
  store: Required<Pick<SessionStore<Fields>, "patchAll" | "extendAll">> & SessionStore<Fields>;
  keys: readonly [string, string, string];
  next: string;
  later: number;
}

const OPERATIONS = {
  "a batch": ({ store, keys }) =>
    store.patchAll(keys.map((key) => ({ key, patch: { set: { one: 1 } } }))),
  "a batch in another order": ({ store, keys }) =>
    store.patchAll(
      keys.toReversed().map((key) => ({ key, patch: { set: { two: 2 }, unset: ["old"] } })),
    ),
  "a batch of the first revision": ({ store, keys }) =>
    store.patchAll(keys.map((key) => ({ key, patch: { set: { exact: true }, ifRevision: 1 } }))),
  touches: ({ store, keys, later }) =>
    store.extendAll(keys.map((key) => ({ key, to: { lastSeenAt: later, expiresAt: later } }))),
  logout: ({ store, keys }) => store.remove(keys[0]),
  rotation: ({ store, keys, next }) => store.move(keys[1], next),
  "logout of all of the user's": ({ store }) => store.removeByUser("u", {}),
} satisfies Record<string, (stage: Stage) => Promise<unknown>>;
type Name = keyof typeof OPERATIONS;

const RACES: Name[][] = [
  ["a batch", "a batch in another order", "logout"],
  ["a batch", "a batch in another order", "rotation"],
  ["a batch", "a batch of the first revision", "logout"],
  ["a batch of the first revision", "touches", "rotation"],
  ["a batch", "touches", "logout of all of the user's"],
  ["a batch", "a batch in another order", "touches"],
];

describe("Batches of RedisStore under races", { skip: skipWithoutRedis() }, () => {
  let server: RedisServer;
  let client: RedisClient;
  let close: () => Promise<unknown>;
  const ids = new IdMaker();
  const key = Buffer.from(randomBytes(32));
  before(async () => {
    server = await startRedisServer();
    const connected = await createClient({ url: server.url }).connect();
    // A script that has to be sent first would be a step more, once.
    for (const { source } of Object.values({ ...RECORD, ...ONE_SERVER, ...BATCH }))
      await connected.scriptLoad(source);
    client = connected;
    close = () => connected.close();
  });
  after(async () => {
    await close();
    await server.stop();
  });

  for (const isEncrypted of [false, true]) {
    for (const names of RACES) {
      // Hundreds of orders, for whoever has the time.
      if (isEncrypted && names.includes("rotation") && names.includes("a batch") && !isExhaustive)
        continue;
      it(`${names.join(", ")}: each session is changed by whom it says${isEncrypted ? ", encrypted" : ""}`, async () => {
        const scheduler = new Scheduler();
        const open = (by: RedisClient): Stage["store"] => {
          const store = new RedisStore<Fields>({ client: by });
          return (
            isEncrypted ? new EncryptedStore<Fields>(store, { keys: [key] }) : store
          ) as Stage["store"];
        };
        const [observer, stopped] = [open(client), scheduler.watch(client)];
        const now = Date.now();
        const schedules = await everySchedule(async (choose) => {
          const newKey = (): string => toStoreKey(ids.make(Math.floor(now / 1000)));
          const stage: Omit<Stage, "store"> = {
            keys: [newKey(), newKey(), newKey()],
            next: newKey(),
            later: now + 2e6,
          };
          for (const one of stage.keys)
            await observer.create(one, {
              data: { old: 0, kept: "x" },
              userId: "u",
              createdAt: now,
              lastSeenAt: now,
              expiresAt: now + 1e6,
              endsAt: now + 1e7,
            });
          const results = new Map<Name, unknown>();
          await scheduler.run(
            names.map(
              (name) => async () =>
                void results.set(
                  name,
                  await OPERATIONS[name]({ ...stage, store: open(oneByOne(stopped)) }),
                ),
            ),
            choose,
          );
          await check(observer, stage, results);
          await observer.removeByUser("u");
        });
        assert.ok(schedules >= 6);
      });
    }
  }
});

/** What each operation answered, and what is there, must be the same story. */
async function check(
  store: SessionStore<Fields>,
  { keys, next, later }: Omit<Stage, "store">,
  results: ReadonlyMap<Name, unknown>,
): Promise<void> {
  const isRotated = results.get("rotation") === true;
  const isEnded = (at: number): boolean =>
    results.has("logout of all of the user's") || (at === 0 && results.get("logout") === true);
  if (results.has("logout")) assert.equal(results.get("logout"), true);
  if (results.has("rotation")) assert.equal(isRotated, true);
  for (const [at, key] of keys.entries()) {
    const isMoved = isRotated && at === 1;
    const [session, former] = await store.read([isMoved ? next : key, key]);
    if (isMoved) assert.equal(former, undefined);
    assert.equal(session === undefined, isEnded(at));
    const of = (name: Name, place = at): unknown =>
      (results.get(name) as unknown[] | undefined)?.[place];
    // The last command of each decides: who is done first was first there.
    const isBefore = (name: Name, other: Name): boolean =>
      results.has(name) && [...results.keys()].indexOf(name) < [...results.keys()].indexOf(other);
    const names = {
      one: "a batch",
      two: "a batch in another order",
      exact: "a batch of the first revision",
    } as const;
    const outcomes = {
      one: of("a batch"),
      two: of("a batch in another order", keys.length - 1 - at),
      exact: of("a batch of the first revision"),
    };
    for (const [field, outcome] of Object.entries(outcomes)) {
      if (outcome === undefined) continue;
      assert.ok(
        outcome === "done" ||
          outcome === "missing" ||
          (outcome === "conflict" && field === "exact"),
        `${field} ${String(outcome)}`,
      );
      // Nobody misses a session that nobody ended or moved.
      assert.ok(outcome !== "missing" || isEnded(at) || isMoved, `${field} missed a live session`);
      // Where the encrypted store goes again after a conflict, its last command is about another
      // session.
      const isTooLate =
        isEnded(at) &&
        field !== "exact" &&
        (isBefore("logout", names[field as keyof typeof names]) ||
          isBefore("logout of all of the user's", names[field as keyof typeof names]));
      assert.ok(
        outcome === "missing" || !isTooLate,
        `${field} is told to have changed an ended session`,
      );
      if (session) assert.equal(field in session.data, outcome === "done", field);
    }
    if (!session) continue;
    assert.equal(session.data["kept"], "x");
    assert.equal("old" in session.data, outcomes.two !== "done");
    assert.equal(
      session.revision,
      1 + Object.values(outcomes).filter((outcome) => outcome === "done").length,
    );
    if (outcomes.exact === "conflict") assert.equal(outcomes.one, "done");
    if (results.has(names.exact) && results.has(names.one))
      assert.equal(outcomes.exact, isBefore(names.one, names.exact) ? "conflict" : "done");
    assert.equal(session.expiresAt === later, of("touches") === true);
  }
}
