// What PostgresStore does beside the contract: its table, round trips, foreign rows, pruning, and
// what the database shows.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import * as fc from "fast-check";
import { Pool } from "pg";
import { IdMaker, toStoreKey } from "../../../src/core/ids/session-id.ts";
import { Session } from "../../../src/session.ts";
import { PostgresStore, type PostgresStoreOptions } from "../../../src/stores/postgres.ts";
import { ManualClock } from "../../../src/testing.ts";
import {
  type PostgresServer,
  skipWithoutPostgres,
  startPostgresServer,
} from "../../support/postgres-server.ts";
import { until } from "../../support/waits.ts";

type Fields = Record<string, unknown>;
const LIFETIME = 1_000_000;

describe("PostgresStore", { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  let pool: Pool;
  const clock = new ManualClock();
  const ids = new IdMaker();
  let tables = 0;
  before(async () => {
    server = await startPostgresServer();
    pool = new Pool({ connectionString: server.url });
    await pool.query("CREATE EXTENSION pg_stat_statements");
  });
  after(async () => {
    await pool.end();
    await server.stop();
  });

  const newStore = async (
    options: Partial<PostgresStoreOptions> = {},
  ): Promise<{ store: PostgresStore<Fields>; table: string }> => {
    const table = options.table ?? `sessions_${++tables}`;
    const store = new PostgresStore<Fields>({
      client: pool,
      clock,
      pruneInterval: false,
      ...options,
      table,
    });
    await store.migrate();
    return { store, table };
  };
  const newKey = (): string => toStoreKey(ids.make(Math.floor(clock.now() / 1000)));
  const newSession = (data: Fields = { name: "Ada" }, userId?: string) => {
    const now = clock.now();
    return {
      data,
      createdAt: now,
      lastSeenAt: now,
      expiresAt: now + LIFETIME,
      endsAt: now + 2 * LIFETIME,
      ...(userId !== undefined && { userId }),
    };
  };
  const rowsOf = async (sql: string, values: unknown[] = []): Promise<Fields[]> =>
    (await pool.query(sql, values)).rows as Fields[];
  /** How many statements the server got while the work was done. */
  const roundTripsOf = async (work: () => Promise<unknown>): Promise<number> => {
    await pool.query("SELECT pg_stat_statements_reset()");
    await work();
    const [row] = await rowsOf(
      "SELECT COALESCE(sum(calls), 0) AS calls FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%'",
    );
    return Number(row?.["calls"]);
  };
  const withCookie = (id: string): Request =>
    new Request("http://localhost", { headers: { cookie: `session_id=${id}` } });

  it("migrate makes the table once, of twenty at the same time, and then asks one question", async () => {
    const stores = Array.from(
      { length: 20 },
      () => new PostgresStore({ client: pool, clock, table: "made_by_many", pruneInterval: false }),
    );
    await Promise.all(stores.map((store) => store.migrate()));
    assert.equal(await roundTripsOf(() => stores[0]?.migrate() as Promise<void>), 1);
  });

  it("schema is SQL that anybody may run, twice too, and that leaves what is there alone", async () => {
    await pool.query("CREATE SCHEMA by_hand");
    const store = new PostgresStore<Fields>({
      client: pool,
      clock,
      table: "by_hand.sessions",
      pruneInterval: false,
    });
    await pool.query(store.schema());
    const key = newKey();
    await store.create(key, newSession());
    await pool.query(store.schema());
    assert.equal(await roundTripsOf(() => store.migrate()), 1);
    assert.deepEqual((await store.read([key]))[0]?.data, { name: "Ada" });
  });

  it("every operation of Session is one round trip, a change by id two, a due touch one more, and what cannot be a session none", async () => {
    const { store } = await newStore();
    const session = new Session<Fields>({ store, clock });
    await session.create({});
    let id = "";
    assert.equal(
      await roundTripsOf(async () => (id = await session.create({ userId: "u", n: 1 }))),
      1,
      "create",
    );
    assert.equal(
      await roundTripsOf(() => session.fromRequest(withCookie(id))),
      1,
      "within the throttle",
    );
    clock.advance(61_000);
    const visited = new Session<Fields>({ store, clock });
    // Activity is written beside the request: closing waits for it.
    assert.equal(
      await roundTripsOf(() => visited.fromRequest(withCookie(id)).then(() => visited.close())),
      2,
      "with a due touch",
    );
    // Core looks whether the id still holds, then the change is made.
    assert.equal(await roundTripsOf(() => session.update(id, { n: 2 })), 2, "update");
    assert.equal(
      await roundTripsOf(() => session.update(id, ({ n }) => ({ n: Number(n) + 1 }))),
      2,
      "update with a function",
    );
    assert.equal(
      await roundTripsOf(async () => (id = (await session.rotate(id)) ?? "")),
      2,
      "rotate",
    );
    assert.equal(
      await roundTripsOf(() => Promise.all(Array.from({ length: 100 }, () => session.get(id)))),
      1,
      "a hundred reads at once",
    );
    assert.equal(await roundTripsOf(() => session.delete(id)), 2, "delete");
    assert.equal(await roundTripsOf(() => session.revokeAll("u")), 1, "revokeAll");
    assert.equal(await roundTripsOf(() => store.removeAll()), 1, "removeAll");
    const cap = { limit: 1, onLimit: "evict-oldest" } as const;
    for (const expected of [0, 1]) {
      assert.equal(
        await roundTripsOf(async () =>
          assert.equal(
            (await store.create(newKey(), newSession({}, "capped"), cap)).evicted.length,
            expected,
          ),
        ),
        1,
        "create within a cap",
      );
    }
    assert.equal(
      await roundTripsOf(() => store.patch(newKey(), { set: {}, ifRevision: 3 })),
      1,
      "patch of what is missing",
    );
    const overAge = ids.make(Math.floor(clock.now() / 1000) - 40 * 86_400);
    for (const value of ["", "no id", overAge])
      assert.equal(await roundTripsOf(() => session.fromRequest(withCookie(value))), 0);
    assert.equal(
      await roundTripsOf(() => session.fromRequest(new Request("http://localhost"))),
      0,
      "no cookie",
    );
  });

  it("what is no session of this version is no session, is told, and stays as it is", async () => {
    const { store, table } = await newStore();
    const session = new Session<Fields>({ store, clock });
    const told: string[] = [];
    session.on("unreadable", ({ handle }) => told.push(handle));
    const user = "u";
    const foreign: string[] = [];
    const ruin = async (change: string): Promise<void> => {
      const id = await session.create({ userId: user });
      await pool.query(`UPDATE ${table} SET ${change} WHERE key = $1`, [toStoreKey(id)]);
      foreign.push(id);
    };
    await ruin("version = 2");
    for (const json of ["[]", "null", '"text"', "[{}]"]) await ruin(`data = '${json}'`);
    await ruin("facts = '[1]'");
    await ruin("revision = 9007199254740993");
    const untouched = await rowsOf(`SELECT * FROM ${table} ORDER BY key`);
    for (const id of foreign.slice(0, 5)) {
      const key = toStoreKey(id);
      assert.equal(await session.get(id), undefined);
      assert.equal(await session.fromRequest(withCookie(id)), undefined);
      assert.equal(await session.update(id, { n: 1 }), false);
      assert.equal(await session.update(id, () => ({ n: 1 })), false);
      assert.equal(await session.rotate(id), undefined);
      assert.equal(await session.delete(id), false);
      assert.equal(
        await store.extend(key, { lastSeenAt: clock.now(), expiresAt: clock.now() + 9 * LIFETIME }),
        false,
      );
      for (const cap of [undefined, { limit: 9, onLimit: "deny" } as const]) {
        assert.equal((await store.create(key, newSession({}, user), cap)).outcome, "taken");
      }
    }
    for (const id of foreign) assert.equal(await session.get(id), undefined);
    assert.deepEqual(await store.listByUser(user), []);
    assert.deepEqual((await store.scan()).sessions, []);
    assert.deepEqual(await rowsOf(`SELECT * FROM ${table} ORDER BY key`), untouched);
    assert.deepEqual([...new Set(told)].sort(), foreign.map((id) => toStoreKey(id)).sort());
    // But a user who is to be signed out everywhere is: a newer process would still let them in.
    await session.revokeAll(user);
    assert.deepEqual(await rowsOf(`SELECT key FROM ${table}`), []);
  });

  it("two tables know nothing of each other", async () => {
    const [{ store: a }, { store: b }] = [await newStore(), await newStore()];
    const key = newKey();
    await a.create(key, newSession({ n: "a" }, "u"));
    assert.deepEqual(await b.read([key]), [undefined]);
    assert.equal((await b.create(key, newSession({ n: "b" }, "u"))).outcome, "created");
    assert.equal(await a.removeByUser("u"), 1);
    assert.deepEqual((await b.read([key]))[0]?.data, { n: "b" });
  });

  it("the database holds no id, and what it holds opens no session", async () => {
    const { store, table } = await newStore();
    const session = new Session<Fields>({ store, clock });
    const issued: string[] = [];
    for (let n = 0; n < 20; n++) {
      const id = await session.create({ userId: "u", n });
      await session.update(id, { more: true });
      issued.push(id, (await session.rotate(id)) ?? "");
    }
    const dump = JSON.stringify([
      await rowsOf(`SELECT * FROM ${table}`),
      await rowsOf("SELECT query FROM pg_stat_statements"),
    ]);
    assert.deepEqual(
      issued.filter((id) => dump.includes(id)),
      [],
    );
    for (const { key } of await store.listByUser("u"))
      assert.equal(await session.fromRequest(withCookie(key)), undefined);
    assert.equal((await store.listByUser("u")).length, 20);
  });

  it("expires by the machine's clock", async () => {
    const { store } = await newStore({ clock: undefined });
    const session = new Session<Fields>({ store, idleTimeout: 1 });
    const id = await session.create({ n: 1 });
    assert.deepEqual(await session.get(id), { n: 1 });
    await new Promise((resolve) => setTimeout(resolve, 1001));
    assert.equal(await session.get(id), undefined);
    assert.equal(await store.prune(), 1);
  });

  it("data is jsonb that SQL can search, and only what jsonb cannot hold looks different", async () => {
    const { store, table } = await newStore();
    await store.create(
      newKey(),
      newSession(
        { name: "Ada", roles: ["admin"], nul: "a\u0000b", lone: "\ud800", look: "\u001a0000" },
        "ada",
      ),
    );
    const [row] = await rowsOf(
      `SELECT data, user_id FROM ${table} WHERE data @> '{"roles": ["admin"]}' AND data->>'name' = 'Ada'`,
    );
    assert.deepEqual(row, {
      data: {
        name: "Ada",
        roles: ["admin"],
        nul: "a\u001a0000b",
        lone: "\u001ad800",
        look: "\u001a001a0000",
      },
      user_id: "ada",
    });
  });

  it("any JSON comes back to the letter, created and patched, and any user is found again", async () => {
    const { store } = await newStore();
    const text = fc.string({
      unit: fc.oneof(
        fc.constantFrom("\u0000", "\u001a", "\ud83d", "\udc69", "\\", '"', "0", "d", "{", ","),
        fc.string({ unit: "binary", maxLength: 1 }),
      ),
    });
    const number = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(1e21, 1e-7, -0, 5e-324, Number.MAX_VALUE, Number.MAX_SAFE_INTEGER),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        text,
        number,
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(text, tie("value"), { maxKeys: 4 }),
      ),
    }));
    const fields = fc.dictionary(text, value, { maxKeys: 5 }) as fc.Arbitrary<Fields>;
    await fc.assert(
      fc.asyncProperty(fields, fields, text, async (data, set, user) => {
        const key = newKey();
        const userId = `${key} ${user}`;
        await store.create(key, newSession(data, userId));
        assert.equal(await store.patch(key, { set, unset: Object.keys(data) }), "done");
        const [first] = await store.listByUser(userId);
        assert.deepEqual(first?.session.data, JSON.parse(JSON.stringify(set)));
        assert.equal(first?.session.userId, userId);
        assert.equal(await store.patch(key, { set: data, unset: Object.keys(set) }), "done");
        assert.deepEqual(
          (await store.read([key]))[0]?.data,
          JSON.parse(JSON.stringify({ ...data })),
        );
      }),
      { numRuns: 50 },
    );
  });

  it("a touch changes no index", async () => {
    const { store, table } = await newStore();
    const keys = Array.from({ length: 100 }, newKey);
    await Promise.all(keys.map((key) => store.create(key, newSession({}, "u"))));
    const sizes = `SELECT pg_relation_size('${table}_pkey') AS keys, pg_relation_size('${table}_user_id') AS users`;
    const untouched = await rowsOf(sizes);
    for (let round = 1; round <= 40; round++) {
      await Promise.all(
        keys.map((key) =>
          store.extend(key, {
            lastSeenAt: clock.now() + round,
            expiresAt: clock.now() + LIFETIME + round,
          }),
        ),
      );
    }
    assert.deepEqual(await rowsOf(sizes), untouched);
  });

  it("prune deletes what has expired, at most a thousand rows in one step, and waits for nobody", async () => {
    const { store, table } = await newStore();
    const told: string[] = [];
    await store.subscribe(
      (change) => void (change.type === "expired" && told.push(`${change.limit} ${change.key}`)),
    );
    const dead = Array.from({ length: 2100 }, newKey);
    await Promise.all(
      dead.map((key, n) =>
        store.create(key, { ...newSession(), ...(n === 0 && { endsAt: clock.now() + LIFETIME }) }),
      ),
    );
    clock.advance(LIFETIME);
    const alive = newKey();
    await store.create(alive, newSession());
    const held = await pool.connect();
    await held.query("BEGIN");
    await held.query(`SELECT FROM ${table} WHERE key = $1 FOR UPDATE`, [dead[7]]);
    let pruned = 0;
    const trips = await roundTripsOf(async () => (pruned = await store.prune()));
    await held.query("COMMIT");
    held.release();
    assert.deepEqual([pruned, trips, await store.prune(), told.length], [2099, 3, 1, 2100]);
    assert.deepEqual(
      told.filter((line) => line.startsWith("absolute")),
      [`absolute ${dead[0]}`],
    );
    assert.deepEqual(
      (await rowsOf(`SELECT key FROM ${table}`)).map(({ key }) => key),
      [alive],
    );
  });

  it("prunes by itself from time to time until it is closed, and survives that it cannot", async () => {
    const own = new ManualClock();
    const { store, table } = await newStore({ clock: own, pruneInterval: 60 });
    const count = async (): Promise<number> => (await rowsOf(`SELECT FROM ${table}`)).length;
    for (let n = 0; n < 3; n++)
      await store.create(newKey(), { ...newSession(), expiresAt: own.now() + 1 });
    own.advance(66_001);
    await until("it to have pruned", async () => (await count()) === 0 && own.scheduled > 0);
    await pool.query(`ALTER TABLE ${table} RENAME TO elsewhere`);
    own.advance(66_001);
    await until("the next pruning to be planned", () => own.scheduled > 0);
    store.close();
    assert.equal(own.scheduled, 0);
  });

  it("scan sees every session that lives all the while, also those that are given another key meanwhile", async () => {
    const { store } = await newStore();
    let keys: string[] = [];
    for (let n = 0; n < 60; n++) {
      if (n % 20 === 0) clock.advance(1000);
      keys.push(newKey());
      await store.create(keys[n] as string, newSession({ n }));
    }
    const seen = new Set<unknown>();
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await store.scan(cursor, { limit: 5 });
      for (const { session } of page.sessions) seen.add(session.data["n"]);
      // A rotation keeps the birth, and nothing else of the key.
      const next = keys.map((key) => key.slice(0, 9) + newKey().slice(9));
      await Promise.all(keys.map((key, at) => store.move(key, next[at] as string)));
      keys = next;
      ({ cursor } = page);
      pages++;
    } while (cursor !== undefined);
    assert.equal(seen.size, 60);
    assert.ok(pages >= 3);
  });

  it("move takes the key of what has expired", async () => {
    const { store } = await newStore();
    const [dead, alive] = [newKey(), newKey()];
    await store.create(dead, { ...newSession(), expiresAt: clock.now() });
    await store.create(alive, newSession({ n: 1 }));
    assert.equal(await store.move(alive, dead), true);
    assert.deepEqual(
      (await store.read([alive, dead])).map((session) => session?.data),
      [undefined, { n: 1 }],
    );
  });

  it("works where transactions are stricter by default, but for a cap, which says why", async () => {
    const client = new Pool({
      connectionString: server.url,
      options: "-c default_transaction_isolation=serializable",
    });
    try {
      const { store } = await newStore({ client });
      const key = newKey();
      await store.create(key, newSession({}));
      const fields = Array.from({ length: 10 }, (_, n) => `field${n}`);
      // Each of them fails while another commits first: it is tried again.
      for (const field of fields)
        await Promise.all([
          store.patch(key, { set: { [field]: 1 } }),
          store.patch(key, { set: { [`${field}too`]: 1 } }),
        ]);
      assert.equal(Object.keys((await store.read([key]))[0]?.data ?? {}).length, 20);
      await assert.rejects(
        store.create(newKey(), newSession({}, "u"), { limit: 1, onLimit: "deny" }),
        /READ COMMITTED/,
      );
    } finally {
      await client.end();
    }
  });
});
