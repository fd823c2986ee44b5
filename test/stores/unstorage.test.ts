// UnstorageStore on real drivers of unstorage: in memory and in files.
import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createStorage, type Driver } from "unstorage";
import fs from "unstorage/drivers/fs";
import { Session, StoreError } from "../../src/session.ts";
import { UnstorageStore } from "../../src/stores/unstorage.ts";
import { storeConformance } from "../../src/testing.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const runner = { describe, it, before, after };

storeConformance(runner, {
  name: "UnstorageStore in memory",
  contract: "Store",
  open: async (clock) => ({ store: new UnstorageStore({ storage: createStorage(), clock }) }),
});

storeConformance(runner, {
  name: "UnstorageStore in files",
  contract: "Store",
  open: async (clock) => {
    const folder = await temporaryFolder();
    const storage = createStorage({ driver: fs({ base: folder.path }) });
    return {
      store: new UnstorageStore({ storage, clock, prefix: "app:sessions" }),
      close: folder.remove,
    };
  },
});

describe("UnstorageStore", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => void (folder = await temporaryFolder()));
  after(() => folder.remove());
  const files = async (): Promise<string[]> =>
    (await readdir(folder.path, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));

  it("holds no id, and what it holds authenticates nobody", async () => {
    const session = new Session({
      store: new UnstorageStore({ storage: createStorage({ driver: fs({ base: folder.path }) }) }),
    });
    const first = await session.create({ userId: "ann" });
    const id = (await session.rotate(first)) as string;
    const [file = ""] = await files();
    const dump = file + (await readFile(file, "utf8"));
    assert.match(dump, /"userId":"ann"/);
    for (const secret of [first, id]) assert.equal(dump.includes(secret), false);
    for (const part of file.split(/[/:]/)) assert.equal(await session.get(part), undefined);
    await session.delete(id);
    assert.deepEqual(await files(), []);
  });

  it("what is no session of this version is no session", async () => {
    const session = new Session({
      store: new UnstorageStore({ storage: createStorage({ driver: fs({ base: folder.path }) }) }),
    });
    const id = await session.create({ a: 1 });
    const [file = ""] = await files();
    for (const text of [
      "",
      "{}",
      '{"a":1}',
      "v1:",
      "v1:{",
      "v1:[]",
      "v1:null",
      'v2:{"a":1}',
      "null",
    ]) {
      await writeFile(file, text);
      assert.equal(await session.get(id), undefined, text);
    }
    await writeFile(file, 'v1:{"a":2}');
    assert.deepEqual(await session.get(id), { a: 2 });
    await session.delete(id);
  });

  it("tells the driver when a record may vanish: at the session's end, however often it changes", async () => {
    const told: number[] = [];
    const memory = new Map<string, string>();
    const driver: Driver = {
      hasItem: (key) => memory.has(key),
      getItem: (key) => memory.get(key) ?? null,
      getKeys: () => [...memory.keys()],
      removeItem: (key) => void memory.delete(key),
      setItem(key, value, { ttl }) {
        memory.set(key, value);
        told.push(ttl as number);
      },
    };
    let now = Date.now();
    const clock = { now: () => now, schedule: () => () => {} };
    const session = new Session({
      store: new UnstorageStore({
        storage: createStorage({ driver }),
        absoluteTimeout: 1000,
        clock,
      }),
      absoluteTimeout: 1000,
      clock,
    });
    const id = await session.create({ a: 1 });
    now += 600_000;
    await session.update(id, { a: 2 });
    const [first = 0, second = 0] = told;
    assert.ok(first >= 999 && first <= 1000, `${first}`);
    assert.ok(second >= 399 && second <= 400, `${second}`);
  });

  it("a driver that fails is a StoreError", async () => {
    const broken = (): never => {
      throw new Error("broken");
    };
    const driver: Driver = {
      hasItem: broken,
      getItem: broken,
      setItem: broken,
      removeItem: broken,
      getKeys: broken,
    };
    const session = new Session({
      store: new UnstorageStore({ storage: createStorage({ driver }) }),
    });
    const id = await new Session().create({});
    for (const call of [
      () => session.create({}),
      () => session.get(id),
      () => session.delete(id),
      () => session.update(id, { a: 1 }),
    ]) {
      await assert.rejects(
        call,
        (error) => error instanceof StoreError && error.store === "UnstorageStore",
      );
    }
  });

  it("refuses options that make no sense, and a driver that only reads", () => {
    const storage = createStorage();
    for (const prefix of ["", ":a", "a:", "a::b", "a/b", "a?b", "a b", ".", 5])
      assert.throws(() => new UnstorageStore({ storage, prefix: prefix as string }), TypeError);
    for (const wrong of [undefined, null, {}, 5])
      assert.throws(() => new UnstorageStore({ storage: wrong as never }), TypeError);
    for (const absoluteTimeout of [0, -1, NaN, Infinity, "5"])
      assert.throws(
        () => new UnstorageStore({ storage, absoluteTimeout: absoluteTimeout as number }),
        typeof absoluteTimeout === "number" ? RangeError : TypeError,
      );
    assert.throws(
      () => new UnstorageStore({ storage, ttl: 5 } as never),
      /Invalid option ttl: did you mean absoluteTimeout/,
    );
    const readOnly: Driver = { hasItem: () => false, getItem: () => null, getKeys: () => [] };
    assert.throws(
      () => new UnstorageStore({ storage: createStorage({ driver: readOnly }) }),
      /its driver has no setItem/,
    );
  });
});
