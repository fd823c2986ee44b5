// Two changes of one session or user at the same moment, the one stopped before its commit: what
// PostgreSQL's row locks make of the other. Each pair must end as if one had come after the other.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { Client, Pool } from "pg";
import { type PgPool, PostgresStore } from "../../src/stores/postgres.ts";
import { ManualClock } from "../../src/testing.ts";
import {
  type PostgresServer,
  skipWithoutPostgres,
  startPostgresServer,
} from "../support/postgres-server.ts";
import { until } from "../support/waits.ts";

type Fields = Record<string, unknown>;
interface Stage {
  user: string;
  /**
   * The key of a name: `a` and `old` are the user's two sessions, `old` the older one; `dead` has
   * expired.
   */
  key(name: string): string;
}
type Operation = (store: PostgresStore<Fields>, stage: Stage) => Promise<unknown>;

const clock = new ManualClock();
const LATER = 1_000_000;

function newSession(user: string | undefined, createdAt = clock.now()) {
  return {
    data: { n: 0 },
    createdAt,
    lastSeenAt: createdAt,
    expiresAt: createdAt + LATER,
    endsAt: createdAt + 2 * LATER,
    ...(user !== undefined && { userId: user }),
  };
}

const OPERATIONS: Record<string, Operation> = {
  "create on the same key": (store, { key, user }) => store.create(key("new"), newSession(user)),
  "create on an expired key": (store, { key, user }) => store.create(key("dead"), newSession(user)),
  "create that evicts the oldest": (store, { key, user }) =>
    store.create(key("evicting"), newSession(user), { limit: 2, onLimit: "evict-oldest" }),
  "another create that evicts": (store, { key, user }) =>
    store.create(key("evicting2"), newSession(user), { limit: 2, onLimit: "evict-oldest" }),
  "create that a cap of three allows": (store, { key, user }) =>
    store.create(key("third"), newSession(user), { limit: 3, onLimit: "deny" }),
  "another create under that cap": (store, { key, user }) =>
    store.create(key("fourth"), newSession(user), { limit: 3, onLimit: "deny" }),
  extend: (store, { key }) =>
    store.extend(key("a"), { lastSeenAt: clock.now() + 5, expiresAt: clock.now() + LATER + 5 }),
  "patch of one field": (store, { key }) => store.patch(key("a"), { set: { one: 1 } }),
  "patch of another field": (store, { key }) =>
    store.patch(key("a"), { set: { two: 2 }, unset: ["n"] }),
  "patch of a revision": (store, { key }) =>
    store.patch(key("a"), { set: { n: 1 }, ifRevision: 1 }),
  "patch of both": (store, { key }) =>
    store.patchAll([
      { key: key("a"), patch: { set: { three: 3 } } },
      { key: key("old"), patch: { set: { three: 3 } } },
    ]),
  "patch of both, the other way round": (store, { key }) =>
    store.patchAll([
      { key: key("old"), patch: { set: { four: 4 } } },
      { key: key("a"), patch: { set: { n: 4 }, ifRevision: 1 } },
    ]),
  "patch of both that knows their next revisions": (store, { key }) =>
    store.patchAll([
      { key: key("a"), patch: { set: { n: 5 }, ifRevision: 2 } },
      { key: key("old"), patch: { unset: ["n"], ifRevision: 2 } },
    ]),
  "extend of both": (store, { key }) =>
    store.extendAll(
      ["old", "a"].map((name) => ({
        key: key(name),
        to: { lastSeenAt: clock.now() + 7, expiresAt: clock.now() + LATER + 7 },
      })),
    ),
  "patch of a revision that is past": (store, { key }) =>
    store.patch(key("a"), { set: { n: 2 }, ifRevision: 7 }),
  move: (store, { key }) => store.move(key("a"), key("b")),
  "move to another key": (store, { key }) => store.move(key("a"), key("c")),
  "move of the oldest to the same key": (store, { key }) => store.move(key("old"), key("b")),
  "move to an expired key": (store, { key }) => store.move(key("a"), key("dead")),
  remove: (store, { key }) => store.remove(key("a")),
  "remove of the oldest": (store, { key }) => store.remove(key("old")),
  removeByUser: (store, { user }) => store.removeByUser(user),
  "removeByUser but for one": (store, { user, key }) =>
    store.removeByUser(user, { except: [key("a")] }),
  removeAll: (store) => store.removeAll(),
};
const NAMES = ["a", "old", "dead", "new", "evicting", "evicting2", "third", "fourth", "b", "c"];

describe("PostgresStore", { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  let pool: Pool;
  let held: Client;
  let store: PostgresStore<Fields>;
  let heldStore: PostgresStore<Fields>;
  let stages = 0;
  before(async () => {
    server = await startPostgresServer();
    pool = new Pool({ connectionString: server.url });
    held = new Client({ connectionString: server.url });
    await held.connect();
    store = new PostgresStore({ client: pool, clock, pruneInterval: false });
    // A store refuses a connection that is in a transaction: this face hides that.
    const face = { query: held.query.bind(held), connect: async () => held, idleCount: 0 };
    heldStore = new PostgresStore({
      client: face as unknown as PgPool,
      clock,
      pruneInterval: false,
    });
    await store.migrate();
  });
  after(async () => {
    await held.end();
    await pool.end();
    await server.stop();
  });

  const setStage = async (): Promise<Stage> => {
    const prefix = `stage${++stages}-`;
    const stage = { user: `${prefix}user`, key: (name: string) => prefix + name };
    await store.create(stage.key("old"), newSession(stage.user, clock.now() - 10));
    await store.create(stage.key("a"), newSession(stage.user, clock.now() - 5));
    await store.create(stage.key("dead"), newSession(stage.user, clock.now() - LATER));
    return stage;
  };
  /** All that can be seen of a stage, with names for keys. */
  const lookAt = async (stage: Stage, outcomes: unknown[]): Promise<unknown> => {
    const seen = {
      outcomes,
      sessions: await store.read(NAMES.map(stage.key)),
      users: await store.listByUser(stage.user),
    };
    return JSON.parse(JSON.stringify(seen).replaceAll(stage.key(""), ""));
  };
  /**
   * What comes of two operations, one after the other; what each answered is in the order of
   * `names`.
   */
  const inOrder = async (names: string[], order: number[]): Promise<unknown> => {
    const stage = await setStage();
    const outcomes: unknown[] = [];
    for (const at of order) outcomes[at] = await OPERATIONS[names[at] as string]?.(store, stage);
    return lookAt(stage, outcomes);
  };
  const isWaiting = async (): Promise<boolean> =>
    (await pool.query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'")).rowCount ===
    1;
  const untilOneWaits = async (): Promise<void> => {
    await until("somebody to wait for a lock", isWaiting);
  };

  for (const [name, first] of Object.entries(OPERATIONS)) {
    // A key that is taken is an error of the statement's, which would end the transaction that this
    // test holds open.
    if (name === "move to an expired key") continue;
    it(`whatever comes while "${name}" is not committed ends as if one came after the other`, async () => {
      for (const [otherName, second] of Object.entries(OPERATIONS)) {
        const names = [name, otherName];
        const [firstFirst, secondFirst] = [
          await inOrder(names, [0, 1]),
          await inOrder(names, [1, 0]),
        ];
        const stage = await setStage();
        await held.query("BEGIN");
        const outcome = await first(heldStore, stage);
        const progress = { isDone: false };
        const other = second(store, stage).finally(() => (progress.isDone = true));
        await until(
          `"${otherName}" to end, or to wait for "${name}"`,
          async () => progress.isDone || isWaiting(),
        );
        await held.query("COMMIT");
        const seen = await lookAt(stage, [outcome, await other]);
        if (!isDeepStrictEqual(seen, firstFirst))
          assert.deepEqual(
            seen,
            secondFirst,
            `${names.join(" and ")} together are neither one nor the other order`,
          );
      }
    });
  }

  it("removeAll waits for nobody, and nobody waits for it", async () => {
    const { key } = await setStage();
    // As a dump locks them, which others' stronger locks would wait for, and everybody behind
    // those.
    await held.query(
      "BEGIN; LOCK TABLE harpiats_sessions, harpiats_sessions_epoch IN ACCESS SHARE MODE",
    );
    await heldStore.patch(key("a"), { set: { held: true } });
    await store.removeAll();
    assert.deepEqual(await store.read([key("a"), key("old")]), [undefined, undefined]);
    await held.query("COMMIT");
    const other = await setStage();
    await held.query("BEGIN");
    await heldStore.removeAll();
    assert.equal(await store.patch(other.key("a"), { set: { n: 1 } }), "done");
    assert.equal((await store.create(other.key("new"), newSession(other.user))).outcome, "created");
    assert.deepEqual((await store.listByUser(other.user)).length, 3);
    await held.query("COMMIT");
    assert.deepEqual(await store.listByUser(other.user), []);
  });

  it("removeAll writes one row, however many sessions there are", async () => {
    await setStage();
    const rows = async (): Promise<unknown[]> =>
      (await pool.query("SELECT key, xmin, xmax FROM harpiats_sessions ORDER BY key")).rows;
    const before = await rows();
    assert.ok(before.length > 1);
    await store.removeAll();
    assert.deepEqual(await rows(), before);
  });

  // A change may answer after removeAll did only if it began before: then it was made just before
  // the end of all.
  for (const [name, change] of Object.entries({
    patch: (key: string) => store.patch(key, { set: { late: true } }),
    "patch of a revision": (key: string) =>
      store.patch(key, { set: { late: true }, ifRevision: 1 }),
    "patch of several": async (key: string) =>
      (
        await store.patchAll(
          ["x", key, "y"].map((one) => ({ key: one, patch: { set: { late: true } } })),
        )
      )[1],
    extend: (key: string) =>
      store.extend(key, { lastSeenAt: clock.now(), expiresAt: clock.now() + LATER }),
    move: (key: string) => store.move(key, `${key}-moved`),
  })) {
    it(`a ${name} that waited while removeAll came and went leaves no session alive`, async () => {
      const { user, key } = await setStage();
      await held.query("BEGIN");
      await heldStore.extend(key("a"), { lastSeenAt: clock.now(), expiresAt: clock.now() + LATER });
      const waited = change(key("a"));
      await untilOneWaits();
      await store.removeAll();
      assert.deepEqual(await store.listByUser(user), []);
      await held.query("COMMIT");
      await waited;
      assert.deepEqual(await store.read([key("a"), `${key("a")}-moved`]), [undefined, undefined]);
      assert.deepEqual(await store.listByUser(user), []);
      // And what begins afterwards finds nothing to change.
      const afterwards = await change(key("a"));
      assert.ok(["missing", false].some((gone) => gone === afterwards));
    });
  }

  it("a creation that began before removeAll takes no key from one that began after it", async () => {
    const { user, key } = await setStage();
    // Stops a statement when its eyes are open and nothing is inserted yet.
    await pool.query(`CREATE FUNCTION wait_if_told() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.data ? 'waits' THEN PERFORM pg_advisory_xact_lock(7); END IF; RETURN NEW; END $$;
      CREATE TRIGGER waiting BEFORE INSERT ON harpiats_sessions FOR EACH ROW EXECUTE FUNCTION wait_if_told()`);
    await held.query("SELECT pg_advisory_lock(7)");
    const early = store.create(key("a"), { ...newSession(user), data: { waits: true } } as never);
    await untilOneWaits();
    await store.removeAll();
    assert.equal((await store.create(key("a"), newSession(user))).outcome, "created");
    await held.query("SELECT pg_advisory_unlock(7)");
    assert.equal((await early).outcome, "taken");
    assert.deepEqual((await store.read([key("a")]))[0]?.data, { n: 0 });
    await pool.query("DROP TRIGGER waiting ON harpiats_sessions");
  });

  it("prune deletes what removeAll has ended, and does not tell of it again", async () => {
    const { key } = await setStage();
    const told: unknown[] = [];
    const stop = await store.subscribe((change) => told.push(change));
    await store.removeAll();
    await store.create(key("new"), newSession(undefined));
    assert.ok((await store.prune()) >= 3);
    assert.deepEqual((await pool.query("SELECT key FROM harpiats_sessions")).rows, [
      { key: key("new") },
    ]);
    assert.deepEqual(told, [{ type: "cleared" }]);
    await stop();
  });
});
