// What is peculiar to RedisStore: round trips by the server's own count, what else may be under a
// key, what a dump holds, expiry by the server, scripts that the server forgot, notifications.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createClient } from "redis";
import { IdMaker, toStoreKey } from "../../../src/core/ids/session-id.ts";
import { Session, type StoreChange, StoreError } from "../../../src/session.ts";
import { RedisStore, type RedisStoreOptions } from "../../../src/stores/redis.ts";
import type { Fields } from "../../../src/testing/conformance-bench.ts";
import { CLIENTS, openRedisStore } from "../../support/redis-clients.ts";
import {
  type RedisServer,
  skipWithoutRedis,
  startRedisServer,
} from "../../support/redis-server.ts";
import { openRedisStatistics, type RedisStatistics } from "../../support/redis-statistics.ts";
import { until } from "../../support/waits.ts";

const PREFIX = "p:";

describe("RedisStore and its server", { skip: skipWithoutRedis() }, () => {
  let server: RedisServer;
  let statistics: RedisStatistics;
  let client: RedisStoreOptions["client"];
  let store: RedisStore<Fields>;
  let close: () => Promise<unknown>;
  const ids = new IdMaker();
  const now = Date.now();
  const newId = (): string => ids.make(Math.floor(now / 1000));
  const place = (key: string): string => `${PREFIX}{${key.slice(0, 8)}}${key.slice(8)}`;
  const record = (more = {}): Parameters<RedisStore<Fields>["create"]>[1] => ({
    data: { a: 1 },
    createdAt: now,
    lastSeenAt: now,
    expiresAt: now + 1e6,
    endsAt: now + 1e7,
    ...more,
  });
  const created = async (more = {}): Promise<string> => {
    const key = toStoreKey(newId());
    assert.equal((await store.create(key, record(more))).outcome, "created");
    return key;
  };

  before(async () => {
    server = await startRedisServer();
    statistics = await openRedisStatistics(server.url);
    const opened = await createClient({ url: server.url })
      .on("error", () => {})
      .connect();
    client = opened;
    close = () => opened.close();
    store = new RedisStore<Fields>({ client, prefix: PREFIX });
  });
  after(async () => {
    await close();
    await statistics.close();
    await server.stop();
  });

  it("asks the server once for each method, and not at all for what is no id", async () => {
    const user = { userId: "counted" };
    const [key, other, third] = [await created(user), await created(user), await created(user)];
    const nextKey = toStoreKey(ids.make(Number.parseInt(key.slice(0, 8), 16)));
    const cap = { limit: 3, onLimit: "evict-oldest" } as const;
    // Each script once before, so that the server knows it.
    const calls: [string, () => Promise<unknown>, Record<string, number>][] = [
      ["read of one", () => store.read([key]), { mget: 1 }],
      ["read of many", () => store.read([key, other, nextKey]), { mget: 1 }],
      ["create", () => store.create(toStoreKey(newId()), record(user)), { evalsha: 1 }],
      [
        "create with a cap",
        () => store.create(toStoreKey(newId()), record(user), cap),
        { evalsha: 1 },
      ],
      ["create without a user", () => store.create(toStoreKey(newId()), record()), { evalsha: 1 }],
      [
        "extend",
        () => store.extend(other, { lastSeenAt: now, expiresAt: now + 2e6 }),
        { evalsha: 1 },
      ],
      ["patch", () => store.patch(other, { set: { b: 1 } }), { evalsha: 1 }],
      ["move", () => store.move(key, nextKey), { evalsha: 1 }],
      ["remove", () => store.remove(third), { evalsha: 1 }],
      ["listByUser", () => store.listByUser("counted"), { evalsha: 1 }],
      ["removeByUser", () => store.removeByUser("counted"), { evalsha: 1 }],
      ["removeAll", () => store.removeAll(), { evalsha: 1 }],
    ];
    for (const [, call] of calls) await call();
    for (const [name, call, expected] of calls)
      assert.deepEqual(await statistics.during(call), expected, name);

    const session = new Session<Fields>({ store, absoluteTimeout: 3600 });
    const strangers = ["", "no id", ids.make(1), "x".repeat(1000), "\u0000", undefined];
    assert.deepEqual(
      await statistics.during(() => Promise.all(strangers.map((id) => session.get(id)))),
      {},
    );
    assert.deepEqual(await statistics.during(() => session.fromRequest({ headers: {} })), {});
  });

  it("gathers the reads of one moment into one command", async () => {
    const session = new Session<Fields>({ store });
    const made = await Promise.all(Array.from({ length: 50 }, () => session.create({ a: 1 })));
    const asked = await statistics.during(async () =>
      assert.equal(
        (await Promise.all(made.map((id) => session.get(id)))).filter(Boolean).length,
        50,
      ),
    );
    assert.deepEqual(asked, { mget: 1 });
  });

  it("asks a sharded server twice where a user's slot is another than the session's", async () => {
    const sharded = new RedisStore<Fields>({ client, prefix: "sharded:", sharded: true });
    const user = { userId: "counted" };
    const keys = Array.from({ length: 6 }, () => toStoreKey(newId()));
    const [warm = "", warmNext = "", key = "", next = "", alone = "", last = ""] = keys;
    for (const one of [warm, last]) await sharded.create(one, record(user));
    await sharded.patch(warm, { set: { b: 1 } });
    await sharded.move(warm, warmNext);
    await sharded.remove(warmNext);
    assert.deepEqual(await statistics.during(() => sharded.create(key, record(user))), {
      evalsha: 2,
    });
    assert.deepEqual(await statistics.during(() => sharded.create(alone, record())), {
      evalsha: 1,
    });
    await sharded.read([key]);
    assert.deepEqual(await statistics.during(() => sharded.patch(key, { set: { b: 1 } })), {
      evalsha: 1,
    });
    assert.deepEqual(await statistics.during(() => sharded.move(key, next)), { evalsha: 1 });
    assert.deepEqual(await statistics.during(() => sharded.remove(next)), { evalsha: 2 });
    assert.deepEqual(await statistics.during(() => sharded.remove(alone)), { evalsha: 1 });
  });

  it("leaves alone what it cannot read, says so, and never writes over it", async () => {
    const heard: StoreChange[] = [];
    const stop = await store.subscribe(
      (change) => void (change.type === "unreadable" && heard.push(change)),
    );
    const valid = await created();
    const text = String(await statistics.ask("GET", place(valid)));
    const texts = [
      "",
      "{",
      "null",
      "[]",
      "42",
      '{"harpia":1}',
      '{"session":"of another application"}',
      text.replace('"harpia":1', '"harpia":2'),
      text.slice(0, -10),
      text.replace('"revision":1', '"revision":"1"'),
      "\u0000\u00ff",
    ];
    for (const foreign of texts) {
      const key = toStoreKey(newId());
      await statistics.ask("SET", place(key), foreign);
      heard.length = 0;
      assert.deepEqual(await store.read([key]), [undefined], foreign);
      assert.deepEqual(heard, [{ type: "unreadable", key }], foreign);
      assert.equal((await store.create(key, record({ userId: "x" }))).outcome, "taken", foreign);
      assert.equal(await store.patch(key, { set: { b: 1 } }), "missing", foreign);
      assert.equal(
        await store.extend(key, { lastSeenAt: now, expiresAt: now + 2e6 }),
        false,
        foreign,
      );
      assert.equal(await store.remove(key), false, foreign);
      assert.equal(await store.move(key, toStoreKey(newId())), false, foreign);
      assert.equal(await store.move(valid, key), false, foreign);
      assert.equal(heard.length, 7, foreign);
      assert.equal(await statistics.ask("GET", place(key)), foreign);
    }
    const list = toStoreKey(newId());
    await statistics.ask("RPUSH", place(list), "not a string");
    heard.length = 0;
    assert.deepEqual(await store.read([list]), [undefined]);
    assert.deepEqual(await store.read([list, valid]).then((found) => found.map(Boolean)), [
      false,
      true,
    ]);
    assert.equal((await store.create(list, record())).outcome, "taken");
    assert.equal(await store.patch(list, { set: { b: 1 } }), "missing");
    assert.equal(heard.length, 2);
    assert.equal(
      (await store.scan(undefined, { limit: 1000 })).sessions.some(({ key }) => key === list),
      false,
    );
    assert.deepEqual(await store.listByUser("x"), []);
    await stop();
  });

  it("set over what is no session rejects, and does not try for ever", async () => {
    const id = newId();
    await statistics.ask("SET", place(toStoreKey(id)), "foreign");
    await assert.rejects(
      store.set(id, { a: 1 }),
      (error: StoreError) => error instanceof StoreError && error.code === "ERR_STORE_CONFLICT",
    );
    assert.equal(await statistics.ask("GET", place(toStoreKey(id))), "foreign");
  });

  it("keeps two prefixes apart, one of which begins with the other", async () => {
    const [one, two] = [
      new RedisStore<Fields>({ client, prefix: "app:" }),
      new RedisStore<Fields>({ client, prefix: "app:user:" }),
    ];
    const key = toStoreKey(newId());
    await one.create(key, record({ userId: key.slice(0, 8) }));
    assert.deepEqual(await two.read([key]), [undefined]);
    assert.deepEqual(await two.listByUser(key.slice(0, 8)), []);
    assert.equal(await two.removeByUser(key.slice(0, 8)), 0);
    assert.deepEqual((await two.scan()).sessions, []);
    assert.deepEqual(
      (await one.scan()).sessions.map((found) => found.key),
      [key],
    );
  });

  it("holds no id anywhere, and a stored key is nobody's cookie", async () => {
    const session = new Session<Fields>({ store });
    const issued = [
      await session.create({ userId: "u" }),
      await session.create({ userId: "u" }),
      await session.create({ a: 1 }),
    ];
    issued.push((await session.rotate(issued[0])) as string);
    await session.update(issued[1], { b: 2 });
    await session.revokeAll("u", { except: issued[1] });
    const dump: string[] = [];
    for (const redisKey of (await statistics.ask("KEYS", "*")) as string[]) {
      const type = String(await statistics.ask("TYPE", redisKey));
      const value =
        type === "zset"
          ? await statistics.ask("ZRANGE", redisKey, "0", "-1")
          : type === "string"
            ? await statistics.ask("GET", redisKey)
            : "";
      dump.push(redisKey, String(value));
    }
    assert.ok(dump.length > 10);
    for (const id of issued) assert.ok(!dump.some((text) => text.includes(id)));
    for (const id of issued) {
      const key = toStoreKey(id);
      for (const value of [key, place(key), key.slice(9), key.slice(-32)])
        assert.equal(
          await session.fromRequest({ headers: { cookie: `session_id=${value}` } }),
          undefined,
        );
    }
  });

  it("lets the server expire a session, its pointer and its index", async () => {
    const at = Date.now();
    const more = {
      createdAt: at,
      lastSeenAt: at,
      expiresAt: at + 300,
      endsAt: at + 600,
      userId: "short",
    };
    const key = await created(more);
    const next = toStoreKey(ids.make(Number.parseInt(key.slice(0, 8), 16)));
    assert.equal(await store.move(key, next), true);
    const names = [place(key), place(next), `${PREFIX}user:{short}`];
    assert.equal(await statistics.ask("EXISTS", ...names), 3);
    await until(
      "the keys to expire",
      async () => Number(await statistics.ask("EXISTS", ...names)) === 0,
    );
    assert.ok(Date.now() >= at + 600);
    assert.ok(Date.now() < at + 5000);
    assert.deepEqual(await store.read([next]), [undefined]);
  });

  it("keeps no index for sessions of nobody, and one for the user without a name", async () => {
    const apart = new RedisStore<Fields>({ client, prefix: "nobody:" });
    const cap = { limit: 1, onLimit: "deny" } as const;
    for (let n = 0; n < 3; n++)
      assert.equal((await apart.create(toStoreKey(newId()), record(), cap)).outcome, "created");
    assert.deepEqual(await statistics.ask("KEYS", "nobody:user:*"), []);
    assert.deepEqual(await apart.listByUser(""), []);
    const key = toStoreKey(newId());
    await apart.create(key, record({ userId: "" }), cap);
    assert.deepEqual(
      (await apart.listByUser("")).map((found) => found.key),
      [key],
    );
    assert.deepEqual(await statistics.ask("KEYS", "nobody:user:*"), ["nobody:user:{}"]);
  });

  it("brings its scripts along when the server has forgotten them", async () => {
    const key = await created();
    await statistics.ask("SCRIPT", "FLUSH");
    assert.equal(await store.patch(key, { set: { b: 2 } }), "done");
    assert.deepEqual((await store.read([key]))[0]?.data, { a: 1, b: 2 });
  });

  it("forgets the entries of sessions that are over, however many there were", async () => {
    const over = { expiresAt: now + 500, endsAt: now + 500, userId: "often" };
    for (let n = 0; n < 20; n++) await created(over);
    await until("the sessions to end", () => Date.now() > now + 500);
    await created({ userId: "often" });
    assert.equal(await statistics.ask("ZCARD", `${PREFIX}user:{often}`), 1);
  });

  it("refuses a write when memory is short, and has changed nothing then", async () => {
    const key = await created({ userId: "full" });
    await statistics.ask("CONFIG", "SET", "maxmemory", "1");
    try {
      await assert.rejects(created({ userId: "full" }), /OOM/);
      await assert.rejects(store.patch(key, { set: { b: 1 } }), /OOM/);
      await assert.rejects(
        store.move(key, toStoreKey(ids.make(Number.parseInt(key.slice(0, 8), 16)))),
        /OOM/,
      );
      assert.deepEqual((await store.read([key]))[0]?.data, { a: 1 });
      assert.deepEqual(
        (await store.listByUser("full")).map((found) => found.key),
        [key],
      );
      assert.equal(await store.remove(key), true);
    } finally {
      await statistics.ask("CONFIG", "SET", "maxmemory", "0");
    }
  });

  it("knows a session's user whatever its facts say", async () => {
    const facts = { device: { userAgent: '","userId":"mallory"', label: "x\n\u2028" } };
    const key = await created({ userId: "facts", facts });
    assert.equal(
      await store.patch(key, { facts: { device: { label: ',"userId":"mallory"' } } }),
      "done",
    );
    const next = toStoreKey(ids.make(Number.parseInt(key.slice(0, 8), 16)));
    assert.equal(await store.move(key, next), true);
    assert.equal(await store.patch(next, { facts }), "done");
    assert.deepEqual(
      (await store.listByUser("facts")).map(({ session }) => session.facts),
      [facts],
    );
    assert.deepEqual(await store.listByUser("mallory"), []);
    assert.equal(await store.removeByUser("facts"), 1);
  });

  for (const kind of CLIENTS) {
    it(
      `tells of a lost connection and hears again after it, with ${kind.name}`,
      { timeout: 20_000 },
      async () => {
        const opened = await openRedisStore(kind, server.port, { prefix: PREFIX });
        const heard: StoreChange[] = [];
        const stop = await opened.store.subscribe((change) => heard.push(change));
        assert.equal(await statistics.ask("CLIENT", "KILL", "TYPE", "pubsub"), 1);
        await until("it to listen again", () => heard.some(({ type }) => type === "listening"));
        // As it says: whatever changes from now on is heard.
        assert.deepEqual(heard.map(({ type }) => type).slice(-2), ["lost", "listening"]);
        assert.deepEqual(new Set(heard.slice(0, -1).map(({ type }) => type)), new Set(["lost"]));
        assert.equal(
          Number(((await statistics.ask("PUBSUB", "NUMSUB", `${PREFIX}changes`)) as unknown[])[1]),
          1,
        );
        const key = await created();
        await store.remove(key);
        await until("the removal to be heard", () =>
          heard.some((change) => change.type === "removed" && change.key === key),
        );
        await statistics.ask("PUBLISH", `${PREFIX}changes`, "not of ours");
        await stop();
        await stop();
        await until(
          "nobody to listen",
          async () =>
            Number(
              ((await statistics.ask("PUBSUB", "NUMSUB", `${PREFIX}changes`)) as unknown[])[1],
            ) === 0,
        );
        await opened.close?.();
      },
    );
  }

  it("publishes nothing with notify: false, and says so to who subscribes", async () => {
    const silent = new RedisStore<Fields>({ client, prefix: PREFIX, notify: false });
    await assert.rejects(
      silent.subscribe(() => {}),
      /^TypeError: Cannot subscribe: RedisStore was made with notify: false/,
    );
    const key = await created();
    assert.equal(
      ((await statistics.ask("INFO", "commandstats")) as string).includes("cmdstat_publish"),
      true,
    );
    await statistics.ask("CONFIG", "RESETSTAT");
    await silent.patch(key, { set: { b: 1 } });
    await silent.remove(key);
    assert.equal(
      ((await statistics.ask("INFO", "commandstats")) as string).includes("cmdstat_publish"),
      false,
    );
  });

  it("refuses at construction what makes no sense, in words", () => {
    // Wrong on purpose: what a caller without types may give.
    const make = (options: unknown) => () => new RedisStore(options as RedisStoreOptions);
    assert.throws(make(undefined), /^TypeError: Invalid options of RedisStore: got undefined/);
    assert.throws(make({ client, url: "x" }), /^TypeError: Invalid option url: /);
    for (const wrong of [undefined, null, {}, "redis://localhost", { get() {} }])
      assert.throws(make({ client: wrong }), /^TypeError: Cannot use this client: got /);
    for (const prefix of ["", "a b", "a{b}", "*", "x".repeat(65)])
      assert.throws(make({ client, prefix }), /Invalid option prefix: /);
    assert.throws(make({ client, prefix: 1 }), /^TypeError: Invalid option prefix: got 1, /);
    assert.throws(
      make({ client, notify: "yes" }),
      /^TypeError: Invalid option notify: got a string, /,
    );
    assert.throws(make({ client, sharded: 1 }), /^TypeError: Invalid option sharded: got 1, /);
    assert.throws(
      make({ client: createClient({ keyPrefix: "x:" }) }),
      /^TypeError: Cannot use this client: it puts a keyPrefix/,
    );
  });
});
