// PostgresStore behind a real PgBouncer, whose connections are fewer than those that ask for one:
// the contract, that no answer goes astray where prepared statements are lost, and that whoever
// cannot hear of others is told so.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Client, Pool } from "pg";
import postgres from "postgres";
import { Session, type StoreChange, type StoreError } from "../../../src/session.ts";
import {
  type PgPool,
  type PostgresClient,
  type PostgresJsSql,
  PostgresStore,
  type PostgresStoreOptions,
} from "../../../src/stores/postgres.ts";
import { ManualClock, storeConformance } from "../../../src/testing.ts";
import {
  keepsPreparedStatements,
  type PgbouncerServer,
  type PoolMode,
  skipWithoutPgbouncer,
  startPgbouncer,
} from "../../support/pgbouncer-server.ts";
import {
  type PostgresServer,
  skipWithoutPostgres,
  startPostgresServer,
} from "../../support/postgres-server.ts";
import { aborted, advanceUntil, until, within } from "../../support/waits.ts";

type Fields = Record<string, unknown>;
type Opened = { client: PostgresClient; end(): Promise<void> };

const runner = { describe, it, before, after };
const CLIENTS: Record<string, (url: string) => Opened> = {
  pg(url) {
    const client = new Pool({ connectionString: url });
    client.on("error", () => {});
    // It would wait for what a test that failed has not given back.
    return { client, end: async () => void client.end() };
  },
  "postgres.js"(url) {
    const client = postgres(url, { fetch_types: false, onnotice() {} });
    return { client, end: () => client.end({ timeout: 0 }) };
  },
};
const DEAF: PoolMode[] = ["transaction", "statement"];

describe(
  "PostgresStore behind PgBouncer",
  { skip: skipWithoutPostgres() || skipWithoutPgbouncer() },
  () => {
    let server: PostgresServer;
    let bouncer: PgbouncerServer;
    let keeper: PgbouncerServer | undefined;
    let stores = 0;
    const opened: Opened[] = [];
    before(async () => {
      server = await startPostgresServer();
      bouncer = await startPgbouncer(server);
      if (keepsPreparedStatements)
        keeper = await startPgbouncer(server, { maxPreparedStatements: 100 });
    });
    after(async () => {
      await Promise.all(opened.map(({ end }) => end()));
      await keeper?.stop();
      await bouncer.stop();
      await server.stop();
    });

    const open = (name: string, url: string): Opened["client"] => {
      const one = CLIENTS[name]?.(url) as Opened;
      opened.push(one);
      return one.client;
    };
    const newStore = async (
      client: PostgresClient,
      options: Partial<PostgresStoreOptions> = {},
    ): Promise<PostgresStore<Fields>> => {
      const store = new PostgresStore<Fields>({
        client,
        table: `sessions_${++stores}`,
        pruneInterval: false,
        ...options,
      });
      await store.migrate();
      return store;
    };

    for (const name of Object.keys(CLIENTS)) {
      storeConformance(runner, {
        name: `PostgresStore with ${name} in transaction mode`,
        open: async (clock) => ({
          store: await newStore(open(name, bouncer.url("transaction")), { clock }),
        }),
      });
    }
    for (const name of keepsPreparedStatements ? Object.keys(CLIENTS) : []) {
      storeConformance(runner, {
        name: `PostgresStore with ${name} whose prepared statements are kept`,
        open: async (clock) => ({
          store: await newStore(open(name, (keeper as PgbouncerServer).url("transaction")), {
            clock,
            prepare: true,
          }),
        }),
      });
    }

    for (const name of Object.keys(CLIENTS)) {
      for (const mode of DEAF) {
        it(`with ${name} in ${mode} mode every answer of many at once is right, whatever it prepared before`, async () => {
          const session = new Session<Fields>({
            store: await newStore(open(name, bouncer.url(mode))),
          });
          await Promise.all(
            Array.from({ length: 24 }, async (_, visitor) => {
              for (let visit = 0; visit < 6; visit++) {
                const id = await session.create({ visitor, visit });
                assert.equal(await session.update(id, { seen: true }), true);
                assert.equal(
                  await session.update(id, ({ visit: before }) => ({ visit: Number(before) + 1 })),
                  true,
                );
                assert.deepEqual(await session.get(id), { visitor, visit: visit + 1, seen: true });
                const next = await session.rotate(id);
                assert.equal(await session.update(id, { late: true }), false);
                assert.equal(await session.delete(next), true);
                assert.equal(await session.get(next), undefined);
              }
            }),
          );
        });

        it(`with ${name} in ${mode} mode a subscription is refused, and who has a near cache or watches is served all the same`, async () => {
          const clock = new ManualClock();
          const client = open(name, bouncer.url(mode));
          const store = await newStore(client, { clock, notify: true });
          const other = new Session<Fields>({
            store: new PostgresStore({
              client,
              clock,
              table: `sessions_${stores}`,
              pruneInterval: false,
            }),
            clock,
          });
          const refused = assert.rejects(
            store.subscribe(() => {}),
            isDeaf,
          );
          await advanceUntil(clock, "the subscription to be refused", refused);
          await refused;

          const session = new Session<Fields>({ store, clock, nearCache: {}, storeTimeout: false });
          const told = new Promise<unknown>((resolve) =>
            session.on("error", ({ error }) => resolve(error)),
          );
          await advanceUntil(clock, "the error to be told", told);
          assert.ok(isDeaf(await told));
          const id = await session.create({ n: 1 });
          assert.deepEqual(await session.get(id), { n: 1 });
          await other.update(id, { n: 2 });
          assert.deepEqual(await session.get(id), { n: 2 });
          const signal = session.watch(id);
          await other.delete(id);
          await advanceUntil(clock, "the watched session to end", aborted(signal));
          // A watcher has subscribed once more.
          await advanceUntil(clock, "the session to be closed", session.close());
        });
      }

      it(`with ${name} in transaction mode, sign-ins at the same moment keep a cap, and a revocation ends all that came before`, async () => {
        const session = new Session<Fields>({
          store: await newStore(open(name, bouncer.url("transaction"))),
          maxPerUser: { limit: 3, onLimit: "evict-oldest" },
        });
        const ids = await Promise.all(
          Array.from({ length: 30 }, () => session.create({ userId: "ada" })),
        );
        assert.equal((await session.list("ada")).length, 3);
        const signingIn = Promise.all(
          Array.from({ length: 10 }, () => session.create({ userId: "ada" })),
        );
        await session.revokeAll("ada");
        assert.deepEqual(
          await Promise.all(ids.map((id) => session.get(id))),
          ids.map(() => undefined),
        );
        await signingIn;
        assert.ok((await session.list("ada")).length <= 3);
      });

      it(`with ${name} in session mode subscribers hear`, async () => {
        const store = await newStore(open(name, bouncer.url("session")), { notify: true });
        await hears(store, store);
      });

      it(`with ${name} it hears on a direct connection what it does through PgBouncer`, async () => {
        const [pooled, direct] = [open(name, bouncer.url("transaction")), open(name, server.url)];
        const store = await newStore(
          name === "pg"
            ? pgBoth(pooled as PgPool, direct as PgPool)
            : postgresJsBoth(pooled as PostgresJsSql, direct as PostgresJsSql),
          { notify: true },
        );
        await hears(store, await newStore(pooled, { notify: true, table: `sessions_${stores}` }));
      });
    }

    it("refuses to listen on a Client of pg, which cannot find out whether it hears", async () => {
      for (const mode of ["session", "transaction"] as const) {
        const client = new Client({ connectionString: bouncer.url(mode) });
        await client.connect();
        const store = await newStore(client, { notify: true });
        await assert.rejects(
          store.subscribe(() => {}),
          isDeaf,
        );
        await client.end();
      }
    });
  },
);

// As docs/stores/postgres.md has them.
function pgBoth(pooled: PgPool, direct: PgPool): PgPool {
  return { query: pooled.query.bind(pooled), connect: () => direct.connect(), idleCount: 0 };
}

function postgresJsBoth(pooled: PostgresJsSql, direct: PostgresJsSql): PostgresJsSql {
  return { unsafe: pooled.unsafe, listen: direct.listen };
}

function isDeaf(error: unknown): boolean {
  const { code, message } = error as StoreError;
  return code === "ERR_STORE_UNSUPPORTED" && /^Cannot listen to PostgreSQL: .*pooler/.test(message);
}

async function hears(
  listening: PostgresStore<Fields>,
  changing: PostgresStore<Fields>,
): Promise<void> {
  const heard: StoreChange[] = [];
  const stop = await within(
    "the subscription",
    listening.subscribe((change) => void heard.push(change)),
  );
  await changing.set("name", {});
  await changing.delete("name");
  await until("a change to be heard", () => heard.length > 0);
  assert.equal(heard[0]?.type, "removed");
  await stop();
}
