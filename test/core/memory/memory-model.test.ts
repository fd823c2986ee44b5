// MemoryStore against a Map of objects, under whatever random programs of calls: with time that
// passes, caps, a bound, revocations and a listener. How its bytes are kept, memory-records.test.ts
// tells.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import {
  MemoryStore,
  type NewSession,
  type StoreChange,
  type StoredSession,
  type UserCap,
} from "../../../src/session.ts";
import { ManualClock } from "../../../src/testing.ts";

type Fields = Record<string, unknown>;

const KEYS = Array.from(
  { length: 60 },
  (_, n) =>
    `${n.toString(16).padStart(8, "0")}.${createHash("sha256").update(String(n)).digest("base64url")}`,
);
const USERS = ["Ada", "Bea", "ключ", ""];

/** What MemoryStore must come to. */
class Model {
  readonly clock = new ManualClock(1_700_000_000_000);
  readonly store: MemoryStore<Fields>;
  // No two sessions are of one age: which of them makes way is known.
  created = 0;
  readonly #map = new Map<string, StoredSession<Fields>>();
  readonly #wrong: string[] = [];

  constructor(maxSessions: number) {
    this.store = new MemoryStore<Fields>({ clock: this.clock, maxSessions });
    void this.store.subscribe((change) => this.#hear(change));
  }

  live(key: string): StoredSession<Fields> | undefined {
    const session = this.#map.get(key);
    return session && session.expiresAt > this.clock.now() ? session : undefined;
  }

  /** Oldest first. */
  ofUser(userId: string): [key: string, session: StoredSession<Fields>][] {
    return this.all()
      .filter(([, session]) => session.userId === userId)
      .sort(([, a], [, b]) => a.createdAt - b.createdAt);
  }

  all(): [key: string, session: StoredSession<Fields>][] {
    return [...this.#map].filter(([key]) => this.live(key));
  }

  put(key: string, session: StoredSession<Fields>): void {
    this.#map.set(key, session);
  }

  drop(...keys: string[]): void {
    for (const key of keys) this.#map.delete(key);
  }

  clear(): void {
    this.#map.clear();
  }

  check(): void {
    assert.deepEqual(this.#wrong, []);
    assert.equal(this.store.size, this.#map.size);
  }

  /** What the store does by itself it tells, and it may do nothing else. */
  #hear(change: StoreChange): void {
    if (change.type !== "expired" && change.type !== "evicted") return;
    const session = this.#map.get(change.key);
    this.#map.delete(change.key);
    const isRight =
      change.type === "expired"
        ? session &&
          session.expiresAt <= this.clock.now() &&
          (change.limit === "idle") === session.expiresAt < session.endsAt
        : session &&
          session.expiresAt > this.clock.now() &&
          [...this.#map.values()].every(({ expiresAt }) => expiresAt >= session.expiresAt);
    if (!isRight) this.#wrong.push(JSON.stringify(change));
  }
}

/** A call, and what the model says of it. A failure shows its name and with what. */
interface Step {
  name: string;
  it: unknown;
  run(model: Model): Promise<void>;
}

function stepOf<T>(
  name: string,
  given: fc.Arbitrary<T>,
  run: (model: Model, it: T) => Promise<void>,
): fc.Arbitrary<Step> {
  return given.map((it) => ({ name, it, run: (model) => run(model, it) }));
}

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom("", "ж", "\uD800", "\u00FF\u0100", "x".repeat(16_300), "ж".repeat(33_000)),
);
const value = fc.oneof(
  { weight: 5, arbitrary: text },
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constant(null),
  fc.array(text, { maxLength: 2 }),
  fc.record({ inner: text }),
);
const data: fc.Arbitrary<Fields> = fc.dictionary(
  fc.constantFrom("a", "b", "__proto__", "constructor", "ключ", ""),
  value,
  { maxKeys: 3 },
);
const facts = fc.option(fc.record({ device: fc.record({ label: text }) }), { nil: undefined });
const key = fc.constantFrom(...KEYS);
const user = fc.constantFrom(...USERS);
const span = fc.oneof(fc.constantFrom(0, 1, 999, 1001, 60_000), {
  weight: 4,
  arbitrary: fc.constant(1e9),
});
const cap: fc.Arbitrary<UserCap | undefined> = fc.option(
  fc.record({
    limit: fc.integer({ min: 1, max: 3 }),
    onLimit: fc.constantFrom("deny", "evict-oldest"),
  }),
  { nil: undefined },
);

const create = stepOf(
  "create",
  fc.record({
    key,
    data,
    facts,
    cap,
    user: fc.option(user, { nil: undefined }),
    idle: span,
    absolute: span,
  }),
  async (model, it) => {
    const now = model.clock.now();
    const session: NewSession<Fields> = {
      data: it.data,
      createdAt: ++model.created,
      lastSeenAt: now,
      expiresAt: now + Math.min(it.idle, it.absolute),
      endsAt: now + it.absolute,
      ...(it.user !== undefined && { userId: it.user }),
      ...(it.facts && { facts: it.facts }),
    };
    const rivals = it.cap && it.user !== undefined ? model.ofUser(it.user).map(([one]) => one) : [];
    const excess = it.cap ? Math.max(rivals.length + 1 - it.cap.limit, 0) : 0;
    const outcome = model.live(it.key)
      ? "taken"
      : excess > 0 && it.cap?.onLimit === "deny"
        ? "denied"
        : "created";
    const evicted = outcome === "created" ? rivals.slice(0, excess) : [];
    model.drop(...evicted);
    const result = await model.store.create(it.key, session, it.cap);
    assert.deepEqual([result.outcome, result.evicted.length], [outcome, evicted.length]);
    if (outcome === "created") model.put(it.key, { ...asJson(session), revision: 1 });
  },
);

const patch = stepOf(
  "patch",
  fc.record({
    key,
    set: data,
    facts,
    unset: fc.subarray(["a", "ключ", "__proto__"]),
    ifRevision: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  }),
  async (model, it) => {
    const session = model.live(it.key);
    const outcome = !session
      ? "missing"
      : it.ifRevision !== undefined && it.ifRevision !== session.revision
        ? "conflict"
        : "done";
    assert.equal(
      await model.store.patch(it.key, {
        set: it.set,
        unset: it.unset,
        ...(it.facts && { facts: it.facts }),
        ...(it.ifRevision !== undefined && { ifRevision: it.ifRevision }),
      }),
      outcome,
    );
    if (!session || outcome !== "done") return;
    const changed = { ...session.data, ...asJson(it.set) };
    for (const field of it.unset) delete changed[field];
    model.put(it.key, {
      ...session,
      data: changed,
      revision: session.revision + 1,
      ...(it.facts && { facts: asJson(it.facts) }),
    });
  },
);

const extend = stepOf("extend", fc.record({ key, by: span }), async (model, it) => {
  const to = { lastSeenAt: model.clock.now() + it.by, expiresAt: model.clock.now() + it.by };
  const session = model.live(it.key);
  assert.equal(await model.store.extend(it.key, to), session !== undefined);
  if (session)
    Object.assign(session, {
      lastSeenAt: Math.max(session.lastSeenAt, to.lastSeenAt),
      expiresAt: Math.max(session.expiresAt, to.expiresAt),
    });
});

const move = stepOf("move", fc.record({ key, nextKey: key }), async (model, it) => {
  const session = model.live(it.key);
  const isMoved = session !== undefined && !model.live(it.nextKey);
  assert.equal(await model.store.move(it.key, it.nextKey), isMoved);
  if (!isMoved) return;
  model.drop(it.key);
  model.put(it.nextKey, session);
});

const remove = stepOf("remove", key, async (model, one) => {
  assert.equal(await model.store.remove(one), model.live(one) !== undefined);
  if (model.live(one)) model.drop(one);
});

const read = stepOf(
  "read",
  fc.record({ key, times: fc.integer({ min: 1, max: 3 }) }),
  async (model, it) => {
    for (let time = 0; time < it.times; time++) {
      const session = model.store.readSync(it.key);
      assert.deepEqual(session, model.live(it.key));
      // What comes out is the caller's.
      if (session)
        Object.assign(session, {
          expiresAt: 9e15,
          data: Object.assign(session.data, { a: "changed" }),
        });
    }
  },
);

const list = stepOf("list", user, async (model, one) => {
  const listed = await model.store.listByUser(one);
  assert.deepEqual(
    new Map(listed.map((found) => [found.key, found.session])),
    new Map(model.ofUser(one)),
  );
  assert.deepEqual(
    listed.map(({ session }) => session.createdAt),
    model.ofUser(one).map(([, { createdAt }]) => createdAt),
  );
});

const revoke = stepOf(
  "revoke",
  fc.record({ user, except: fc.array(key, { maxLength: 2 }) }),
  async (model, it) => {
    const gone = model.ofUser(it.user).flatMap(([one]) => (it.except.includes(one) ? [] : [one]));
    assert.equal(await model.store.removeByUser(it.user, { except: it.except }), gone.length);
    model.drop(...gone);
  },
);

const scan = stepOf("scan", fc.integer({ min: 1, max: 7 }), async (model, limit) => {
  const seen: [string, StoredSession<Fields>][] = [];
  let cursor: string | undefined;
  do {
    const page = await model.store.scan(cursor, { limit });
    seen.push(
      ...page.sessions.map(({ key: one, session }): [string, StoredSession<Fields>] => [
        one,
        session,
      ]),
    );
    cursor = page.cursor;
  } while (cursor !== undefined);
  assert.equal(seen.length, model.all().length);
  assert.deepEqual(new Map(seen), new Map(model.all()));
});

const advance = stepOf("advance", fc.constantFrom(1, 1000, 2001, 61_000), async (model, by) =>
  model.clock.advance(by),
);
const prune = stepOf("prune", fc.constant(undefined), async (model) => {
  await model.store.prune();
  assert.equal(model.store.size, model.all().length);
});
const removeAll = stepOf("removeAll", fc.constant(undefined), async (model) => {
  await model.store.removeAll();
  model.clear();
});

const step = fc.oneof(
  ...[create, patch].map((arbitrary) => ({ weight: 60, arbitrary })),
  { weight: 80, arbitrary: read },
  ...[extend, move, advance].map((arbitrary) => ({ weight: 25, arbitrary })),
  ...[remove, list, scan, prune].map((arbitrary) => ({ weight: 8, arbitrary })),
  { weight: 2, arbitrary: revoke },
  { weight: 1, arbitrary: removeAll },
);

function asJson<T>(given: T): T {
  return JSON.parse(JSON.stringify(given)) as T;
}

describe("MemoryStore", () => {
  it("comes to what a Map of objects would, whatever is done to it and however much time passes", async () => {
    const program = fc.asyncProperty(
      fc.array(step, { minLength: 100, maxLength: 500, size: "max" }),
      fc.constantFrom(7, 25, 1_000_000),
      async (steps, maxSessions) => {
        const model = new Model(maxSessions);
        for (const one of steps) {
          await one.run(model);
          model.check();
        }
      },
    );
    await fc.assert(program, { numRuns: 300 });
  });
});
