// The command and openStore on Redis: with each client that may be installed, and with each fault
// that the doctor says it finds.
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { createClient } from "redis";
import { runCommand } from "../../src/cli/program.ts";
import { Session } from "../../src/session.ts";
import { openStore } from "../../src/stores/open.ts";
import { commandRunner } from "../support/command.ts";
import { faultsOf, startOlder } from "../support/doctor.ts";
import { installPackage } from "../support/installed-package.ts";
import { type RedisServer, skipWithoutRedis, startRedisServer } from "../support/redis-server.ts";
import { aborted, listening, until } from "../support/waits.ts";

type Visitor = { userId: string; role?: string };

const connectAdmin = (url: string) => createClient({ url }).connect();

describe("harpiats, on Redis", { skip: skipWithoutRedis() }, () => {
  let server: RedisServer;
  let admin: Awaited<ReturnType<typeof connectAdmin>>;
  const run = commandRunner(runCommand);
  const redis = (...words: string[]): Promise<unknown> => admin.sendCommand(words);
  const faults = (url = server.url, now?: () => number) => faultsOf(run, url, now);

  before(async () => {
    server = await startRedisServer({ arguments: ["--appendonly", "yes", "--appendfsync", "no"] });
    admin = await connectAdmin(server.url);
  });
  after(async () => {
    await admin.close();
    await server.stop();
  });

  it("opens a store by its URL, with a prefix of its own, and closes it", async () => {
    const { store, kind, address, close } = await openStore<Visitor>(
      `redis://user%40:p%40ss@127.0.0.1:${server.port}/0?prefix=app:&notify=false`,
    ).catch(async (error: Error) => {
      // No such user yet: then there is.
      assert.match(error.message, /WRONGPASS/);
      assert.doesNotMatch(error.message, /p(@|%40)ss/);
      await redis("ACL", "SETUSER", "user@", "on", ">p@ss", "~app:*", "+@all");
      return openStore<Visitor>(
        `redis://user%40:p%40ss@127.0.0.1:${server.port}/0?prefix=app:&notify=false`,
      );
    });
    assert.deepEqual([kind, address], ["redis", `redis://127.0.0.1:${server.port}/0`]);
    const session = new Session<Visitor>({ store });
    const id = await session.create({ userId: "ada" });
    assert.deepEqual(await session.get(id), { userId: "ada" });
    assert.ok((await admin.keys("app:*")).length > 0);
    assert.equal((await admin.keys("harpiats:*")).length, 0);
    await close();
    await assert.rejects(session.get(id));
  });

  it("takes ioredis where there is no redis, and says what to install where there is neither", async () => {
    const [withIoRedis, without] = await Promise.all([
      installPackage(["ioredis"]),
      installPackage([]),
    ]);
    try {
      const { openStore: open } = (await withIoRedis.load("stores/open.js")) as {
        openStore: typeof openStore;
      };
      const { store, close } = await open<Visitor>(`${server.url}?prefix=io:`);
      const id = await new Session<Visitor>({ store }).create({ userId: "ada" });
      assert.deepEqual(await new Session<Visitor>({ store }).get(id), { userId: "ada" });
      await close();
      await assert.rejects(open("redis://:s3cret@127.0.0.1:1"), (error: Error) =>
        /^Cannot open redis:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/.test(error.message),
      );
      const { openStore: openNothing } = (await without.load("stores/open.js")) as {
        openStore: typeof openStore;
      };
      for (const [url, wanted] of [
        ["redis://h", "neither redis nor ioredis"],
        ["postgres://h/d", "neither pg nor postgres"],
        ["mysql://h/d", "mysql2"],
      ] as const) {
        await assert.rejects(
          openNothing(url),
          (error: Error & { code: string }) =>
            error.code === "ERR_STORE_UNSUPPORTED" &&
            error.message.includes(`${wanted} is installed`.replace("mysql2 is", "mysql2 is not")),
        );
      }
    } finally {
      await Promise.all([withIoRedis.remove(), without.remove()]);
    }
  });

  it(
    "waits no longer than connectTimeout for what takes the connection and says nothing",
    { timeout: 30_000 },
    async () => {
      const installed = await installPackage(["ioredis"]);
      const { openStore: withIoRedis } = (await installed.load("stores/open.js")) as {
        openStore: typeof openStore;
      };
      const sockets: Socket[] = [];
      const silent = createServer(
        (socket) => void sockets.push(socket.resume().on("error", () => {})),
      ).listen(0, "127.0.0.1");
      await listening(silent);
      // A server that listens on a port has an address with one.
      const { port } = silent.address() as AddressInfo;
      try {
        for (const open of [openStore, withIoRedis]) {
          for (const query of ["", "?cluster=true"]) {
            await assert.rejects(
              open(`redis://127.0.0.1:${port}${query}`, { connectTimeout: 0.2 }),
              (error: Error) =>
                /^Cannot open redis:\S+: it did not answer within 0\.2 s, a server that answers is wanted$/.test(
                  error.message,
                ),
            );
          }
        }
      } finally {
        // node-redis does not let go of the node of a cluster that it was asking for the others.
        for (const socket of sockets) socket.destroy();
        silent.close();
        await installed.remove();
      }
    },
  );

  it("lists, counts, shows and ends sessions, and tells the application of it", async () => {
    const { store, close } = await openStore<Visitor>(server.url);
    const session = new Session<Visitor>({ store });
    const ids = await Promise.all(
      ["ada", "grace", "grace"].map((userId) => session.create({ userId, role: "s3cret" })),
    );
    const env = { HARPIATS_STORE: server.url };
    assert.equal((await run("sessions count", { env })).out, "3\n");
    const list = (await run("sessions list --json", { env })).out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { handle: string; userId: string });
    assert.deepEqual(list.map(({ userId }) => userId).sort(), ["ada", "grace", "grace"]);
    const ada = list.find(({ userId }) => userId === "ada")?.handle;
    assert.match((await run(`sessions show ${ada}`, { env })).out, /^User +ada$/m);
    const ended = session.watch(ids[0]);
    assert.equal((await run(`sessions revoke ${ada}`, { env })).code, 0);
    await aborted(ended, "the watched session to end");
    assert.deepEqual(
      JSON.parse((await run("sessions revoke --user grace --yes --json", { env })).out),
      { ended: 2 },
    );
    await session.create({ userId: "ada" });
    assert.equal((await run("sessions revoke --all --yes", { env })).code, 0);
    assert.equal((await run("sessions count", { env })).out, "0\n");
    assert.match((await run("prune", { env })).out, /there is nothing to prune/);
    assert.match((await run("schema", { env })).out, /needs no schema/);
    await close();
  });

  it("measures the store, and leaves no key", async () => {
    const before = await admin.keys("*");
    const { code, out } = await run(`bench --store ${server.url} --sessions 300 --json`);
    assert.equal(code, 0);
    const { operations, bytesEach } = JSON.parse(out) as {
      operations: { operation: string; roundTrips: number }[];
      bytesEach: number;
    };
    for (const { operation, roundTrips } of operations)
      assert.ok(roundTrips >= 1 && roundTrips < 1.1, `${operation} ${roundTrips}`);
    assert.ok(bytesEach > 300 && bytesEach < 2000, String(bytesEach));
    assert.deepEqual((await admin.keys("*")).sort(), before.sort());
  });

  it("finds each of the faults that it says it finds", async () => {
    assert.deepEqual(await faults(), {});
    assert.deepEqual(await faults(server.url, () => Date.now() + 60_000), { clock: "fault" });
    assert.deepEqual(await faults(server.url, () => Date.now() - 60_000), { clock: "fault" });

    await redis("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    assert.deepEqual(await faults(), { eviction: "fault" });
    await redis("CONFIG", "SET", "maxmemory-policy", "noeviction");

    await redis("CONFIG", "SET", "maxmemory", "600kb");
    assert.deepEqual(await faults(), { memory: "fault", trial: "fault" });
    await redis("CONFIG", "SET", "maxmemory", "0");

    await redis("CONFIG", "SET", "appendonly", "no");
    assert.deepEqual(await faults(), { persistence: "advice" });
    await redis("CONFIG", "SET", "save", "3600 1");
    assert.deepEqual(await faults(), { persistence: "fault" });

    await redis(
      "ACL",
      "SETUSER",
      "reader",
      "on",
      ">pw",
      "~*",
      "&*",
      "+@read",
      "+info",
      "+time",
      "+ping",
      "+hello",
      "+client",
    );
    assert.deepEqual(await faults(`redis://reader:pw@127.0.0.1:${server.port}`), {
      persistence: "fault",
      trial: "fault",
    });
    // Whether there are snapshots it cannot know then, and does not say.
    assert.match(
      (await run(`doctor --store redis://reader:pw@127.0.0.1:${server.port}`)).out,
      /persistence {2}no append-only file, and CONFIG GET is refused here: if there are snapshots/,
    );

    await redis("REPLICAOF", "127.0.0.1", "1");
    assert.deepEqual(Object.keys(await faults()), ["role", "persistence", "trial"]);
    await redis("REPLICAOF", "NO", "ONE");

    // The folder under it goes away, as a disk does.
    const folder = String(Object.values((await redis("CONFIG", "GET", "dir")) as object)[0]);
    await rm(folder, { recursive: true });
    await redis("BGSAVE").catch(() => {});
    await until("the snapshot to have failed", async () =>
      /rdb_bgsave_in_progress:0/.test(String(await redis("INFO", "persistence"))),
    );
    assert.equal((await faults())["disk"], "fault");
    // Or it would not end before it had saved.
    await redis("CONFIG", "SET", "save", "");
  });

  it("finds that a node is one of a cluster, and that a server is too old", async () => {
    const node = await startRedisServer({
      arguments: ["--cluster-enabled", "yes", "--appendonly", "yes"],
    });
    try {
      assert.deepEqual(Object.keys(await faults(node.url)), ["cluster", "trial"]);
      await assert.rejects(
        openStore(node.url),
        /it is a node of a Redis Cluster: cluster=true is missing/,
      );
      const client = await connectAdmin(node.url);
      await client.sendCommand(["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
      await until("the cluster to be whole", async () =>
        String(await client.sendCommand(["CLUSTER", "INFO"])).includes("cluster_state:ok"),
      );
      await client.close();
      assert.deepEqual(await faults(`${node.url}?cluster=true`), {});
      const { store, close } = await openStore<Visitor>(`${node.url}?cluster=true`);
      const id = await new Session<Visitor>({ store }).create({ userId: "ada" });
      assert.deepEqual(await new Session<Visitor>({ store }).get(id), { userId: "ada" });
      await close();
      assert.equal((await run(`sessions count --store ${node.url}?cluster=true`)).out, "1\n");
    } finally {
      await node.stop();
    }
    const version = /redis_version:(\S+)/.exec(String(await redis("INFO", "server")))?.[1] ?? "";
    const older = await startOlder(
      server.port,
      `redis_version:${version}`,
      `redis_version:5${version.slice(1)}`,
    );
    assert.equal((await faults(`redis://127.0.0.1:${older.port}`))["version"], "fault");
    await older.close();
  });
});
