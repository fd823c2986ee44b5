// What is peculiar to MemoryStore; the contract itself is in storeConformance (test/testing/).
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  MemoryStore,
  type NewSession,
  Session,
  type SessionEvents,
  type StoreChange,
  type UserCap,
} from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";

type Fields = Record<string, unknown>;

const DAY = 86_400_000;

function begin(options: { maxSessions?: number } = {}) {
  const clock = new ManualClock(1_700_000_000_000);
  const store = new MemoryStore<Fields>({ clock, ...options });
  const changes: StoreChange[] = [];
  void store.subscribe((change) => changes.push(change));
  let made = 0;
  /** A session that lives so many seconds. */
  const add = async (
    seconds: number,
    more: Partial<NewSession<Fields>> = {},
    cap?: UserCap,
  ): Promise<string> => {
    const key = `key-${++made}`;
    const now = clock.now();
    await store.create(
      key,
      {
        data: {},
        createdAt: now,
        lastSeenAt: now,
        expiresAt: now + seconds * 1000,
        endsAt: now + DAY,
        ...more,
      },
      cap,
    );
    return key;
  };
  const alive = async (keys: readonly string[]): Promise<string[]> =>
    (await store.read(keys)).flatMap((session, at) => (session ? [keys[at] as string] : []));
  const ended = (type: StoreChange["type"]): string[] =>
    changes.flatMap((change) => (change.type === type && "key" in change ? [change.key] : []));
  return { clock, store, changes, add, alive, ended };
}

describe("MemoryStore by id", () => {
  it("is used directly as the seed's framework uses it", async () => {
    const store = new MemoryStore();
    await store.set("session123", { userId: "123", role: "user" });
    assert.deepEqual(await store.get("session123"), { userId: "123", role: "user" });
    await store.set("session123", { userId: "123" });
    assert.deepEqual(await store.get("session123"), { userId: "123" });
    await store.delete("session123");
    assert.equal(await store.get("session123"), undefined);
    await store.delete("session123");
  });

  it("gives the data of the id that create returned", async () => {
    const store = new MemoryStore();
    const session = new Session({ store });
    const id = await session.create({ userId: "123" });
    assert.deepEqual(await store.get(id), { userId: "123" });
    await store.set(id, { userId: "123", role: "admin" });
    assert.deepEqual(await session.get(id), { userId: "123", role: "admin" });
    assert.equal(await session.revokeAll("123"), 1);
    assert.equal(await store.get(id), undefined);
  });

  it("keeps deadlines at set, and takes any text for an id, the empty one and __proto__ too", async () => {
    const clock = new ManualClock();
    const store = new MemoryStore({ clock });
    const session = new Session({ store, clock });
    const id = await session.create({});
    const before = await session.deadlines(id);
    clock.advance(1000);
    await store.set(id, { a: 1 });
    assert.deepEqual(await session.deadlines(id), before);
    for (const name of ["", "__proto__", "constructor", "a".repeat(10_000), "\0", "é💥"]) {
      assert.equal(await store.get(name), undefined, name);
      await store.set(name, { name });
      assert.deepEqual(await store.get(name), { name });
    }
  });
});

describe("MemoryStore of users", () => {
  it("lists sessions of one instant in the order in which they were created, whichever have ended", async () => {
    const { store, add } = begin();
    const keys: string[] = [];
    for (let n = 0; n < 6; n++) keys.push(await add(60, { userId: "ada" }));
    const [first, , third] = keys as [string, string, string];
    const listed = async (): Promise<string[]> =>
      (await store.listByUser("ada")).map(({ key }) => key);
    assert.deepEqual(await listed(), keys);
    for (const gone of [third, first]) await store.remove(gone);
    keys.push(await add(60, { userId: "ada" }));
    assert.deepEqual(
      await listed(),
      keys.filter((key) => key !== first && key !== third),
    );
  });
});

describe("MemoryStore is bounded", () => {
  it("and evicts what expires first, one for one, and tells", async () => {
    const { store, add, alive, ended } = begin({ maxSessions: 3 });
    const [long, short, middle] = [await add(300), await add(100), await add(200)];
    const fourth = await add(400);
    assert.equal(store.size, 3);
    assert.deepEqual(await alive([long, short, middle, fourth]), [long, middle, fourth]);
    // What is added counts for nothing yet: also one that would be the first to expire comes in.
    const brief = await add(1);
    assert.deepEqual(await alive([long, middle, fourth, brief]), [long, fourth, brief]);
    assert.deepEqual(ended("evicted"), [short, middle]);
  });

  it("and goes by deadlines that activity has moved", async () => {
    const { clock, store, add, alive } = begin({ maxSessions: 3 });
    const keys = [await add(100), await add(110), await add(120)];
    const now = clock.now();
    assert.equal(
      await store.extend(keys[0] as string, { lastSeenAt: now, expiresAt: now + 500_000 }),
      true,
    );
    assert.equal(
      await store.extend(keys[1] as string, { lastSeenAt: now, expiresAt: now + 130_000 }),
      true,
    );
    const next = await add(600);
    assert.deepEqual(await alive([...keys, next]), [keys[0], keys[1], next]);
    await add(700);
    assert.deepEqual(await alive([...keys, next]), [keys[0], next]);
  });

  it("and evicts exactly in the order of the deadlines, whatever was created, touched, moved and removed before", async () => {
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
    const { clock, store, add, ended } = begin({ maxSessions: 500 });
    const deadlines = new Map<string, number>();
    for (let step = 0; step < 6000; step++) {
      const keys = [...deadlines.keys()];
      const some = keys[random(Math.max(keys.length, 1))];
      const act = random(10);
      if (some === undefined || act < 5) {
        const seconds = 1000 + random(100_000);
        const first = [...deadlines].sort((a, b) => a[1] - b[1])[0]?.[1];
        const isFull = deadlines.size === 500;
        const key = await add(seconds);
        if (isFull) {
          const victim = ended("evicted").at(-1) as string;
          assert.equal(deadlines.get(victim), first);
          deadlines.delete(victim);
        }
        deadlines.set(key, clock.now() + seconds * 1000);
      } else if (act < 8) {
        const expiresAt = (deadlines.get(some) as number) + random(50_000_000);
        await store.extend(some, { lastSeenAt: clock.now(), expiresAt });
        deadlines.set(some, expiresAt);
      } else if (act === 8) {
        assert.equal(await store.remove(some), true);
        deadlines.delete(some);
      } else {
        assert.equal(await store.move(some, `${some}'`), true);
        deadlines.set(`${some}'`, deadlines.get(some) as number);
        deadlines.delete(some);
      }
    }
    assert.equal(store.size, deadlines.size);
    assert.ok(ended("evicted").length > 500);
  });

  it("and what has expired makes room first, as expired and not as evicted", async () => {
    const { clock, add, ended, alive } = begin({ maxSessions: 2 });
    const [brief, long] = [await add(1), await add(100)];
    clock.advance(1000);
    const next = await add(50);
    assert.deepEqual(ended("evicted"), []);
    assert.deepEqual(ended("expired"), [brief]);
    assert.deepEqual(await alive([brief, long, next]), [long, next]);
  });

  it("and a session tells by its event ended", async () => {
    const session = new Session<Fields>({ store: new MemoryStore({ maxSessions: 2 }) });
    const events: SessionEvents["ended"][] = [];
    session.on("ended", (event) => events.push(event));
    const ids = [await session.create({}), await session.create({}), await session.create({})];
    assert.deepEqual(
      events.map(({ reason }) => reason),
      ["evicted"],
    );
    assert.equal((await Promise.all(ids.map((id) => session.get(id)))).filter(Boolean).length, 2);
  });

  it("by a whole number from 1, a million by default", () => {
    for (const maxSessions of [0, -1, 1.5, Number.NaN, Infinity])
      assert.throws(() => new MemoryStore({ maxSessions }), {
        name: "RangeError",
        message: `Invalid option maxSessions: got ${maxSessions}, expected a whole number from 1`,
      });
    assert.throws(() => new MemoryStore({ maxSessions: "5" as unknown as number }), {
      name: "TypeError",
      message: "Invalid option maxSessions: got a string, expected a whole number from 1",
    });
  });

  it("also where a listener acts at once on what it hears", async () => {
    const { store, add, alive } = begin({ maxSessions: 5 });
    const keys = [await add(1), await add(2), await add(3), await add(4), await add(5)];
    void store.subscribe((change) => {
      if (change.type === "evicted") for (const key of keys.slice(0, 3)) void store.remove(key);
      if (change.type === "removed") void store.prune();
    });
    const next = await add(6);
    assert.deepEqual(await alive([...keys, next]), [keys[3], keys[4], next]);
    assert.equal(store.size, 3);
    const capped = [await add(1, { userId: "alice" }), await add(1, { userId: "alice" })];
    void store.subscribe((change) => {
      if (change.type === "removed") for (const key of capped) void store.remove(key);
    });
    const last = await add(9, { userId: "alice" }, { limit: 1, onLimit: "evict-oldest" });
    assert.deepEqual(await alive([...capped, last]), [last]);
    assert.equal((await store.listByUser("alice")).length, 1);
  });
});

describe("MemoryStore expires by itself", () => {
  it("within two seconds of the deadline, and tells which limit it was", async () => {
    const { clock, store, add, changes } = begin();
    const idle = await add(100);
    const absolute = await add(86_400);
    clock.advance(102_000);
    assert.equal(store.size, 1);
    assert.deepEqual(changes, [{ type: "expired", key: idle, limit: "idle" }]);
    clock.advance(DAY);
    assert.equal(store.size, 0);
    assert.deepEqual(changes.at(-1), { type: "expired", key: absolute, limit: "absolute" });
    assert.equal(clock.scheduled, 0);
  });

  it("not before the deadline that activity has moved", async () => {
    const { clock, store, add, alive } = begin();
    const key = await add(100);
    clock.advance(50_000);
    await store.extend(key, { lastSeenAt: clock.now(), expiresAt: clock.now() + 100_000 });
    clock.advance(99_999);
    assert.deepEqual(await alive([key]), [key]);
    clock.advance(1);
    assert.deepEqual(await alive([key]), []);
    clock.advance(2000);
    assert.equal(store.size, 0);
  });

  it("in portions, and lets others have their turn between them", async () => {
    const { clock, store, add } = begin();
    for (let made = 0; made < 5000; made++) await add(10);
    clock.advance(12_000);
    const first = store.size;
    assert.ok(first > 0 && first < 5000, String(first));
    let turns = 0;
    for (; store.size > 0 && turns < 100_000; turns++) await nextTurn();
    assert.equal(store.size, 0);
    assert.ok(turns >= 5, String(turns));
  });

  it("at once for whoever asks, also before it has swept", async () => {
    const { clock, store, add } = begin();
    const keys = [await add(10, { userId: "alice" }), await add(20, { userId: "alice" })];
    clock.advance(10_000);
    assert.equal(store.size, 2);
    const [expired = ""] = keys;
    assert.equal(store.readSync(expired), undefined);
    assert.equal(
      await store.extend(expired, { lastSeenAt: clock.now(), expiresAt: clock.now() + 1000 }),
      false,
    );
    assert.equal(await store.patch(expired, { set: { a: 1 } }), "missing");
    assert.equal(await store.move(expired, "other"), false);
    assert.equal(await store.remove(expired), false);
    assert.deepEqual(
      (await store.listByUser("alice")).map(({ key }) => key),
      keys.slice(1),
    );
    assert.equal((await store.scan()).sessions.length, 1);
    assert.equal(await store.removeByUser("alice"), 1);
    // Whoever looked has ended it.
    assert.equal(await store.prune(), 0);
    assert.equal(store.size, 0);
  });

  it("and a name that an expired session still has is free, for a new session and for a move", async () => {
    const { clock, store, alive, add } = begin();
    const [dead, other] = [await add(10, { userId: "bob" }), await add(10, { userId: "carol" })];
    const living = await add(1000, { userId: "alice" });
    clock.advance(10_000);
    assert.equal(await store.move(living, dead), true);
    assert.deepEqual(await alive([dead, living]), [dead]);
    const now = clock.now();
    assert.equal(
      (
        await store.create(other, {
          data: {},
          createdAt: now,
          lastSeenAt: now,
          expiresAt: now + DAY,
          endsAt: now + DAY,
        })
      ).outcome,
      "created",
    );
    assert.equal(await store.prune(), 0);
    clock.advance(5000);
    assert.deepEqual(await alive([dead, other]), [dead, other]);
    assert.equal(store.size, 2);
    assert.deepEqual([await store.listByUser("bob"), await store.listByUser("carol")], [[], []]);
    assert.equal(await store.removeByUser("alice"), 1);
  });

  it("moves a session to a key where one has expired and was not swept yet, and keeps it", async () => {
    const clock = new ManualClock(1_700_000_000_000);
    const store = new MemoryStore<Fields>({ clock });
    const now = clock.now();
    await store.create("old", {
      data: { n: 1 },
      createdAt: now,
      lastSeenAt: now,
      expiresAt: now + 10,
      endsAt: now + 10,
    });
    await store.create("live", {
      data: { n: 2 },
      createdAt: now,
      lastSeenAt: now,
      expiresAt: now + 60_000,
      endsAt: now + 60_000,
    });
    clock.advance(11);
    assert.equal(await store.move("live", "old"), true);
    await store.prune();
    clock.advance(5000);
    assert.deepEqual((await store.read(["old"]))[0]?.data, { n: 2 });
    assert.equal(store.size, 1);
  });

  it("tells listeners that throw as well as those that do not", async () => {
    const { clock, store, add, ended } = begin();
    void store.subscribe(() => {
      throw new Error("of a listener");
    });
    const key = await add(1);
    clock.advance(3000);
    assert.deepEqual(ended("expired"), [key]);
    assert.equal(store.size, 0);
  });

  it("tells nobody who has unsubscribed", async () => {
    const { store, add } = begin();
    const heard: StoreChange[] = [];
    const off = await store.subscribe((change) => heard.push(change));
    await store.remove(await add(1));
    await off();
    await store.remove(await add(1));
    assert.equal(heard.length, 1);
  });
});
