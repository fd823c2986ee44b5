// EncryptedStore keeps the contract on top of the stores of this process, and takes the round trips
// that it says.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { MemoryStore, Session, type SessionStore } from "../../src/session.ts";
import { EncryptedStore, type EncryptedStoreOptions } from "../../src/stores/encrypted.ts";
import { ManualClock, storeConformance } from "../../src/testing.ts";
import type { Fields } from "../../src/testing/conformance-bench.ts";
import { countCalls } from "../support/counting-store.ts";
import { openSqliteStore, sqliteClient } from "../support/sqlite-clients.ts";

const runner = { describe, it, before, after };
const KEY = randomBytes(32);
// What is opened is a whole store, or conformance says so.
const encrypt = <T extends { store: unknown }>(
  { store, ...rest }: T,
  clock: EncryptedStoreOptions["clock"],
) => ({
  ...rest,
  store: new EncryptedStore<Fields>(store as SessionStore<Fields>, { keys: [KEY], clock }),
});

storeConformance(runner, {
  name: "EncryptedStore on MemoryStore",
  open: async (clock) => encrypt({ store: new MemoryStore({ clock }) }, clock),
});

storeConformance(runner, {
  name: "EncryptedStore on SqliteStore",
  open: async (clock) => encrypt(await openSqliteStore(await sqliteClient(), clock), clock),
});

describe("EncryptedStore", () => {
  it("asks the other store once to read, create and touch, twice to end, three times to change, four times to rotate", async () => {
    const clock = new ManualClock();
    const { store, calls } = countCalls(new MemoryStore<Fields>({ clock }), false);
    const session = new Session({
      store: new EncryptedStore<Fields>(store, { keys: [KEY] }),
      clock,
    });
    const callsOf = async (work: () => Promise<unknown>): Promise<string[]> => {
      calls.length = 0;
      await work();
      return calls.slice();
    };
    let id = "";
    assert.deepEqual(await callsOf(async () => (id = await session.create({ userId: "u" }))), [
      "create",
    ]);
    assert.deepEqual(await callsOf(() => session.get(id)), ["read"]);
    clock.advance(61_000);
    assert.deepEqual(
      await callsOf(() => session.fromRequest({ headers: { cookie: `session_id=${id}` } })),
      ["read", "extend"],
    );
    // Core looks whether the id still holds, and this store what the record is.
    assert.deepEqual(await callsOf(() => session.update(id, { n: 1 })), ["read", "read", "patch"]);
    assert.deepEqual(await callsOf(() => session.update(id, () => ({ n: 2 }))), [
      "read",
      "read",
      "patch",
    ]);
    assert.deepEqual(await callsOf(async () => (id = (await session.rotate(id)) ?? "")), [
      "read",
      "read",
      "patch",
      "move",
    ]);
    assert.deepEqual(
      await callsOf(() => Promise.all([session.get(id), session.get(id), session.get(id)])),
      ["read"],
    );
    assert.deepEqual(await callsOf(() => session.list("u")), ["listByUser"]);
    assert.deepEqual(await callsOf(() => session.delete(id)), ["read", "remove"]);
    assert.deepEqual(await callsOf(() => session.revokeAll("u")), ["removeByUser"]);
  });

  it("answers at once where the other store does", async () => {
    const inner = countCalls(new MemoryStore<Fields>(), false).store;
    assert.equal(new EncryptedStore(inner, { keys: [KEY] }).readSync, undefined);
    const store = new EncryptedStore<Fields>(new MemoryStore(), { keys: [KEY] });
    await store.set("name", { a: 1 });
    assert.deepEqual(await store.get("name"), { a: 1 });
    assert.equal(store.readSync?.("no such key"), undefined);
  });

  it("refuses stores that change sessions as a whole, keys that are none, and options that there are not", () => {
    const refused = (store: unknown, options: object, expected: RegExp): void => {
      // What a caller without types may pass.
      assert.throws(
        () => new EncryptedStore(store as SessionStore, options as EncryptedStoreOptions),
        expected,
      );
    };
    const threeMethods = {
      get: async () => undefined,
      set: async () => {},
      delete: async () => {},
    };
    for (const store of [threeMethods, undefined, null, "redis://localhost", {}])
      refused(
        store,
        { keys: [KEY] },
        /^TypeError: Cannot make an EncryptedStore: the store has no patch/,
      );
    const memory = new MemoryStore();
    refused(memory, {}, /^TypeError: Cannot use keys: it is undefined/);
    refused(
      memory,
      { keys: [] },
      /^TypeError: Cannot use keys: it is an array, a list of at least one key/,
    );
    refused(memory, { keys: KEY }, /^TypeError: Cannot use keys/);
    refused(memory, { keys: ["short"] }, /^RangeError: Cannot use key 1 of keys: it has 5 bytes/);
    refused(memory, { keys: [KEY, 7] }, /^TypeError: Cannot use key 2 of keys: it is a number/);
    refused(
      memory,
      { keys: [KEY, Buffer.from(KEY)] },
      /^TypeError: Cannot use key 2 of keys: it is there already/,
    );
    refused(memory, { keys: [KEY], key: KEY }, /Invalid option key: /);
  });
});
