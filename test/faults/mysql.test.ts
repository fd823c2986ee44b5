// MysqlStore while MariaDB is killed and started again, while the network stalls, cuts and delays,
// and while statements hang. Each commit waits for the disk, as in production: what was
// acknowledged before must be there afterwards.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createPool, type Pool, type PoolOptions } from "mysql2/promise";
import { toStoreKey } from "../../src/core/ids/session-id.ts";
import { Session, StoreError } from "../../src/session.ts";
import { MysqlStore } from "../../src/stores/mysql.ts";
import {
  type MariadbServer,
  skipWithoutMariadb,
  startMariadbServer,
} from "../support/mariadb-server.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { until } from "../support/waits.ts";

interface Data {
  userId: string;
  n: number;
}

/** One session as its owner knows it. A change whose answer was lost may have been made or not. */
interface Owned {
  /** Every id that it may have. */
  ids: string[];
  atLeast: number;
  atMost: number;
  isEnded: boolean | "perhaps";
}

// Milliseconds. A server that was killed recovers in seconds, also on a loaded machine.
const LONGEST_LOAD = 60_000;
const OWNERS = 12;
const STORE_TIMEOUT = 0.5;

/**
 * Owners sign in, change, rotate and sign out until they are stopped. A rejection that is no
 * StoreError ends the test.
 */
function startLoad(session: Session<Data>) {
  const owned: Owned[] = [];
  const failures = new Map<string, number>();
  const over = new AbortController();
  const counted = { answers: 0 };
  let longest = 0;

  const ask = async <T>(request: () => Promise<T>): Promise<{ answer: T } | undefined> => {
    const startedAt = performance.now();
    try {
      const answer = await request();
      counted.answers++;
      return { answer };
    } catch (error) {
      assert.ok(error instanceof StoreError, String(error));
      failures.set(error.code, (failures.get(error.code) ?? 0) + 1);
      await sleep(5);
      return undefined;
    } finally {
      longest = Math.max(longest, performance.now() - startedAt);
    }
  };
  const own = async (owner: number, turn: number): Promise<void> => {
    const created = await ask(() => session.create({ userId: `owner-${owner}`, n: 0 }));
    if (!created) return;
    const one: Owned = { ids: [created.answer], atLeast: 0, atMost: 0, isEnded: false };
    owned.push(one);
    for (let n = 1; n <= 4; n++) {
      one.atMost = n;
      const updated = await ask(() => session.update(one.ids.at(-1), { n }));
      assert.notEqual(updated?.answer, false, "a live session was said to be gone");
      if (updated) one.atLeast = n;
    }
    const rotated = await ask(() => session.rotate(one.ids.at(-1)));
    // Whoever does not know the new id cannot go on. The old one may have stayed.
    if (!rotated) return void (one.isEnded = "perhaps");
    assert.ok(rotated.answer, "a live session was said to be gone");
    one.ids.push(rotated.answer);
    if (turn % 2) return;
    one.isEnded = "perhaps";
    if (await ask(() => session.delete(one.ids.at(-1)))) one.isEnded = true;
  };
  const running = Promise.all(
    Array.from({ length: OWNERS }, async (_, owner) => {
      for (let turn = 0; !over.signal.aborted; turn++) await own(owner, turn);
    }),
  );
  return {
    failures,
    abort: () => over.abort(),
    /** Waits for so many more answers, or for the first broken promise. */
    async more(count: number): Promise<void> {
      const enough = counted.answers + count;
      const isEnough = (): boolean => counted.answers >= enough || over.signal.aborted;
      await Promise.race([
        until(`${count} more answers`, isEnough, { limit: LONGEST_LOAD }),
        running,
      ]);
    },
    /** Ends the load and compares what owners know with what the store has. */
    async stop(): Promise<void> {
      over.abort();
      await running;
      assert.ok(longest < STORE_TIMEOUT * 1000 * 5, `a request took ${longest} ms`);
      for (const { ids, atLeast, atMost, isEnded } of owned) {
        const last = await session.get(ids.at(-1));
        for (const former of ids.slice(0, -1))
          assert.equal(await session.get(former), undefined, "an id that was rotated is back");
        if (isEnded === true) assert.equal(last, undefined, "a session that was ended is back");
        if (isEnded !== false) continue;
        assert.ok(last, "a session is gone");
        assert.ok(
          last.n >= atLeast && last.n <= atMost,
          `n is ${last.n}: ${atLeast} was acknowledged, ${atMost} was tried`,
        );
      }
    },
  };
}

describe("MysqlStore under faults", { skip: skipWithoutMariadb() }, () => {
  let server: MariadbServer;
  let proxy: TcpProxy;
  const pools: Pool[] = [];
  const loads: ReturnType<typeof startLoad>[] = [];
  before(async () => {
    server = await startMariadbServer({ isDurable: true });
    proxy = await startTcpProxy(server.port);
  });
  after(async () => {
    // Of a test that failed.
    for (const load of loads) load.abort();
    await proxy.close();
    for (const pool of pools) await pool.end().catch(() => {});
    await server.stop();
  });
  const open = async (options: PoolOptions = {}, statementTimeout = 30) => {
    const client = createPool({ ...server.connection, connectTimeout: 1000, ...options });
    pools.push(client);
    const store = new MysqlStore<Data>({ client, statementTimeout, pruneInterval: false });
    await store.migrate();
    return { client, store, session: new Session<Data>({ store, storeTimeout: STORE_TIMEOUT }) };
  };

  const begin = (session: Session<Data>) => {
    const load = startLoad(session);
    loads.push(load);
    return load;
  };

  it("SIGKILL under load loses nothing that was acknowledged, and the pool recovers by itself", async () => {
    const { session } = await open();
    const load = begin(session);
    for (let kills = 0; kills < 2; kills++) {
      await load.more(300);
      await server.kill();
      await sleep(200);
      await server.start();
    }
    await load.more(300);
    await load.stop();
    assert.ok(load.failures.has("ERR_STORE_UNAVAILABLE"));
  });

  it("a server that stalls is a StoreError in time, and is used again when it answers", async () => {
    const { session } = await open({ port: proxy.port });
    const load = begin(session);
    await load.more(200);
    proxy.stall();
    await until("a timeout", () => load.failures.has("ERR_STORE_TIMEOUT"));
    proxy.restore();
    await load.more(200);
    await load.stop();
  });

  it("cut connections are a StoreError, slow ones only slow", async () => {
    const { session } = await open({ port: proxy.port });
    const load = begin(session);
    for (let cuts = 0; cuts < 5; cuts++) {
      await load.more(100);
      proxy.cut();
    }
    await load.more(100);
    proxy.delay(5);
    await load.more(100);
    proxy.restore();
    await load.stop();
    assert.ok(load.failures.has("ERR_STORE_UNAVAILABLE"));
  });

  it(
    "connections that hang are given up, so that the pool has others for everybody else",
    { timeout: 20_000 },
    async () => {
      const { session } = await open({ connectionLimit: 2 }, 1);
      const ids = await Promise.all([1, 2, 3].map((n) => session.create({ userId: "hung", n })));
      const other = await (pools[0] as Pool).getConnection();
      await other.query("START TRANSACTION");
      const keys = ids.slice(0, 2).map((id) => toStoreKey(id));
      await other.query("SELECT * FROM harpiats_sessions WHERE session_key IN (?) FOR UPDATE", [
        keys,
      ]);
      const hanging = ids
        .slice(0, 2)
        .map((id) => assert.rejects(session.update(id, { n: 9 }), { code: "ERR_STORE_TIMEOUT" }));
      await Promise.all(hanging);
      // Both connections wait for the locks. Without giving them up this would go on for as long as
      // the server lets them.
      await until("an answer to somebody else", () =>
        session.get(ids[2]).catch((error: unknown) => assert.ok(error instanceof StoreError)),
      );
      await other.query("ROLLBACK");
      other.release();
    },
  );
});
