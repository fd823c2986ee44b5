// What RedisStore guesses of a record, so that a change costs the server little: the same text as
// the script would make, taken only where the record is, to the letter, what it was.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { createClient } from "redis";
import { IdMaker, toStoreKey } from "../../../src/core/ids/session-id.ts";
import { type NodeRedisClient, RedisStore } from "../../../src/stores/redis.ts";
import { RecentTexts } from "../../../src/stores/redis/recent.ts";
import { formatPatchFields } from "../../../src/stores/redis/record.ts";
import type { Fields } from "../../../src/testing/conformance-bench.ts";
import {
  type RedisServer,
  skipWithoutRedis,
  startRedisServer,
} from "../../support/redis-server.ts";

const PREFIX = "g:";
// What the script is told of each record, behind what it is told of all: the record before and
// after, and the change.
const FIRST_VALUE = 5;

describe("RedisStore, guessing", { skip: skipWithoutRedis() }, () => {
  let server: RedisServer;
  let client: Awaited<ReturnType<typeof connect>>;
  let store: RedisStore<Fields>;
  let other: RedisStore<Fields>;
  const connect = async () => createClient({ url: server.url }).connect();
  const ids = new IdMaker();
  const now = Date.now();
  const asked: string[][] = [];
  const place = (key: string): string => `${PREFIX}{${key.slice(0, 8)}}${key.slice(8)}`;
  const textOf = async (key: string): Promise<string> => String(await client.get(place(key)));
  const created = async (data: Fields = { a: 1, b: 2 }): Promise<string> => {
    const key = toStoreKey(ids.make(Math.floor(now / 1000)));
    assert.equal(
      (
        await store.create(key, {
          data,
          createdAt: now,
          lastSeenAt: now,
          expiresAt: now + 1e6,
          endsAt: now + 1e7,
          userId: "ada",
        })
      ).outcome,
      "created",
    );
    return key;
  };
  /** What was guessed in the last command: the record before and after. */
  const lastGuess = (): string[] | undefined => asked.at(-1)?.slice(FIRST_VALUE, FIRST_VALUE + 2);

  before(async () => {
    server = await startRedisServer();
    client = await connect();
    const listening = new Proxy(client, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (name !== "evalSha" || typeof member !== "function") return member;
        return (sha: string, options: { keys: string[]; arguments: string[] }) => {
          asked.push(options.arguments);
          return Reflect.apply(member, target, [sha, options]) as unknown;
        };
      },
    });
    store = new RedisStore<Fields>({
      client: listening as unknown as NodeRedisClient,
      prefix: PREFIX,
    });
    // Another process: it has read nothing, so it guesses nothing.
    other = new RedisStore<Fields>({ client, prefix: PREFIX });
  });
  after(async () => {
    await client.close();
    await server.stop();
  });

  it("makes of any record and any change the text that the script makes", async () => {
    const name = fc.oneof(
      fc.constantFrom("a", "b", "a\nb", '"', "\\", "__proto__", "data", "\u2028", ""),
      fc.string({ unit: "binary", maxLength: 4 }),
    );
    const data = fc.dictionary(name, fc.jsonValue(), { maxKeys: 5, noNullPrototype: true });
    const changes = fc.record(
      { set: data, unset: fc.array(name, { maxLength: 3 }), ifRevision: fc.constant(1) },
      { requiredKeys: ["set", "unset"] },
    );
    await fc.assert(
      fc.asyncProperty(data, changes, async (had, patch) => {
        const key = await created(had);
        const text = await textOf(key);
        const recent = new RecentTexts();
        recent.keep(key, text, "1");
        const guess = recent.guess(key, {
          name: "named",
          now,
          ifRevision: patch.ifRevision,
          hasFacts: false,
          fields: formatPatchFields(patch),
        });
        assert.equal(guess?.before, text);
        assert.equal(await other.patch(key, patch), "done");
        assert.equal(
          guess.after,
          (await textOf(key)).replace(/"change":"[^"]*"/, '"change":"named"'),
        );
      }),
      { numRuns: 300 },
    );
  });

  it("brings along what a session that was read will be, and what it wrote itself the next time", async () => {
    const key = await created();
    await store.read([key]);
    const first = await textOf(key);
    assert.equal(await store.patch(key, { set: { a: 2 }, unset: ["b"] }), "done");
    const second = await textOf(key);
    assert.deepEqual(lastGuess(), [first, second]);
    assert.equal(await store.patch(key, { set: { c: 3 }, ifRevision: 2 }), "done");
    assert.deepEqual(lastGuess(), [second, await textOf(key)]);
    const [session] = await store.read([key]);
    assert.deepEqual(
      [session?.data, session?.revision, session?.userId],
      [{ a: 2, c: 3 }, 3, "ada"],
    );
    assert.equal(await client.pExpireTime(place(key)), now + 1e6);
  });

  it("is wrong and undoes nothing where another process was quicker, or somebody at the console", async () => {
    const keys = [await created(), await created(), await created()];
    const [changed, touched, edited] = keys as [string, string, string];
    await store.read(keys);
    await other.patch(changed, { set: { b: 3 } });
    await other.extend(touched, { lastSeenAt: now + 5, expiresAt: now + 2e6 });
    await client.set(place(edited), (await textOf(edited)).replace('"b":2', '"b":4'), {
      expiration: "KEEPTTL",
    });
    assert.deepEqual(
      await store.patchAll?.(keys.map((key) => ({ key, patch: { set: { a: 9 } } }))),
      ["done", "done", "done"],
    );
    const found = await store.read(keys);
    assert.deepEqual(
      found.map((session) => session?.data),
      [
        { a: 9, b: 3 },
        { a: 9, b: 2 },
        { a: 9, b: 4 },
      ],
    );
    assert.deepEqual(
      found.map((session) => session?.expiresAt),
      [now + 1e6, now + 2e6, now + 1e6],
    );
    assert.equal(await store.patch(changed, { set: { a: 10 }, ifRevision: 2 }), "conflict");
  });

  it("brings nothing back that has ended meanwhile: by removal, by rotation, with everybody's, by its deadline", async () => {
    const keys = [
      await created(),
      await created(),
      await created(),
      await created(),
      await created(),
    ];
    const [removed, moved, late, cleared, asleep] = keys as [
      string,
      string,
      string,
      string,
      string,
    ];
    const next = `${moved.slice(0, 9)}${"n".repeat(43)}`;
    await store.read(keys);
    await other.remove(removed);
    await other.move(moved, next);
    assert.deepEqual(
      await store.patchAll?.([removed, moved].map((key) => ({ key, patch: { set: { a: 9 } } }))),
      ["missing", "missing"],
    );
    assert.deepEqual((await store.read([next]))[0]?.data, { a: 1, b: 2 });

    let present = now;
    const ageing = new RedisStore<Fields>({
      client,
      prefix: PREFIX,
      clock: { now: () => present, schedule: () => () => {} },
    });
    await ageing.read([late]);
    present = now + 1e6;
    assert.equal(await ageing.patch(late, { set: { a: 9 } }), "missing");

    const before = await textOf(cleared);
    await other.removeAll();
    assert.equal(await store.patch(cleared, { set: { a: 9 } }), "missing");
    assert.equal(await textOf(cleared), before);
    // What is read from now on is of another epoch.
    const later = await created();
    await store.read([later]);
    assert.equal(await store.patch(later, { set: { a: 9 } }), "done");
    assert.deepEqual(lastGuess()?.[1], await textOf(later));
    assert.equal(await store.patch(asleep, { set: { a: 9 } }), "missing");
  });

  it("leaves facts to the script, and guesses nothing of large sessions", async () => {
    const [small, large] = [await created(), await created({ large: "x".repeat(3000) })] as const;
    await store.read([small, large]);
    assert.equal(await store.patch(small, { facts: { authenticatedAt: 7 } }), "done");
    assert.deepEqual(lastGuess(), ["", ""]);
    assert.equal(await store.patch(large, { set: { a: 1 } }), "done");
    assert.deepEqual(lastGuess(), ["", ""]);
    assert.deepEqual((await store.read([small]))[0]?.facts, { authenticatedAt: 7 });
    assert.equal((await store.read([large]))[0]?.data["a"], 1);
  });
});
