// What MysqlStore writes into a real MariaDB, and what it makes of what others have written there.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import * as fc from "fast-check";
import { createPool, type Pool, type RowDataPacket } from "mysql2/promise";
import { IdMaker, toStoreKey } from "../../../src/core/ids/session-id.ts";
import { Session } from "../../../src/session.ts";
import { MysqlStore } from "../../../src/stores/mysql.ts";
import {
  type MariadbServer,
  skipWithoutMariadb,
  startMariadbServer,
} from "../../support/mariadb-server.ts";
import { until } from "../../support/waits.ts";

type Fields = Record<string, unknown>;

describe("MysqlStore's records", { skip: skipWithoutMariadb() }, () => {
  let server: MariadbServer;
  let client: Pool;
  let store: MysqlStore<Fields>;
  let session: Session<Fields>;
  const unreadable: string[] = [];
  const ids = new IdMaker();
  const newId = (): string => ids.make(Math.floor(Date.now() / 1000));
  const newSession = (data: Fields, userId?: string) => {
    const now = Date.now();
    return {
      data,
      createdAt: now,
      lastSeenAt: now,
      expiresAt: now + 60_000,
      endsAt: now + 90_000,
      ...(userId !== undefined && { userId }),
    };
  };
  const rows = async (sql: string, values: string[] = []): Promise<RowDataPacket[]> =>
    (await client.query<RowDataPacket[]>(sql, values))[0];
  before(async () => {
    server = await startMariadbServer();
    client = createPool(server.connection);
    store = new MysqlStore({ client, pruneInterval: false });
    await store.migrate();
    await store.subscribe((change) => {
      if (change.type === "unreadable") unreadable.push(change.key);
      throw new Error("a listener's mistake");
    });
    session = new Session({ store });
  });
  after(async () => {
    await client.end();
    await server.stop();
  });

  it("hold ordinary data as JSON that SQL can ask, also after a change", async () => {
    const id = await session.create({ userId: "ann", name: "Jürgen", cart: [{ sku: "x1" }] });
    await session.update(id, { color: "grün 👩", size: 9.99 });
    const [row] = await rows(
      "SELECT user_id, JSON_VALUE(data, '$.name') AS name, JSON_VALUE(data, '$.cart[0].sku') AS sku, JSON_VALUE(data, '$.color') AS color, JSON_VALUE(data, '$.size') AS size FROM harpiats_sessions WHERE session_key = ?",
      [toStoreKey(id)],
    );
    assert.deepEqual(
      { ...row },
      { user_id: "ann", name: "Jürgen", sku: "x1", color: "grün 👩", size: "9.99" },
    );
  });

  it("give back any JSON to the letter, created and patched", async () => {
    const values = fc.jsonValue({ maxDepth: 4, stringUnit: "binary" });
    // Names and texts that look like what the store makes of others.
    const texts = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "",
        "~",
        "~0041",
        "~~",
        "a~",
        '~"x"',
        "__proto__",
        "\ud800",
        "\u0000",
        "$.a",
        '"',
        "\\",
      ),
    );
    // JSON.parse of V8 13 (Node 24) reads `{"a":0,"\\n":0}` wrong once it has read
    // `{"a":0,"\\\\":0}`: no name may end in a backslash here.
    const names = texts.map((text) => text.replace(/\\$/, "/"));
    const fields = fc.dictionary(
      names,
      fc.oneof(
        values,
        texts,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.maxSafeInteger(),
      ),
      { maxKeys: 6 },
    );
    const property = fc.asyncProperty(fields, fields, async (first, second) => {
      const key = toStoreKey(newId());
      await store.create(key, newSession(first));
      assert.deepEqual((await store.read([key]))[0]?.data, asJson(first));
      assert.equal(await store.patch(key, { set: second, ifRevision: 1 }), "done");
      assert.deepEqual((await store.read([key]))[0]?.data, { ...asJson(first), ...asJson(second) });
      assert.equal(await store.patch(key, { unset: Object.keys(first) }), "done");
      const left = Object.entries(asJson(second)).filter(([name]) => !Object.hasOwn(first, name));
      assert.deepEqual((await store.read([key]))[0]?.data, Object.fromEntries(left));
    });
    await fc.assert(property, { numRuns: 150 });
  });

  it("hold values nested deeper than the server's JSON goes, and numbers to the last digit", async () => {
    let deep: unknown = 1;
    for (let level = 0; level < 60; level++) deep = level % 2 ? [deep] : { deep };
    const data = {
      deep,
      third: 0.1 + 0.2,
      least: 5e-324,
      greatest: Number.MAX_VALUE,
      big: 2 ** 63,
      list: [1e21, -1e-7],
    };
    const id = await session.create(data);
    await session.update(id, { again: deep, other: 1 });
    assert.deepEqual(await session.get(id), { ...data, again: deep, other: 1 });
  });

  it("know users of any name, whole", async () => {
    const names = [
      "ann",
      "Ann",
      "ann ",
      " ann",
      "#ann",
      "änn",
      "\ud800",
      "\ud801",
      "a\u0000",
      "a",
      "x".repeat(255),
      "x".repeat(256),
      `${"x".repeat(256)}y`,
      "\ufffd",
    ];
    const keys = await Promise.all(
      names.map(async (name) => {
        const key = toStoreKey(newId());
        await store.create(key, newSession({}, `of ${name}`));
        return key;
      }),
    );
    for (const [at, name] of names.entries()) {
      const list = await store.listByUser(`of ${name}`);
      assert.deepEqual(
        list.map((one) => [one.key, one.session.userId]),
        [[keys[at], `of ${name}`]],
      );
    }
    // One who is called what the column holds of another.
    const [row] = await rows("SELECT user_id FROM harpiats_sessions WHERE session_key = ?", [
      keys[5] as string,
    ]);
    assert.equal(await store.removeByUser(row?.["user_id"] as string), 0);
  });

  it("hold no id: a dump authenticates nobody", async () => {
    const issued = [await session.create({ userId: "dora" }), await session.create({})];
    issued.push((await session.rotate(issued[0])) as string);
    await store.set(issued[1] as string, { direct: true });
    const dump = JSON.stringify(await rows("SELECT * FROM harpiats_sessions"));
    for (const id of issued) assert.equal(dump.includes(id), false);
    const keys = (await rows("SELECT session_key FROM harpiats_sessions")).map(
      (row) => row["session_key"] as string,
    );
    assert.ok(keys.includes(toStoreKey(issued[1] as string)));
    for (const key of keys)
      assert.equal(
        await session.fromRequest({ headers: { cookie: `session_id=${key}` } }),
        undefined,
      );
  });

  it("that are broken or of a newer version are no sessions, are told of and stay as they are", async () => {
    const damages = [
      "data = '{bad'",
      "data = ''",
      "data = '[1]'",
      "data = '\"text\"'",
      "data = 'null'",
      "version = 2",
      "version = 0",
      'data = \'{"a":"~bad"}\'',
      "facts = '{bad'",
      "facts = '[]'",
      "user_text = '7'",
      "revision = 9007199254740993",
    ];
    for (const [at, damage] of damages.entries()) {
      const user = `damaged-${at}`;
      const [key, nextKey] = [toStoreKey(newId()), toStoreKey(newId())];
      await store.create(key, newSession({ a: 1 }, user));
      await client.query(`UPDATE harpiats_sessions SET ${damage} WHERE session_key = ?`, [key]);
      const asItWas = await rows("SELECT * FROM harpiats_sessions WHERE session_key = ?", [key]);
      unreadable.length = 0;
      assert.deepEqual(await store.read([key]), [undefined], damage);
      assert.deepEqual(await store.listByUser(user), [], damage);
      const page = await store.scan(undefined, { limit: 100_000 });
      assert.equal(
        page.sessions.some((one) => one.key === key),
        false,
      );
      assert.deepEqual(
        unreadable.filter((one) => one === key),
        [key, key, key],
        damage,
      );
      assert.deepEqual(
        await store.create(key, newSession({ b: 1 })),
        { outcome: "taken", evicted: [] },
        damage,
      );
      const other = toStoreKey(newId());
      await store.create(other, newSession({}));
      assert.equal(await store.move(other, key), false, damage);
      // What the server itself can see to be no session is changed by nothing.
      if (at < 7) {
        assert.equal(await store.patch(key, { set: { b: 1 } }), "missing", damage);
        assert.equal(await store.patch(key, { set: { b: 1 }, ifRevision: 1 }), "missing", damage);
        assert.equal(
          await store.extend(key, { lastSeenAt: Date.now() + 1, expiresAt: Date.now() + 99_000 }),
          false,
          damage,
        );
        assert.equal(await store.move(key, nextKey), false, damage);
        assert.equal(await store.remove(key), false, damage);
        if (!damage.startsWith("version")) assert.equal(await store.removeByUser(user), 0, damage);
      }
      assert.deepEqual(
        await rows("SELECT * FROM harpiats_sessions WHERE session_key = ?", [key]),
        asItWas,
        damage,
      );
    }
  });

  it("of a newer version outlive their deadline: only ours are known to be expired", async () => {
    const key = toStoreKey(newId());
    await store.create(key, newSession({}));
    await client.query(
      "UPDATE harpiats_sessions SET version = 2, expires_at = 1 WHERE session_key = ?",
      [key],
    );
    await store.prune();
    assert.equal((await store.create(key, newSession({}))).outcome, "taken");
  });

  it("of a newer version end with all that the user has, heard or not, but for those that are kept", async () => {
    const keys = Array.from({ length: 3 }, () => toStoreKey(newId()));
    const own = toStoreKey(newId());
    for (const key of [...keys, own]) await store.create(key, newSession({}, "fay"));
    await client.query("UPDATE harpiats_sessions SET version = 2 WHERE session_key IN (?)", [keys]);
    const left = async () =>
      (await rows("SELECT session_key FROM harpiats_sessions WHERE user_id = 'fay'"))
        .map((row) => row["session_key"])
        .toSorted();
    const [first, second, third] = keys as [string, string, string];
    // Its tests listen to it.
    await store.removeByUser("fay", { except: [own, first, second] });
    assert.deepEqual(await left(), [own, first, second].toSorted(), third);
    const unheard = new MysqlStore<Fields>({ client, pruneInterval: false });
    await unheard.removeByUser("fay", { except: [first] });
    assert.deepEqual(await left(), [first]);
    await unheard.removeByUser("fay");
    assert.deepEqual(await left(), []);
  });

  it("of two tables are kept apart", async () => {
    const other = new MysqlStore<Fields>({
      client,
      table: "harpiats.others",
      pruneInterval: false,
    });
    await other.migrate();
    const id = await session.create({ userId: "eve" });
    assert.equal(await other.get(id), undefined);
    assert.deepEqual(await other.listByUser("eve"), []);
    assert.equal(await other.removeByUser("eve"), 0);
    assert.ok(await session.get(id));
  });

  it("end by the machine's clock, too", async () => {
    const key = toStoreKey(newId());
    const now = Date.now();
    await store.create(key, { ...newSession({}), expiresAt: now + 300 });
    assert.ok((await store.read([key]))[0]);
    await until("the session to end", () => Date.now() >= now + 300);
    assert.deepEqual(await store.read([key]), [undefined]);
    assert.equal((await store.create(key, newSession({}))).outcome, "created");
  });
});

function asJson(value: Fields): Fields {
  return JSON.parse(JSON.stringify(value)) as Fields;
}
