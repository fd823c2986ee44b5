// The seed's custom store against a real Redis: what it is given is the id and the plain data.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Session } from "harpiats/session";
import { createClient } from "redis";
import { Browser, serveApp } from "../support/http.ts";
import { type RedisServer, skipWithoutRedis, startRedisServer } from "../support/redis-server.ts";
import { loginApp } from "./login-app.ts";
import { makeRedisStore } from "./redis-store.ts";

describe("the seed's store on Redis", { skip: skipWithoutRedis() }, () => {
  let server: RedisServer;
  let redis: ReturnType<typeof createClient>;

  before(async () => {
    server = await startRedisServer();
    redis = createClient({ url: server.url });
    await redis.connect();
  });

  after(async () => {
    await redis?.close();
    await server?.stop();
  });

  it("keeps a visitor from sign-in to sign-out, over HTTP", async (t) => {
    const { url } = await serveApp(t, loginApp(new Session({ store: makeRedisStore(redis) })));
    const browser = new Browser(url);
    await browser.fetch("/login");
    const id = browser.cookies.get("session_id") ?? "";
    assert.equal(await redis.get(id), '{"userId":"ada","role":"guest"}');

    assert.deepEqual(await browser.json("/update-role"), { isUpdated: true });
    assert.equal(await redis.get(id), '{"userId":"ada","role":"editor"}');
    assert.deepEqual(await browser.json("/profile"), {
      signedIn: true,
      visitor: { userId: "ada", role: "editor" },
    });

    assert.deepEqual(await browser.json("/logout"), { signedOut: true });
    assert.equal(await redis.exists(id), 0);
    browser.cookies.set("session_id", id);
    assert.deepEqual(await browser.json("/profile"), { signedIn: false });
  });

  it("outlives the process that made the session", async (t) => {
    const first = new Session({ store: makeRedisStore(redis) });
    const id = await first.create({ userId: "ada" });
    const { url } = await serveApp(t, loginApp(new Session({ store: makeRedisStore(redis) })));
    const browser = new Browser(url);
    browser.cookies.set("session_id", id);
    assert.deepEqual(await browser.json("/profile"), {
      signedIn: true,
      visitor: { userId: "ada" },
    });
  });

  it("loses none of many updates at once in one process", async () => {
    const session = new Session({ store: makeRedisStore(redis) });
    const id = await session.create({ userId: "ada" });
    const fields = Array.from({ length: 20 }, (_, at) => `field${at}`);
    await Promise.all(fields.map((field) => session.update(id, { [field]: true })));
    assert.deepEqual(await session.get(id), {
      userId: "ada",
      ...Object.fromEntries(fields.map((field) => [field, true])),
    });
  });

  it("that is down is an error and not a visitor who is signed out", async () => {
    const broken = createClient({ url: server.url });
    await broken.connect();
    const session = new Session({ store: makeRedisStore(broken) });
    const id = await session.create({ userId: "ada" });
    broken.destroy();
    await assert.rejects(session.get(id), {
      name: "StoreError",
      code: "ERR_STORE_UNAVAILABLE",
      store: "Store",
      operation: "read",
    });
  });
});
