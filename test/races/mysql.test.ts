// The races suite and several processes on a real MariaDB, however transactions see one another.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { IdMaker, toStoreKey } from "../../src/core/session-id.ts";
import { type MariadbServer, skipWithoutMariadb, startMariadbServer } from "../support/mariadb-server.ts";
import { ISOLATION, openMysqlStore, type OpenMysqlOptions } from "../support/mysql-stores.ts";
import { multiProcessSuite } from "./multi-process.ts";
import { raceSuite } from "./race-suite.ts";

const runner = { describe, it, before, after };
const isolations = Object.keys(ISOLATION) as (keyof typeof ISOLATION)[];

describe("MysqlStore", { skip: skipWithoutMariadb() }, () => {
  let server: MariadbServer;
  before(async () => void (server = await startMariadbServer()));
  after(() => server.stop());

  raceSuite(runner, { name: "MysqlStore", open: (clock) => openMysqlStore({ connection: server.connection, table: "raced", clock }) });

  multiProcessSuite(runner, {
    name: "MysqlStore",
    opener: new URL(`../support/mysql-stores.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url),
    target: () => JSON.stringify({ connection: server.connection, table: "shared", isolation: "READ COMMITTED" } satisfies OpenMysqlOptions),
  });

  for (const isolation of isolations) {
    describe(`with ${isolation}`, () => {
      let opened: Awaited<ReturnType<typeof openMysqlStore>>;
      const ids = new IdMaker();
      const birth = Math.floor(Date.now() / 1000);
      const newKey = (): string => toStoreKey(ids.make(birth));
      const newSession = (userId: string) => ({ data: {}, userId, createdAt: Date.now(), lastSeenAt: Date.now(), expiresAt: Date.now() + 600_000, endsAt: Date.now() + 600_000 });
      before(async () => void (opened = await openMysqlStore({ connection: server.connection, table: `moved_${isolations.indexOf(isolation)}`, isolation })));
      after(() => opened.close());

      // Whatever moves may be behind the remover's place in the index when it comes there: only locked gaps keep it.
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

      it("a cap holds while its user's sessions move", async () => {
        const { store } = opened;
        const limit = 3;
        for (let round = 0; round < 25; round++) {
          const userId = `capped-${round}`;
          const keys = Array.from({ length: limit }, newKey);
          await Promise.all(keys.map((key) => store.create(key, newSession(userId))));
          const over = new AbortController();
          const wander = async (key: string): Promise<void> => {
            for (let next = newKey(); !over.signal.aborted && (await store.move(key, next)); next = newKey()) key = next;
          };
          const wandering = keys.map(wander);
          const creating = Array.from({ length: 5 }, (_, n) =>
            store.create(newKey(), newSession(userId), { limit, onLimit: n % 2 === 0 ? "evict-oldest" : "deny" }),
          );
          const watch = async (): Promise<void> => {
            while (!over.signal.aborted) assert.ok((await store.listByUser(userId)).length <= limit);
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
