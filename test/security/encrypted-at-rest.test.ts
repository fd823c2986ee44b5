// Whoever writes to the database of an EncryptedStore makes no session of their own: whatever was
// not sealed for its place is refused.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { beforeEach, describe, it } from "node:test";
import { IdMaker, toStoreKey } from "../../src/core/ids/session-id.ts";
import {
  MemoryStore,
  type NewSession,
  Session,
  type SessionFacts,
  type StoreChange,
  type StoredSession,
} from "../../src/session.ts";
import { EncryptedStore } from "../../src/stores/encrypted.ts";
import { ManualClock } from "../../src/testing.ts";

type Fields = Record<string, unknown>;
const [KEY, NEXT_KEY] = [randomBytes(32).toString("base64url"), randomBytes(32)];
const HEAD = "~";

describe("EncryptedStore", () => {
  const clock = new ManualClock();
  const ids = new IdMaker();
  let inner: MemoryStore<Fields>;
  let store: EncryptedStore<Fields>;
  beforeEach(() => {
    inner = new MemoryStore<Fields>({ clock });
    store = new EncryptedStore<Fields>(inner, { keys: [KEY], clock });
  });
  const newKey = (): string => toStoreKey(ids.make(Math.floor(clock.now() / 1000)));
  const newSession = (
    data: Fields = { name: "Ada", role: "user" },
    more: Partial<NewSession<Fields>> = {},
  ): NewSession<Fields> => {
    const now = clock.now();
    return {
      data,
      createdAt: now,
      lastSeenAt: now,
      expiresAt: now + 1e6,
      endsAt: now + 2e6,
      userId: "ada",
      facts: { authenticatedAt: now },
      ...more,
    };
  };
  const created = async (data?: Fields): Promise<string> => {
    const key = newKey();
    await store.create(key, newSession(data));
    return key;
  };
  /** A session that has been rotated twice, with fields from before and after the last time. */
  const rotated = async (): Promise<string> => {
    let key = await created();
    for (const field of ["first", "second"]) {
      const nextKey = newKey();
      assert.equal(await store.move(key, nextKey), true);
      key = nextKey;
      await store.patch(key, { set: { [field]: 1 } });
    }
    return key;
  };
  const stored = async (key: string): Promise<StoredSession<Fields>> => {
    const [found] = await inner.read([key]);
    assert.ok(found);
    return found;
  };
  /** What becomes of a record once somebody has written another in its place. */
  const outcomeOf = async (
    key: string,
    changed: Partial<StoredSession<Fields>>,
  ): Promise<unknown> => {
    const { revision: _revision, ...was } = await stored(key);
    await inner.remove(key);
    await inner.create(key, { ...was, ...changed });
    const [found] = await store.read([key]);
    await inner.remove(key);
    await inner.create(key, was);
    return found;
  };
  const textsOf = ({ data, facts }: StoredSession<Fields>): [name: string, text: string][] => [
    ...(Object.entries(data) as [string, string][]),
    ...(facts ? [["facts", (facts as { sealed: string }).sealed] as [string, string]] : []),
  ];
  const replacing = (
    record: StoredSession<Fields>,
    name: string,
    text: unknown,
  ): Partial<StoredSession<Fields>> =>
    name === "facts" && !("facts" in record.data)
      ? { facts: { sealed: text } as SessionFacts }
      : { data: { ...record.data, [name]: text } };

  it("refuses every character changed and every truncation of every value, of new and of rotated sessions", async () => {
    for (const key of [await created(), await rotated()]) {
      const record = await stored(key);
      assert.ok(await outcomeOf(key, {}), "unchanged it is a session");
      let tried = 0;
      for (const [name, text] of textsOf(record)) {
        for (let at = 0; at < text.length; at++) {
          // Its neighbours differ in the lowest bits, which base64 may not use; the others are none
          // of its alphabet.
          const others = [
            String.fromCharCode(text.charCodeAt(at) ^ 1),
            text[at] === "A" ? "B" : "A",
            " ",
            "=",
            "+",
            "\u0000",
          ].filter((other) => other !== text[at]);
          for (const other of others) {
            assert.equal(
              await outcomeOf(
                key,
                replacing(record, name, text.slice(0, at) + other + text.slice(at + 1)),
              ),
              undefined,
              `${name} at ${at}: ${other}`,
            );
          }
          assert.equal(
            await outcomeOf(key, replacing(record, name, text.slice(0, at))),
            undefined,
            `${name} cut at ${at}`,
          );
          assert.equal(
            await outcomeOf(key, replacing(record, name, text.slice(at + 1))),
            undefined,
            `${name} from ${at} on`,
          );
          tried++;
        }
        for (const value of [
          `${text}A`,
          `${text}=`,
          `${text} `,
          ` ${text}`,
          "",
          null,
          7,
          [text],
          { text },
        ])
          assert.equal(
            await outcomeOf(key, replacing(record, name, value)),
            undefined,
            `${name}: ${typeof value}`,
          );
      }
      assert.ok(tried > 200);
    }
  });

  it("refuses another record's value, another field's, another user, another birth and another end", async () => {
    const other = await stored(await created({ name: "Eve", role: "admin" }));
    for (const key of [await created({ name: "Ada", role: "user", facts: 1 }), await rotated()]) {
      const record = await stored(key);
      for (const [name] of textsOf(record))
        for (const [, text] of textsOf(other))
          assert.equal(await outcomeOf(key, replacing(record, name, text)), undefined);
      for (const [name, text] of textsOf(record)) {
        for (const [otherName] of textsOf(record))
          if (otherName !== name)
            assert.equal(
              await outcomeOf(key, replacing(record, otherName, text)),
              undefined,
              `${name} as ${otherName}`,
            );
      }
      assert.equal(
        await outcomeOf(key, { data: other.data, facts: other.facts as SessionFacts }),
        undefined,
      );
      assert.equal(
        await outcomeOf(key, { data: { ...record.data, more: record.data["name"] } }),
        undefined,
      );
      assert.equal(await outcomeOf(key, { userId: "eve" }), undefined);
      assert.equal(await outcomeOf(key, { createdAt: record.createdAt - 1 }), undefined);
      assert.equal(await outcomeOf(key, { endsAt: record.endsAt + 1 }), undefined);
      const { [HEAD]: _, ...headless } = record.data;
      assert.equal(await outcomeOf(key, { data: headless }), undefined);
      assert.equal(
        await outcomeOf(key, { data: { name: "plain" }, facts: { authenticatedAt: 1 } }),
        undefined,
      );
    }
  });

  it("refuses a deadline behind the absolute limit, whichever way the session is read or changed", async () => {
    for (const own of [{}, { absoluteTimeout: 3600 }]) {
      const session = new Session<Fields>({
        store,
        clock,
        absoluteTimeout: 43_200,
        idleTimeout: 900,
        longestTimeout: 2_592_000,
      });
      const id = await session.create({ userId: "ada" }, own);
      const key = toStoreKey(id);
      const { revision: _revision, ...was } = await stored(key);
      const { endsAt } = was;
      const put = async (expiresAt: number): Promise<void> => {
        await inner.remove(key);
        await inner.create(key, { ...was, expiresAt });
      };
      await put(endsAt);
      assert.deepEqual(await session.get(id), { userId: "ada" }, "up to the limit it may be moved");
      for (const expiresAt of [endsAt + 1, clock.now() + 29 * 86_400_000, 2 ** 52]) {
        await put(expiresAt);
        const req = { headers: { cookie: `session_id=${id}` } };
        const found = async (): Promise<unknown[]> => [
          await session.get(id),
          await session.fromRequest(req),
          await session.deadlines(id),
          await session.open(req).data,
          await session.rotate(id),
          (await session.update(id, { a: 1 })) || undefined,
          (await session.update(id, () => ({ a: 1 }))) || undefined,
          (await session.reauthenticate(id)) || undefined,
          store.readSync?.(key),
          ...(await store.read([key])),
          ...(await session.list("ada")),
          ...(await store.listByUser("ada")),
          ...(await store.scan()).sessions,
          ...((await store.patchAll?.([{ key, patch: { set: { a: 1 } } }])) ?? []).filter(
            (outcome) => outcome !== "missing",
          ),
        ];
        assert.deepEqual(new Set(await found()), new Set([undefined]), `ends ${endsAt}`);
        assert.equal((await stored(key)).revision, 1, "nothing was changed");
      }
      clock.advance(28 * 86_400_000);
      assert.equal(await session.get(id), undefined);
      await inner.remove(key);
    }
  });

  it("refuses a record whose facts were taken away, so that a superseded id stays dead", async () => {
    const session = new Session<Fields>({ store, clock, renewEvery: 900, renewOverlap: 60 });
    const first = await session.create({ userId: "ada" });
    clock.advance(901_000);
    const next = (await session.renew(first)) ?? assert.fail();
    assert.notEqual(next, first);
    // A renewal leaves the record where it is.
    const renewed = toStoreKey(first);
    const { revision: _revision, facts: kept, ...without } = await stored(renewed);
    assert.ok(kept, "a renewal is a fact");
    // Nor by facts that hold nothing.
    assert.ok(await session.get(next));
    for (const taken of [{}, { facts: {} }]) {
      await inner.remove(renewed);
      await inner.create(renewed, { ...without, ...taken });
      for (const id of [first, next]) assert.equal(await session.get(id), undefined);
    }
    for (const facts of [undefined, { authenticatedAt: clock.now() }]) {
      const key = newKey();
      await store.create(
        key,
        newSession({ name: "Ada" }, facts ? { facts } : ({ facts: undefined } as never)),
      );
      assert.deepEqual((await store.read([key]))[0]?.facts, facts);
      assert.equal("facts" in ((await store.read([key]))[0] ?? assert.fail()), facts !== undefined);
      const { revision: _revision, facts: _facts, ...bare } = await stored(key);
      await inner.remove(key);
      await inner.create(key, bare);
      assert.deepEqual(await store.read([key]), [undefined]);
    }
  });

  it("refuses a whole record under another key, also with that key in its head", async () => {
    for (const key of [await created(), await rotated()]) {
      const { revision: _revision, ...record } = await stored(key);
      const head = String(record.data[HEAD]);
      const [listed, seal] = [head.split(" ").slice(0, -1), head.split(" ").at(-1)];
      const elsewhere = newKey();
      const lists = [
        listed,
        [...listed, elsewhere],
        [elsewhere, ...listed],
        [key, elsewhere],
        [elsewhere],
        [...listed.slice(0, 1), elsewhere],
      ];
      for (const list of lists) {
        await inner.create(elsewhere, {
          ...record,
          data: { ...record.data, [HEAD]: [...list, seal].join(" ") },
        });
        assert.deepEqual(await store.read([elsewhere]), [undefined]);
        await inner.remove(elsewhere);
      }
    }
  });

  it("makes a refused record no session, tells of it, changes nothing of it, and ends it when asked", async () => {
    const session = new Session<Fields>({ store, clock });
    const id = await session.create({ userId: "ada", role: "user" });
    const key = toStoreKey(id);
    const changes: StoreChange[] = [];
    const stop = await store.subscribe((change) => changes.push(change));
    await inner.patch(key, { set: { role: "AAAA" } });
    assert.deepEqual(changes.splice(0), [{ type: "changed", key }]);
    const before = await stored(key);
    const told: string[] = [];
    session.on("unreadable", ({ handle }) => told.push(handle));
    assert.equal(await session.get(id), undefined);
    assert.equal(await session.fromRequest({ headers: { cookie: `session_id=${id}` } }), undefined);
    assert.equal(await session.update(id, { role: "user" }), false);
    assert.equal(await session.update(id, () => ({ role: "user" })), false);
    assert.equal(await session.rotate(id), undefined);
    assert.deepEqual(await session.list("ada"), []);
    assert.deepEqual((await store.scan()).sessions, []);
    assert.equal((await store.create(key, newSession())).outcome, "taken");
    assert.deepEqual(await stored(key), before);
    assert.equal(
      changes.every((change) => change.type === "unreadable" && change.key === key),
      true,
    );
    assert.deepEqual([...new Set(told)], [key]);
    assert.equal(await session.delete(id), true);
    assert.deepEqual(await inner.read([key]), [undefined]);
    await stop();
  });

  it("shows no value, whatever is stored, and seals the same twice differently", async () => {
    const key = await created({
      secret: "a secret word",
      [HEAD]: "a secret word",
      "~~": "a secret word",
      list: ["a secret word"],
    });
    await store.patch(key, {
      set: { again: "a secret word" },
      facts: { device: { ip: "192.0.2.7", label: "a secret word" } },
    });
    assert.deepEqual((await store.read([key]))[0]?.data, {
      secret: "a secret word",
      [HEAD]: "a secret word",
      "~~": "a secret word",
      list: ["a secret word"],
      again: "a secret word",
    });
    const record = await stored(key);
    const texts = textsOf(record).map(([, text]) => text);
    for (const text of [
      JSON.stringify(record),
      ...texts.map((one) => Buffer.from(one, "base64url").toString("latin1")),
    ]) {
      for (const word of ["secret word", "192.0.2.7"]) assert.equal(text.includes(word), false);
    }
    assert.equal(new Set(texts).size, texts.length);
    assert.deepEqual(Object.keys(record.data).sort(), [
      "again",
      "list",
      "secret",
      "~",
      "~~",
      "~~~",
    ]);
  });

  it("logs nobody out when a new key comes, seals with it from then on, and opens nothing of a key that is gone", async () => {
    const [untouched, changed, moved] = [await created(), await created(), await created()];
    const both = new EncryptedStore<Fields>(inner, { keys: [NEXT_KEY, KEY], clock });
    await both.patch(changed, { set: { role: "admin" } });
    const nextKey = newKey();
    assert.equal(await both.move(moved, nextKey), true);
    const keys = [untouched, changed, nextKey];
    assert.deepEqual(
      (await both.read(keys)).map((session) => session?.data["role"]),
      ["user", "admin", "user"],
    );
    const unreadable: string[] = [];
    const retired = new EncryptedStore<Fields>(inner, { keys: [NEXT_KEY], clock });
    await retired.subscribe(
      (change) => void (change.type === "unreadable" && unreadable.push(change.key)),
    );
    // A rotation seals all of it anew.
    assert.deepEqual((await retired.read(keys)).map(Boolean), [false, false, true]);
    assert.deepEqual(unreadable, [untouched, changed]);
    assert.deepEqual((await store.read(keys)).map(Boolean), [true, false, false]);
  });

  it("keeps a session whose rotation ended between its two steps, for every method and for the next rotation", async () => {
    const key = await created();
    const crashing = new EncryptedStore<Fields>(
      new Proxy(inner, {
        get(target, name) {
          if (name === "move") return () => Promise.reject(new Error("the process ended"));
          const member: unknown = Reflect.get(target, name, target);
          return typeof member === "function" ? (member.bind(target) as unknown) : member;
        },
      }),
      { keys: [KEY], clock },
    );
    const before = await store.read([key]);
    for (let crashes = 0; crashes < 70; crashes++)
      await assert.rejects(crashing.move(key, newKey()), /the process ended/);
    assert.deepEqual(await store.read([key]), before);
    assert.ok(
      String((await stored(key)).data[HEAD]).length < 4000,
      "what was announced and never came does not pile up",
    );
    assert.equal(await store.patch(key, { set: { later: true }, ifRevision: 1 }), "done");
    const nextKey = newKey();
    assert.equal(await store.move(key, nextKey), true);
    assert.deepEqual((await store.read([nextKey]))[0]?.data, {
      name: "Ada",
      role: "user",
      later: true,
    });
    assert.equal((await store.read([nextKey]))[0]?.revision, 2);
    const last = newKey();
    assert.equal(await store.move(nextKey, last), true);
    assert.deepEqual(
      String((await stored(last)).data[HEAD])
        .split(" ")
        .slice(0, -1),
      [nextKey, last],
    );
  });
});
