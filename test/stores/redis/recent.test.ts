// How RedisStore changes a record: compare-and-swap by the name of its last change, of the record
// that this process knows. One command where it is known, one more where it is not, and nothing lost.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { createClient } from "redis";
import { IdMaker, toStoreKey } from "../../../src/core/ids/session-id.ts";
import { Session } from "../../../src/session.ts";
import { type NodeRedisClient, RedisStore } from "../../../src/stores/redis.ts";
import {
  type Base,
  changedRecord,
  formatPatchFields,
  formatRecord,
  toBase,
} from "../../../src/stores/redis/record.ts";
import type { Fields } from "../../../src/testing/conformance-bench.ts";
import {
  type RedisServer,
  skipWithoutRedis,
  startRedisServer,
} from "../../support/redis-server.ts";

const PREFIX = "g:";

describe("RedisStore, comparing and swapping", { skip: skipWithoutRedis() }, () => {
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
  /** How many scripts a task takes. */
  const scripts = async (task: () => Promise<unknown> | undefined): Promise<number> => {
    const before = asked.length;
    await task();
    return asked.length - before;
  };

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
    // Another process: what it changes this one does not know.
    other = new RedisStore<Fields>({ client, prefix: PREFIX });
  });
  after(async () => {
    await client.close();
    await server.stop();
  });

  it("makes of any record and any change what the change says, and leaves other lines alone", () => {
    const name = fc.oneof(
      fc.constantFrom("a", "b", "a\nb", '"', "\\", '\\"', "__proto__", "data", "\u2028", "", "1"),
      fc.string({ unit: "binary", maxLength: 4 }),
    );
    const data = fc.dictionary(name, fc.jsonValue(), { maxKeys: 5, noNullPrototype: true });
    const changes = fc.record(
      { set: data, unset: fc.array(name, { maxLength: 3 }), facts: fc.option(data) },
      { requiredKeys: ["set", "unset", "facts"] },
    );
    const user = fc.option(fc.constantFrom("ada", '","userId":"mallory"', ""));
    fc.assert(
      fc.property(data, user, fc.option(data), changes, (had, userId, facts, patch) => {
        const session = { data: had, createdAt: 1, lastSeenAt: 2, expiresAt: 3, endsAt: 4 };
        const more = { ...(userId !== null && { userId }), ...(facts && { facts }) };
        const [head, rest] = formatRecord({ ...session, ...more }, "first");
        const base = toBase(`${head}7${rest}`) as Base;
        const fields = formatPatchFields(patch);
        const after = changedRecord(base, "next", { fields, facts: patch.facts ?? undefined });
        assert.deepEqual([after.revision, after.change], [2, "next"]);
        const text = `${head}7,"change":"next"${after.tail}`;
        assert.deepEqual(toBase(text), { ...after, revision: 1 });
        const expected = new Map(
          Object.entries(had).map(([one, value]) => [one, value as unknown]),
        );
        for (const [one, value] of Object.entries(patch.set)) expected.set(one, value);
        for (const one of patch.unset) expected.delete(one);
        const found = JSON.parse(text) as Record<string, unknown>;
        const json = (value: unknown): string | undefined => JSON.stringify(value);
        assert.deepEqual(
          new Map(
            Object.entries(found["data"] as object).map(([one, value]) => [one, json(value)]),
          ),
          new Map([...expected].map(([one, value]) => [one, json(value)])),
        );
        assert.equal(json(found["facts"]), json(patch.facts ?? facts ?? undefined));
        assert.equal(found["userId"], userId ?? undefined);
        const lines = new Set(
          text
            .split("\n")
            .slice(1, -1)
            .map((line) => line.replace(/,$/, "")),
        );
        for (const [one, value] of expected) assert.ok(lines.has(`${json(one)}:${json(value)}`));
      }),
      { numRuns: 2000 },
    );
  });

  it("takes one command where the session was read or changed here, facts and large ones as well", async () => {
    const [key, large] = [await created(), await created({ large: "x".repeat(100_000) })] as const;
    assert.equal(await scripts(() => store.patch(key, { set: { a: 0 } })), 2);
    await store.read([key, large]);
    const one = (patch: Parameters<typeof store.patch>[1], of = key) =>
      scripts(async () => assert.equal(await store.patch(of, patch), "done"));
    assert.equal(await one({ set: { a: 2 }, unset: ["b"] }), 1);
    assert.equal(await one({ set: { c: 3 }, ifRevision: 3 }), 1);
    assert.equal(await one({ facts: { authenticatedAt: 7 } }), 1);
    assert.equal(await one({ set: { c: 4 } }, large), 1);
    assert.equal(await scripts(() => store.patch(key, { set: { a: 1 }, ifRevision: 1 })), 1);
    const [session, other] = await store.read([key, large]);
    assert.deepEqual(session, {
      data: { a: 2, c: 3 },
      facts: { authenticatedAt: 7 },
      revision: 5,
      userId: "ada",
      createdAt: now,
      lastSeenAt: now,
      expiresAt: now + 1e6,
      endsAt: now + 1e7,
    });
    assert.equal(other?.data["c"], 4);
    assert.equal(await client.pExpireTime(place(key)), now + 1e6);
  });

  it("makes a change of the one that is on its way, so that both are one command", async () => {
    const key = await created({ n: 0 });
    await store.read([key]);
    const changes = ["a", "b", "c"].map((name) => () => store.patch(key, { set: { [name]: 1 } }));
    assert.equal(await scripts(() => Promise.all(changes.map((change) => change()))), 3);
    assert.deepEqual((await store.read([key]))[0]?.data, { n: 0, a: 1, b: 1, c: 1 });
  });

  it("is wrong and undoes nothing where another process was quicker", async () => {
    const keys = [await created(), await created(), await created()];
    const [changed, touched, edited] = keys as [string, string, string];
    await store.read(keys);
    await other.patch(changed, { set: { b: 3 } });
    await other.extend(touched, { lastSeenAt: now + 5, expiresAt: now + 2e6 });
    // At the console, as docs/stores/redis.md says.
    const text = (await textOf(edited)).replace('"b":2', '"b":4');
    await client.set(place(edited), text.replace(/"change":"[^"]*"/, '"change":"by-hand"'), {
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

  it("loses no update of several processes at once", async () => {
    const key = await created({ n: 0 });
    const clients = await Promise.all(Array.from({ length: 4 }, connect));
    const stores = clients.map((one) => new RedisStore<Fields>({ client: one, prefix: PREFIX }));
    const work = stores.map(async (one, process) => {
      for (let n = 0; n < 50; n++) {
        const blind = one.patch(key, { set: { [`${process}-${n}`]: n } });
        const exact = async (): Promise<void> => {
          const [session] = await one.read([key]);
          const set = { n: Number(session?.data["n"]) + 1 };
          const outcome = await one.patch(key, { set, ifRevision: session?.revision as number });
          if (outcome === "conflict") return exact();
          assert.equal(outcome, "done");
        };
        assert.equal(await blind, "done");
        await exact();
      }
    });
    await Promise.all(work);
    const [session] = await store.read([key]);
    assert.equal(session?.data["n"], 200);
    assert.equal(Object.keys(session?.data ?? {}).length, 201);
    assert.equal(session?.revision, 401);
    await Promise.all(clients.map((one) => one.close()));
  });

  it("gives up where another change always comes first, and takes no record that it cannot", async () => {
    const key = await created({ n: 0 });
    let name = 0;
    const busy = new Proxy(client, {
      get(target, member) {
        const found: unknown = Reflect.get(target, member, target);
        if (member !== "evalSha" || typeof found !== "function") return found;
        return async (...args: unknown[]) => {
          const text = (await textOf(key)).replace(/"change":"[^"]*"/, `"change":"x-${name++}"`);
          await client.set(place(key), text, { expiration: "KEEPTTL" });
          return Reflect.apply(found, target, args) as unknown;
        };
      },
    });
    const late = new RedisStore<Fields>({
      client: busy as unknown as NodeRedisClient,
      prefix: PREFIX,
    });
    await assert.rejects(late.patch(key, { set: { n: 1 } }), { code: "ERR_STORE_CONFLICT" });
    assert.deepEqual((await store.read([key]))[0]?.data, { n: 0 });
  });

  it("holds nobody up for a change of many fields", async () => {
    const session = new Session<Fields>({ store });
    const id = await session.create({ userId: "ada" });
    await client.sendCommand(["SLOWLOG", "RESET"]);
    await client.sendCommand(["CONFIG", "SET", "slowlog-log-slower-than", "20000"]);
    const many = (count: number, value: number): Fields =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, value]));
    for (const value of [0, 1]) assert.equal(await session.update(id, many(8000, value)), true);
    assert.equal(await session.update(id, () => many(8000, 2)), true);
    assert.deepEqual(await session.get(id), { userId: "ada", ...many(8000, 2) });
    assert.deepEqual(await client.sendCommand(["SLOWLOG", "GET"]), []);
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
    assert.deepEqual((await store.read([later]))[0]?.data, { a: 9, b: 2 });
    assert.equal(await store.patch(asleep, { set: { a: 9 } }), "missing");
  });
});
