// How RedisStore ends everything: one key, what is in it, and what becomes of it when memory is
// short or the key is lost.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createClient } from "redis";
import { IdMaker, toStoreKey } from "../../../src/core/ids/session-id.ts";
import { RedisStore, type RedisStoreOptions } from "../../../src/stores/redis.ts";
import type { Fields } from "../../../src/testing/conformance-bench.ts";
import {
  type RedisServer,
  skipWithoutRedis,
  startRedisServer,
} from "../../support/redis-server.ts";
import { openRedisStatistics, type RedisStatistics } from "../../support/redis-statistics.ts";

describe("RedisStore.removeAll", { skip: skipWithoutRedis() }, () => {
  let server: RedisServer;
  let statistics: RedisStatistics;
  let client: RedisStoreOptions["client"];
  let close: () => Promise<unknown>;
  const ids = new IdMaker();
  const now = Date.now();
  const newKey = (): string => toStoreKey(ids.make(Math.floor(now / 1000)));
  const record = (more = {}): Parameters<RedisStore<Fields>["create"]>[1] => ({
    data: { a: 1 },
    createdAt: now,
    lastSeenAt: now,
    expiresAt: now + 1e6,
    endsAt: now + 1e7,
    ...more,
  });

  before(async () => {
    server = await startRedisServer();
    statistics = await openRedisStatistics(server.url);
    const opened = await createClient({ url: server.url })
      .on("error", () => {})
      .connect();
    client = opened;
    close = () => opened.close();
  });
  after(async () => {
    await close();
    await statistics.close();
    await server.stop();
  });

  it("ends everything also when memory is short", async () => {
    const store = new RedisStore<Fields>({ client });
    const created = async (more = {}): Promise<string> => {
      const key = newKey();
      assert.equal((await store.create(key, record(more))).outcome, "created");
      return key;
    };
    const keys = [await created({ userId: "full" }), await created()];
    await statistics.ask("CONFIG", "SET", "maxmemory", "1");
    try {
      await store.removeAll();
      assert.deepEqual(await store.read(keys), [undefined, undefined]);
    } finally {
      await statistics.ask("CONFIG", "SET", "maxmemory", "0");
    }
    const [again] = await store.read([await created()]);
    assert.deepEqual(again?.data, { a: 1 });
  });

  for (const sharded of [false, true]) {
    const kind = sharded ? "sharded" : "one server";
    it(`ends everything with one write of a few bytes, and leaves what is there to expire: ${kind}`, async () => {
      const prefix = `ended-${sharded}:`;
      const one = new RedisStore<Fields>({ client, prefix, sharded });
      const keys = Array.from({ length: 100 }, newKey);
      await Promise.all(keys.map((key) => one.create(key, record({ userId: "u" }))));
      const size = await statistics.ask("DBSIZE");
      assert.deepEqual(await statistics.during(() => one.removeAll()), { evalsha: 1 });
      assert.equal(await statistics.ask("DBSIZE"), size);
      assert.deepEqual((await one.read(keys)).filter(Boolean), []);
      assert.equal(await statistics.ask("TTL", `${prefix}epoch`), -1);
      for (const key of keys)
        assert.ok(
          Number(await statistics.ask("PTTL", `${prefix}{${key.slice(0, 8)}}${key.slice(8)}`)) > 0,
        );
    });

    it(`a lost or foreign epoch revives nobody, also not one of many epochs ago, and hinders no login: ${kind}`, async () => {
      const prefix = `lost-${sharded}:`;
      const one = new RedisStore<Fields>({ client, prefix, sharded });
      const dead: string[] = [];
      const login = async (): Promise<string> => {
        const key = newKey();
        assert.equal(
          (await one.create(key, record({ userId: "u" }), { limit: 100, onLimit: "deny" })).outcome,
          "created",
        );
        return key;
      };
      const losses = [["DEL"], ["DEL"], ["SET", "foreign"], ["SET", "1e3"], ["SET", ""]];
      for (const [command = "", ...value] of losses) {
        dead.push(await login());
        for (let n = 0; n < 3; n++) {
          await one.removeAll();
          dead.push(await login());
        }
        await statistics.ask(command, `${prefix}epoch`, ...value);
        assert.deepEqual((await one.read(dead)).filter(Boolean), []);
        assert.equal(await one.patch(dead.at(-1) as string, { set: { b: 1 } }), "missing");
        assert.deepEqual(await one.listByUser("u"), []);
        const alive = await login();
        assert.deepEqual(
          (await one.listByUser("u")).map(({ key }) => key),
          [alive],
        );
        await statistics.ask(command, `${prefix}epoch`, ...value);
        await one.removeAll();
        assert.deepEqual((await one.read([...dead, alive])).filter(Boolean), []);
        dead.push(alive);
      }
    });
  }
});
