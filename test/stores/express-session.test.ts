// ExpressSessionStore over stores that were written for express-session.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { RedisStore } from "connect-redis";
import expressSession from "express-session";
import makeMemoryStore from "memorystore";
import { createClient } from "redis";
import { Session, StoreError } from "../../src/session.ts";
import { ExpressSessionStore } from "../../src/stores/express-session.ts";
import { storeConformance } from "../../src/testing.ts";
import { type RedisServer, skipWithoutRedis, startRedisServer } from "../support/redis-server.ts";

const runner = { describe, it, before, after };
const skip = skipWithoutRedis();
const ConnectMemoryStore = makeMemoryStore(expressSession);

storeConformance(runner, {
  name: "ExpressSessionStore over memorystore",
  contract: "Store",
  open: async (clock) => ({
    store: new ExpressSessionStore({ store: new ConnectMemoryStore({}), clock }),
  }),
});

describe("ExpressSessionStore over connect-redis", { skip }, () => {
  let server: RedisServer;
  before(async () => void (server = await startRedisServer()));
  after(() => server.stop());
  const connect = async () => {
    const client = createClient({ url: server.url, socket: { reconnectStrategy: false } });
    client.on("error", () => {});
    return client.connect();
  };

  storeConformance(runner, {
    name: "ExpressSessionStore over connect-redis",
    contract: "Store",
    open: async (clock) => {
      const client = await connect();
      const close = async (): Promise<void> => client.destroy();
      return {
        store: new ExpressSessionStore({
          store: new RedisStore({ client, prefix: "conformance:" }),
          clock,
        }),
        close,
      };
    },
  });

  it("holds no id, expires at the session's end, and fails with a StoreError", async () => {
    const client = await connect();
    const session = new Session({
      store: new ExpressSessionStore({
        store: new RedisStore({ client, prefix: "own:" }),
        absoluteTimeout: 1000,
      }),
      absoluteTimeout: 1000,
    });
    const id = await session.create({ userId: "ann" });
    const [key = ""] = await client.keys("own:*");
    assert.equal((key + (await client.get(key))).includes(id), false);
    const ttl = await client.ttl(key);
    assert.ok(ttl > 990 && ttl <= 1000, `${ttl}`);
    await client.set(key, JSON.stringify({ cookie: {}, other: "application" }));
    assert.equal(await session.get(id), undefined);
    client.destroy();
    await assert.rejects(
      session.get(id),
      (error) => error instanceof StoreError && error.store === "ExpressSessionStore",
    );
    await assert.rejects(session.create({}), StoreError);
  });
});

describe("ExpressSessionStore", () => {
  it("takes ENOENT for no session, every other failure for a failure, and wants a store", async () => {
    let failure: unknown;
    const fail = (_sid: string, ...rest: unknown[]): unknown =>
      (rest.at(-1) as (error: unknown) => void)(failure);
    const session = new Session({
      store: new ExpressSessionStore({ store: { get: fail, set: fail, destroy: fail } }),
    });
    failure = Object.assign(new Error("no such file"), { code: "ENOENT" });
    const id = await new Session().create({});
    assert.equal(await session.get(id), undefined);
    for (failure of [new Error("down"), "down"]) await assert.rejects(session.get(id), StoreError);
    assert.throws(
      () =>
        new ExpressSessionStore({
          store: { get: fail, set: fail, destroy: fail },
          prefix: "a",
        } as never),
      /Invalid option prefix: /,
    );
    for (const wrong of [undefined, {}, new Map()])
      assert.throws(() => new ExpressSessionStore({ store: wrong as never }), TypeError);
  });

  it("takes what an async store rejects instead of calling back for a failure, which would end the process", async () => {
    const fail = async (): Promise<never> => {
      throw new Error("forgotten");
    };
    const session = new Session({
      store: new ExpressSessionStore({ store: { get: fail, set: fail, destroy: fail } }),
      storeTimeout: false,
    });
    const id = await new Session().create({});
    const calls = [session.get(id), session.create({}), session.delete(id)];
    await Promise.all(
      calls.map((call) =>
        assert.rejects(
          call,
          (error) => error instanceof StoreError && (error.cause as Error).message === "forgotten",
        ),
      ),
    );
  });
});
