// What subscribers of a PostgresStore hear, of this process and of others, and what they hear when
// the connection is lost.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Client, Pool } from "pg";
import postgres from "postgres";
import { IdMaker, toStoreKey } from "../../../src/core/ids/session-id.ts";
import type { StoreChange } from "../../../src/session.ts";
import { type PostgresClient, PostgresStore } from "../../../src/stores/postgres.ts";
import {
  type PostgresServer,
  skipWithoutPostgres,
  startPostgresServer,
} from "../../support/postgres-server.ts";
import { until } from "../../support/waits.ts";

type Fields = Record<string, unknown>;
const LIFETIME = 1_000_000;
const ids = new IdMaker();
const newKey = (): string => toStoreKey(ids.make(Math.floor(Date.now() / 1000)));
const newSession = (userId: string) => {
  const now = Date.now();
  return {
    data: {},
    createdAt: now,
    lastSeenAt: now,
    expiresAt: now + LIFETIME,
    endsAt: now + LIFETIME,
    userId,
  };
};

/** A subscription that can be waited on. */
async function listenTo(store: PostgresStore<Fields>): Promise<{
  heard(change: StoreChange): Promise<void>;
  changes: StoreChange[];
  stop(): Promise<void>;
}> {
  const changes: StoreChange[] = [];
  const stop = await store.subscribe((change) => void changes.push(change));
  const heard = async (wanted: StoreChange): Promise<void> => {
    const text = JSON.stringify(wanted);
    await until(
      `${text} to be heard`,
      () => changes.some((change) => JSON.stringify(change) === text),
      { seen: () => JSON.stringify(changes) },
    );
  };
  return { heard, changes, stop };
}

async function newStore(client: PostgresClient, notify = true): Promise<PostgresStore<Fields>> {
  const store = new PostgresStore<Fields>({ client, notify, pruneInterval: false });
  await store.migrate();
  return store;
}

/** Makes every kind of change with one store and waits until it is heard at another. */
async function makeAll(
  store: PostgresStore<Fields>,
  heard: (change: StoreChange) => Promise<void>,
): Promise<void> {
  const [key, nextKey, evictor, last, dead] = [newKey(), newKey(), newKey(), newKey(), newKey()];
  const user = `user ${key}`;
  await store.create(key, newSession(user));
  await store.patch(key, { set: { n: 1 }, ifRevision: 1 });
  await heard({ type: "changed", key });
  await store.move(key, nextKey);
  await heard({ type: "moved", key, nextKey });
  await store.create(evictor, newSession(user), { limit: 1, onLimit: "evict-oldest" });
  await heard({ type: "evicted", key: nextKey });
  await store.removeByUser(user);
  await heard({ type: "removed", key: evictor });
  await store.create(last, newSession(user));
  await store.remove(last);
  await heard({ type: "removed", key: last });
  await store.create(dead, { ...newSession(user), expiresAt: Date.now() - 1 });
  await store.prune();
  await heard({ type: "expired", key: dead, limit: "idle" });
  await store.removeAll();
  await heard({ type: "cleared" });
}

describe("PostgresStore.subscribe", { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  let pool: Pool;
  let others: PostgresStore<Fields>;
  before(async () => {
    server = await startPostgresServer();
    pool = new Pool({ connectionString: server.url });
    others = await newStore(pool);
  });
  after(async () => {
    await pool.end();
    await server.stop();
  });

  const listening = async (): Promise<number[]> => {
    const { rows } = await pool.query(
      "SELECT pid FROM pg_stat_activity WHERE query ILIKE 'listen %'",
    );
    return rows.map(({ pid }) => pid as number);
  };
  /** A server's process needs a moment to see that its connection was closed. */
  const nobodyListens = async (): Promise<void> => {
    await until("nobody to listen", async () => (await listening()).length === 0);
  };
  const cut = async (): Promise<void> => {
    for (const pid of await listening()) await pool.query("SELECT pg_terminate_backend($1)", [pid]);
  };

  it("tells of every change in another process, and of what failed nothing", async () => {
    const own = new Pool({ connectionString: server.url });
    const { heard, changes, stop } = await listenTo(await newStore(own));
    await makeAll(others, heard);
    changes.length = 0;
    const key = newKey();
    await others.patch(key, { set: {} });
    await others.patch(key, { set: {}, ifRevision: 1 });
    await others.move(key, newKey());
    await others.remove(key);
    await others.removeByUser("nobody");
    await makeAll(others, heard);
    assert.deepEqual(
      changes.filter((change) => "key" in change && change.key === key),
      [],
    );
    await stop();
    await own.end();
  });

  it("with a Pool of pg it says lost when its connection is cut, finds another, and says lost again and that it listens", async () => {
    const own = new Pool({ connectionString: server.url });
    own.on("error", () => {});
    const { heard, changes, stop } = await listenTo(await newStore(own));
    await cut();
    await until("it to listen again", () => changes.some(({ type }) => type === "listening"));
    assert.deepEqual(changes, [{ type: "lost" }, { type: "lost" }, { type: "listening" }]);
    await makeAll(others, heard);
    await stop();
    assert.equal(own.totalCount - own.idleCount, 0);
    await own.end();
    await nobodyListens();
  });

  it("with a Pool of pg it goes on trying while the server is away", async () => {
    const own = new Pool({ connectionString: server.url });
    for (const one of [own, pool]) one.on("error", () => {});
    const { heard, changes, stop } = await listenTo(await newStore(own));
    await server.kill();
    await until("it to say lost", () => changes.length > 0);
    await server.start();
    await until("it to listen again", () => changes.length >= 3);
    assert.deepEqual(changes, [{ type: "lost" }, { type: "lost" }, { type: "listening" }]);
    await makeAll(others, heard);
    await stop();
    await own.end();
  });

  it("with postgres.js it says lost once it listens again, and that it does", async () => {
    const own = postgres(server.url, { onnotice() {} });
    const { heard, changes, stop } = await listenTo(await newStore(own));
    await makeAll(others, heard);
    await cut();
    await until("it to listen again", () => changes.some(({ type }) => type === "listening"));
    assert.deepEqual(changes.slice(-2), [{ type: "lost" }, { type: "listening" }]);
    await makeAll(others, heard);
    await stop();
    await own.end();
  });

  it("with a Client of pg it says lost when the connection ends", async () => {
    const own = new Client({ connectionString: server.url });
    own.on("error", () => {});
    await own.connect();
    const { heard, stop } = await listenTo(await newStore(own));
    await makeAll(others, heard);
    await stop();
    const again = await listenTo(await newStore(own));
    await cut();
    await again.heard({ type: "lost" });
  });

  it("one connection serves all subscribers of a store, and the last to leave closes it", async () => {
    const own = new Pool({ connectionString: server.url });
    const store = await newStore(own);
    const [first, second] = await Promise.all([listenTo(store), listenTo(store)]);
    assert.equal((await listening()).length, 1);
    await first.stop();
    await first.stop();
    await makeAll(others, second.heard);
    await second.stop();
    await own.end();
    await nobodyListens();
    assert.deepEqual(first.changes, []);
  });

  it("rejects when there is no connection to listen on, or none beside it, and works the next time", async () => {
    const own = new Pool({ connectionString: server.url, max: 2, connectionTimeoutMillis: 50 });
    const store = await newStore(own);
    const held = [await own.connect(), await own.connect()];
    await assert.rejects(
      store.subscribe(() => {}),
      /timeout/,
    );
    held.pop()?.release();
    await assert.rejects(
      store.subscribe(() => {}),
      /timeout/,
    );
    held.pop()?.release();
    const { heard, stop } = await listenTo(store);
    await makeAll(others, heard);
    await stop();
    await own.end();
  });

  it("without the option notify it tells of this store alone", async () => {
    // The server takes a moment to notice that the last test's connections are gone.
    await nobodyListens();
    const [own, other] = [await newStore(pool, false), await newStore(pool, false)];
    const { changes, heard, stop } = await listenTo(own);
    await makeAll(own, heard);
    const told = changes.length;
    const key = newKey();
    await other.create(key, newSession("u"));
    await other.remove(key);
    await stop();
    assert.equal(changes.length, told);
    assert.deepEqual(await listening(), []);
  });

  it("what anybody else sends on the channel is not passed on", async () => {
    const own = new Pool({ connectionString: server.url });
    const { changes, heard, stop } = await listenTo(await newStore(own));
    for (const payload of ["", "cleared x", "changed", "moved x", "expired x never", "dropped x"])
      await pool.query("SELECT pg_notify('harpiats_sessions', $1)", [payload]);
    await makeAll(others, heard);
    assert.deepEqual(
      changes.filter((change) => !("key" in change && change.key !== "x")),
      [{ type: "cleared" }],
    );
    await stop();
    await own.end();
  });
});
