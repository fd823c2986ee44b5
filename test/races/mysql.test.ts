// The races suite and several processes on a real MariaDB, however transactions see one another.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { IdMaker, toStoreKey } from "../../src/core/ids/session-id.ts";
import { statementsOf } from "../../src/stores/mysql/statements.ts";
import {
  type MariadbServer,
  skipWithoutMariadb,
  startMariadbServer,
} from "../support/mariadb-server.ts";
import { ISOLATION, openMysqlStore, type OpenMysqlOptions } from "../support/mysql-stores.ts";
import { multiProcessSuite } from "./multi-process.ts";
import { raceSuite } from "./race-suite.ts";

const runner = { describe, it, before, after };
const isolations = Object.keys(ISOLATION) as (keyof typeof ISOLATION)[];

describe("MysqlStore", { skip: skipWithoutMariadb() }, () => {
  let server: MariadbServer;
  before(async () => void (server = await startMariadbServer()));
  after(() => server.stop());

  raceSuite(runner, {
    name: "MysqlStore",
    open: (clock) => openMysqlStore({ connection: server.connection, table: "raced", clock }),
  });

  multiProcessSuite(runner, {
    name: "MysqlStore",
    opener: new URL(
      `../support/mysql-stores.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`,
      import.meta.url,
    ),
    target: () =>
      JSON.stringify({
        connection: server.connection,
        table: "shared",
        isolation: "READ COMMITTED",
      } satisfies OpenMysqlOptions),
  });

  for (const isolation of isolations) {
    describe(`with ${isolation}`, () => {
      let opened: Awaited<ReturnType<typeof openMysqlStore>>;
      const ids = new IdMaker();
      const birth = Math.floor(Date.now() / 1000);
      const newKey = (): string => toStoreKey(ids.make(birth));
      const newSession = (userId: string) => ({
        data: {},
        userId,
        createdAt: Date.now(),
        lastSeenAt: Date.now(),
        expiresAt: Date.now() + 600_000,
        endsAt: Date.now() + 600_000,
      });
      before(
        async () =>
          void (opened = await openMysqlStore({
            connection: server.connection,
            table: `moved_${isolations.indexOf(isolation)}`,
            isolation,
          })),
      );
      after(() => opened.close());

      // Whatever moves may be behind the remover's place in the index when it comes there: only
      // locked gaps keep it.
      it("removeByUser misses no session that moves from key to key meanwhile", async () => {
        const { store } = opened;
        let moves = 0;
        for (let round = 0; round < 100; round++) {
          const userId = `mover-${round}`;
          const keys = Array.from({ length: 4 }, newKey);
          await Promise.all(keys.map((key) => store.create(key, newSession(userId))));
          const wander = async (key: string): Promise<void> => {
            for (let next = newKey(); await store.move(key, next); next = newKey()) {
              key = next;
              moves++;
            }
          };
          const wandering = keys.map(wander);
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
          assert.equal(await store.removeByUser(userId), keys.length);
          assert.deepEqual(await store.listByUser(userId), []);
          await Promise.all(wandering);
        }
        assert.ok(moves > 0, "nothing moved: the race did not happen");
      });

      it("removeAll leaves nothing alive that was there before, whatever runs meanwhile", async () => {
        const { store } = opened;
        for (let round = 0; round < 20; round++) {
          const userId = `everybody-${round}`;
          const keys = Array.from({ length: 4 }, newKey) as [string, string, string, string];
          await Promise.all(keys.map((key) => store.create(key, newSession(userId))));
          const [moved, during, capped] = [newKey(), newKey(), newKey()];
          await Promise.all([
            store.patch(keys[0], { set: { late: true } }),
            store.move(keys[1], moved),
            store.patch(keys[2], { set: { late: true }, ifRevision: 1 }),
            store.removeAll(),
            store.extend(keys[3], { lastSeenAt: Date.now(), expiresAt: Date.now() + 900_000 }),
            store.create(during, newSession(userId)),
            store.create(capped, newSession(userId), { limit: 3, onLimit: "evict-oldest" }),
          ]);
          assert.deepEqual(await store.read([...keys, moved]), [
            undefined,
            undefined,
            undefined,
            undefined,
            undefined,
          ]);
          const live = (await store.listByUser(userId)).map(({ key }) => key);
          const found = await store.read([during, capped]);
          assert.deepEqual(live.sort(), [during, capped].filter((_, at) => found[at]).sort());
          const after = newKey();
          assert.equal((await store.create(after, newSession(userId))).outcome, "created");
          assert.ok((await store.read([after]))[0]);
        }
      });

      it("while removeAll is not committed everybody reads, and nobody's late change outlives it", async () => {
        const { store, client } = opened;
        const [patched, taken] = [newKey(), newKey()];
        for (const key of [patched, taken]) await store.create(key, newSession("reader"));
        const held = await client.getConnection();
        await held.query("START TRANSACTION");
        await held.query(
          `UPDATE moved_${isolations.indexOf(isolation)}_epoch SET epoch = epoch + 1`,
        );
        assert.ok((await store.read([patched]))[0]);
        assert.equal((await store.listByUser("reader")).length, 2);
        const changes = [
          store.patch(patched, { set: { late: true } }),
          store.create(taken, newSession("reader")),
          store.create(newKey(), newSession("reader"), { limit: 1, onLimit: "deny" }),
        ];
        await held.query("COMMIT");
        held.release();
        const [outcome] = await Promise.all(changes);
        assert.ok(outcome === "done" || outcome === "missing");
        assert.equal((await store.read([patched]))[0], undefined);
        assert.equal(await store.patch(patched, { set: { late: true } }), "missing");
      });

      it("a transaction that stands still holds up no removeAll", async () => {
        const { store, client } = opened;
        await store.create(newKey(), newSession("still"));
        const held = await client.getConnection();
        await held.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
        await held.query("START TRANSACTION");
        // As the store itself asks when it creates within a cap.
        const sql = statementsOf(`moved_${isolations.indexOf(isolation)}`);
        assert.equal(
          (
            (
              await held.execute({ sql: sql.lockRivals, rowsAsArray: true }, ["still", Date.now()])
            )[0] as unknown[]
          ).length,
          2,
        );
        await store.removeAll();
        await held.query("ROLLBACK");
        held.release();
      });

      it("a cap holds while its user's sessions move", async () => {
        const { store } = opened;
        const limit = 3;
        for (let round = 0; round < 25; round++) {
          const userId = `capped-${round}`;
          const keys = Array.from({ length: limit }, newKey);
          await Promise.all(keys.map((key) => store.create(key, newSession(userId))));
          const over = new AbortController();
          const wander = async (key: string): Promise<void> => {
            for (
              let next = newKey();
              !over.signal.aborted && (await store.move(key, next));
              next = newKey()
            )
              key = next;
          };
          const wandering = keys.map(wander);
          const creating = Array.from({ length: 5 }, (_, n) =>
            store.create(newKey(), newSession(userId), {
              limit,
              onLimit: n % 2 === 0 ? "evict-oldest" : "deny",
            }),
          );
          const watch = async (): Promise<void> => {
            while (!over.signal.aborted)
              assert.ok((await store.listByUser(userId)).length <= limit);
          };
          const watching = watch();
          await Promise.all(creating);
          over.abort();
          await Promise.all([watching, ...wandering]);
          assert.equal((await store.listByUser(userId)).length, limit);
        }
      });
    });
  }
});
