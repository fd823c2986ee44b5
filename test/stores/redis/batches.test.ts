// What RedisStore does for many sessions at once: one command by the server's own count, each
// record for itself, one message.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createClient } from "redis";
import { IdMaker, toStoreKey } from "../../../src/core/ids/session-id.ts";
import { type KeyedPatch, Session, type StoreChange } from "../../../src/session.ts";
import { type NodeRedisClient, RedisStore } from "../../../src/stores/redis.ts";
import type { Fields } from "../../../src/testing/conformance-bench.ts";
import {
  type RedisServer,
  skipWithoutRedis,
  startRedisServer,
} from "../../support/redis-server.ts";
import { openRedisStatistics, type RedisStatistics } from "../../support/redis-statistics.ts";
import { until } from "../../support/waits.ts";

const PREFIX = "b:";
const REQUESTS = 64;

describe("RedisStore, many at once", { skip: skipWithoutRedis() }, () => {
  let server: RedisServer;
  let statistics: RedisStatistics;
  let client: Awaited<ReturnType<typeof connect>>;
  let store: RedisStore<Fields>;
  const connect = async () => createClient({ url: server.url }).connect();
  const ids = new IdMaker();
  const now = Date.now();
  const place = (key: string): string => `${PREFIX}{${key.slice(0, 8)}}${key.slice(8)}`;
  const created = async (data: Fields = { a: 1 }, by = store): Promise<string> => {
    const key = toStoreKey(ids.make(Math.floor(now / 1000)));
    assert.equal(
      (
        await by.create(key, {
          data,
          createdAt: now,
          lastSeenAt: now,
          expiresAt: now + 1e6,
          endsAt: now + 1e7,
        })
      ).outcome,
      "created",
    );
    return key;
  };
  const dataOf = async (keys: string[]): Promise<(Fields | undefined)[]> =>
    (await store.read(keys)).map((session) => session?.data);
  const patchAll = (patches: KeyedPatch<Fields>[], by = store): Promise<unknown[]> =>
    by.patchAll?.(patches) ?? Promise.reject(new Error("There is no patchAll"));

  before(async () => {
    server = await startRedisServer();
    statistics = await openRedisStatistics(server.url);
    client = await connect();
    store = new RedisStore<Fields>({ client, prefix: PREFIX });
    // The server gets to know the scripts.
    await store.patch(await created(), { set: { b: 1 } });
    await store.extend(await created(), { lastSeenAt: now, expiresAt: now + 2e6 });
  });
  after(async () => {
    await client.close();
    await statistics.close();
    await server.stop();
  });

  it("reads, changes and touches the sessions of 64 requests of one moment with one command each", async () => {
    const session = new Session<Fields>({ store });
    const made = await Promise.all(
      Array.from({ length: REQUESTS }, () => session.create({ n: 0 })),
    );
    const requests = made.map((id) => ({ headers: { cookie: `session_id=${id}` } }));
    assert.deepEqual(
      await statistics.during(() => Promise.all(made.map((id) => session.get(id)))),
      { mget: 1 },
    );
    assert.deepEqual(
      await statistics.during(() => Promise.all(made.map((id) => session.update(id, { n: 1 })))),
      // Whether the ids still hold is asked before.
      { mget: 1, evalsha: 1 },
    );
    const visit = async (req: (typeof requests)[number]): Promise<void> => {
      const own = session.open(req);
      own.set("n", ((await own.get("n")) as number) + 1);
      await own.commit();
    };
    assert.deepEqual(await statistics.during(() => Promise.all(requests.map(visit))), {
      mget: 1,
      evalsha: 1,
    });
    assert.deepEqual(
      (await Promise.all(made.map((id) => session.get(id)))).map((data) => data?.["n"]),
      made.map(() => 2),
    );

    const idle = new Session<Fields>({ store, idleTimeout: 3600 });
    const seen = await Promise.all(Array.from({ length: REQUESTS }, () => idle.create({ n: 0 })));
    const later = new Session<Fields>({
      store,
      idleTimeout: 3600,
      clock: { now: () => Date.now() + 1e6, schedule: () => () => {} },
    });
    const touch = async (): Promise<void> => {
      await Promise.all(
        seen.map((id) => later.fromRequest({ headers: { cookie: `session_id=${id}` } })),
      );
      await later.close();
    };
    assert.deepEqual(await statistics.during(touch), { mget: 1, evalsha: 1 });
    const [first] = await store.read([toStoreKey(seen[0] as string)]);
    assert.ok(first && first.lastSeenAt >= now + 1e6);
  });

  it("asks a sharded server for the epoch once a moment, and each session's server by itself", async () => {
    const session = new Session<Fields>({
      store: new RedisStore<Fields>({ client, prefix: "sharded:", sharded: true }),
    });
    const made = await Promise.all(
      Array.from({ length: REQUESTS }, () => session.create({ n: 0 })),
    );
    const text = async (): Promise<string> => String(await statistics.ask("INFO", "commandstats"));
    await Promise.all(made.map((id) => session.get(id)));
    await statistics.ask("CONFIG", "RESETSTAT");
    assert.ok((await Promise.all(made.map((id) => session.update(id, { n: 1 })))).every(Boolean));
    // Each record is read once before, each script reads its own, and two GETs more are the epoch's.
    assert.match(await text(), /cmdstat_get:calls=130,/);
    assert.match(await text(), /cmdstat_evalsha:calls=64,/);
  });

  it("leaves alone what is no session, tells of it, and changes the others", async () => {
    const [list, foreign, moved, one, two] = [
      await created(),
      await created(),
      await created(),
      await created(),
      await created(),
    ];
    await statistics.ask("DEL", place(list));
    await statistics.ask("RPUSH", place(list), "not a string");
    await statistics.ask("SET", place(foreign), "{}");
    await statistics.ask("SET", place(moved), `{"harpia":1,"movedTo":"${one}"}`);
    const heard: StoreChange[] = [];
    const stop = await store.subscribe(
      (change) => void (change.type === "unreadable" && heard.push(change)),
    );
    const keys = [one, list, foreign, moved, two];
    assert.deepEqual(await patchAll(keys.map((key) => ({ key, patch: { set: { b: 2 } } }))), [
      "done",
      "missing",
      "missing",
      "missing",
      "done",
    ]);
    assert.deepEqual(
      await store.extendAll?.(
        keys.map((key) => ({ key, to: { lastSeenAt: now, expiresAt: now + 3e6 } })),
      ),
      [true, false, false, false, true],
    );
    assert.deepEqual(
      heard,
      [list, foreign, list, foreign].map((key) => ({ type: "unreadable", key })),
    );
    assert.deepEqual(await dataOf([one, two]), [
      { a: 1, b: 2 },
      { a: 1, b: 2 },
    ]);
    // The server's own deadline has moved with the record's, and a patch left it where it was.
    for (const key of [one, two])
      assert.ok(Number(await statistics.ask("PEXPIRETIME", place(key))) === now + 3e6);
    await patchAll([{ key: one, patch: { set: { c: 3 } } }]);
    assert.ok(Number(await statistics.ask("PEXPIRETIME", place(one))) === now + 3e6);
    assert.equal(await statistics.ask("GET", place(foreign)), "{}");
    await stop();
  });

  it("answers a batch that is sent a second time as the first time, for each of its sessions", async () => {
    // As a client does whose connection was cut while the answer was on its way.
    const twice = new Proxy(client, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        return async (...args: unknown[]) => {
          if (name === "evalSha") await Reflect.apply(member, target, args);
          return Reflect.apply(member, target, args) as unknown;
        };
      },
    });
    const by = new RedisStore<Fields>({
      client: twice as unknown as NodeRedisClient,
      prefix: PREFIX,
    });
    const keys = await Promise.all(Array.from({ length: 20 }, () => created()));
    const patches = keys.map((key, n) => ({
      key,
      patch: { set: { n }, ifRevision: n % 2 === 0 ? 1 : 7 },
    }));
    assert.deepEqual(
      await patchAll(patches, by),
      keys.map((_, n) => (n % 2 === 0 ? "done" : "conflict")),
    );
    assert.deepEqual(
      (await store.read(keys)).map((session) => session?.revision),
      keys.map((_, n) => (n % 2 === 0 ? 2 : 1)),
    );
    assert.deepEqual(
      await by.extendAll?.(
        keys.map((key) => ({ key, to: { lastSeenAt: now + 5, expiresAt: now + 2e6 } })),
      ),
      keys.map(() => true),
    );
  });

  it("publishes the changes of a batch as one message, and still hears them one by one", async () => {
    const keys = await Promise.all(Array.from({ length: 3 }, () => created()));
    const other = await created();
    const heard: StoreChange[] = [];
    const stop = await store.subscribe((change) => heard.push(change));
    const listener = await client.duplicate().connect();
    const messages: string[] = [];
    await listener.subscribe(`${PREFIX}changes`, (message) => void messages.push(message));
    await patchAll(
      [...keys, toStoreKey(ids.make(1))].map((key) => ({ key, patch: { set: { b: 2 } } })),
    );
    await store.patch(other, { set: { b: 2 } });
    // As a process of an earlier version tells, and as nobody does.
    await statistics.ask(
      "PUBLISH",
      `${PREFIX}changes`,
      JSON.stringify({ type: "changed", key: "earlier" }),
    );
    await statistics.ask(
      "PUBLISH",
      `${PREFIX}changes`,
      JSON.stringify({ type: "changed", keys: [1, null, "last"] }),
    );
    await until("all messages", () => messages.length >= 4 && heard.length >= 6);
    assert.deepEqual(
      heard.map((change) => "key" in change && change.key),
      [...keys, other, "earlier", "last"],
    );
    assert.ok(heard.every(({ type }) => type === "changed"));
    assert.deepEqual(
      messages.slice(0, 2).map((message) => JSON.parse(message) as unknown),
      [
        { type: "changed", keys },
        { type: "changed", key: other },
      ],
    );
    await listener.close();
    await stop();
  });

  it("does not hold up everybody for large sessions: it comes again for the rest", async () => {
    const keys: string[] = [];
    for (let n = 0; n < 50; n++) keys.push(await created({ large: "x".repeat(100_000) }));
    await store.read(keys);
    let outcomes: unknown[] = [];
    const asked = await statistics.during(
      async () =>
        void (outcomes = await patchAll(keys.map((key, n) => ({ key, patch: { set: { n } } })))),
    );
    assert.deepEqual(
      outcomes,
      keys.map(() => "done"),
    );
    assert.deepEqual(asked, { evalsha: 9 });
    assert.deepEqual(
      (await dataOf(keys)).map((data) => data?.["n"]),
      keys.map((_, n) => n),
    );
  });

  it("has changed nothing of a batch that is refused when memory is short", async () => {
    const keys = [await created(), await created()];
    await statistics.ask("CONFIG", "SET", "maxmemory", "1");
    try {
      await assert.rejects(patchAll(keys.map((key) => ({ key, patch: { set: { b: 1 } } }))), /OOM/);
    } finally {
      await statistics.ask("CONFIG", "SET", "maxmemory", "0");
    }
    assert.deepEqual(await dataOf(keys), [{ a: 1 }, { a: 1 }]);
  });
});
