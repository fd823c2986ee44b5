// RedisStore through Sentinel: the client asks it for the master, and again when another has become
// it.
import assert from "node:assert/strict";
import { type ChildProcess, execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { createSentinel } from "redis";
import { createSentinel as createSentinel5 } from "redis5";
import { Session } from "../../../src/session.ts";
import { type RedisClient, RedisStore } from "../../../src/stores/redis.ts";
import { storeConformance } from "../../../src/testing.ts";
import {
  type RedisServer,
  skipWithoutRedis,
  startRedisServer,
} from "../../support/redis-server.ts";
import { freePort } from "../../support/server-process.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { end, until, within } from "../../support/waits.ts";
import { spawn } from "../../support/children.ts";

const run = promisify(execFile);
const runner = { describe, it, before, after };
const NAME = "sessions";

/** A sentinel of one master: one vote is enough here, as it never is in production. */
class Sentinel {
  port = 0;
  #child: ChildProcess | undefined;
  #folder: Awaited<ReturnType<typeof temporaryFolder>> | undefined;

  async start(masterPort: number): Promise<void> {
    this.#folder = await temporaryFolder("sentinel");
    this.port = await freePort();
    const lines = [
      `port ${this.port}`,
      "bind 127.0.0.1",
      `dir ${this.#folder.path}`,
      `sentinel monitor ${NAME} 127.0.0.1 ${masterPort} 1`,
      // A loaded machine must not look like a dead one.
      `sentinel down-after-milliseconds ${NAME} 3000`,
      `sentinel failover-timeout ${NAME} 2000`,
    ];
    const file = join(this.#folder.path, "sentinel.conf");
    await writeFile(file, `${lines.join("\n")}\n`);
    this.#child = spawn("redis-server", [file, "--sentinel"], { stdio: "ignore" });
    await until("the sentinel to answer", async () =>
      (await this.ask("ping").catch(() => "")).includes("PONG"),
    );
  }

  async ask(...command: string[]): Promise<string> {
    return (await run("redis-cli", ["-p", String(this.port), ...command])).stdout;
  }

  /** The port of the master, which changes whenever the sentinel finds it silent. */
  async master(): Promise<number> {
    return Number((await this.ask("sentinel", "get-master-addr-by-name", NAME)).split("\n")[1]);
  }

  async stop(): Promise<void> {
    await end(this.#child, "SIGTERM");
    await this.#folder?.remove();
  }
}

interface Opened {
  client: RedisClient;
  close(): Promise<unknown>;
  /** Whatever state it is in. */
  drop(): unknown;
}

describe(
  "RedisStore through Sentinel",
  { skip: skipWithoutRedis() || skipWithoutRedis("redis-cli") },
  () => {
    let master: RedisServer;
    let replica: RedisServer;
    const sentinel = new Sentinel();
    before(async () => {
      master = await startRedisServer();
      replica = await startRedisServer({ arguments: ["--replicaof", `127.0.0.1 ${master.port}`] });
      await sentinel.start(master.port);
      // Known alone is not enough: it chooses no replica whose link to the master it saw down.
      await until("the sentinel to see the replica linked", async () => {
        const replicas = (await sentinel.ask("sentinel", "replicas", NAME)).split("\n");
        const isLinked = replicas[replicas.indexOf("master-link-status") + 1] === "ok";
        return replicas.includes(String(replica.port)) && isLinked;
      });
    });
    after(async () => {
      await sentinel.stop();
      await replica.stop();
      await master.stop();
    });

    const at = (): { host: string; port: number } => ({ host: "127.0.0.1", port: sentinel.port });
    const clients: { name: string; open(): Promise<Opened> }[] = [
      {
        name: "node-redis 6",
        async open() {
          const client = await createSentinel({ name: NAME, sentinelRootNodes: [at()] })
            .on("error", () => {})
            .connect();
          return { client, close: () => client.close(), drop: () => client.destroy() };
        },
      },
      {
        name: "node-redis 5",
        async open() {
          const client = await createSentinel5({ name: NAME, sentinelRootNodes: [at()] })
            .on("error", () => {})
            .connect();
          return { client, close: () => client.close(), drop: () => client.destroy() };
        },
      },
      {
        name: "ioredis 6",
        async open() {
          const client = new Redis({ name: NAME, sentinels: [at()] });
          client.on("error", () => {});
          return { client, close: () => client.quit(), drop: () => client.disconnect() };
        },
      },
    ];
    for (const { name, open } of clients) {
      storeConformance(runner, {
        name: `RedisStore with ${name} by Sentinel`,
        async open(clock) {
          const { client, close } = await open();
          return {
            store: new RedisStore({ client, clock, prefix: `${name.replace(" ", "-")}:` }),
            close,
          };
        },
      });
    }

    it("sessions go on when the replica has become the master", { timeout: 60_000 }, async (t) => {
      const opened = await Promise.all(clients.map(({ open }) => open()));
      // Of a test that failed: clients that look for a master keep a process alive.
      t.after(() => {
        for (const { drop } of opened) drop();
      });
      const sessions = opened.map(
        ({ client }) => new Session({ store: new RedisStore({ client }), storeTimeout: 1 }),
      );
      const ids = await Promise.all(sessions.map((session) => session.create({ userId: "ada" })));
      // Replication is not waited for by anybody else either.
      await until("the replica to have it all", async () => {
        const port = String(await sentinel.master());
        return (await run("redis-cli", ["-p", port, "WAIT", "1", "1000"])).stdout.startsWith("1");
      });
      const current = await sentinel.master();
      await (current === master.port ? master : replica).kill();
      const update = async (n: number): Promise<boolean> => {
        const outcome: { isUpdated?: boolean; error?: unknown } = {};
        const look = async (): Promise<boolean> => {
          await (sessions[n] as Session).update(ids[n], { n }).then(
            (isUpdated) => (outcome.isUpdated = isUpdated),
            (error: Error) => (outcome.error = `${error.message}: ${String(error.cause)}`),
          );
          return outcome.isUpdated !== undefined || sleep(100, false);
        };
        const seen = (): unknown => outcome.error;
        await until(`an update by ${clients[n]?.name} to be answered`, look, { seen });
        return outcome.isUpdated as boolean;
      };
      assert.deepEqual(await Promise.all(sessions.map((_, n) => update(n))), [true, true, true]);
      assert.deepEqual(
        await Promise.all(sessions.map((session, n) => session.get(ids[n]))),
        sessions.map((_, n) => ({ userId: "ada", n })),
      );
      await Promise.all(
        opened.map(({ close }, n) => within(`${clients[n]?.name} to be closed`, close())),
      );
    });
  },
);
