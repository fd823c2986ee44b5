// A real Redis Cluster of the test's own: three masters with a replica each, on free ports in
// temporary folders.
import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { type RedisServer, startRedisServer } from "./redis-server.ts";
import { until as waitUntil } from "./waits.ts";

const run = promisify(execFile);

export interface RedisCluster {
  /** Of all six nodes. */
  readonly ports: readonly number[];
  /**
   * Kills the master of a slot with SIGKILL. Resolves when its replica has taken over.
   *
   * @returns the port of the dead one.
   */
  killMasterOf(slot: number): Promise<number>;
  /**
   * Starts again a node that was killed, which becomes a replica. Resolves when the cluster is
   * whole.
   */
  revive(port: number): Promise<void>;
  /** What one node answers to a command. */
  ask(port: number, ...command: string[]): Promise<string>;
  /** The ports of the masters, in the order of their slots. */
  masters(): Promise<number[]>;
  stop(): Promise<void>;
}

const NODES = 6;
// So long a silence is a failure: a real cluster waits for longer, and a busy machine must not look
// like a dead one.
const NODE_TIMEOUT = "2000";
const PATIENCE = 40_000;

/** Starts the nodes and makes a cluster of them. Resolves when every node knows it. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const settings = [
    "--cluster-enabled",
    "yes",
    "--cluster-config-file",
    "nodes.conf",
    "--cluster-node-timeout",
    NODE_TIMEOUT,
    "--cluster-replica-validity-factor",
    "0",
  ];
  const servers: RedisServer[] = [];
  const stop = async (): Promise<void> =>
    void (await Promise.all(servers.map((server) => server.stop())));
  try {
    await Promise.all(
      Array.from(
        { length: NODES },
        async () => void servers.push(await startRedisServer({ arguments: settings })),
      ),
    );
    const ports = servers.map(({ port }) => port);
    const ask = async (port: number, ...command: string[]): Promise<string> =>
      (await run("redis-cli", ["-p", String(port), ...command])).stdout;
    await run("redis-cli", [
      "--cluster",
      "create",
      ...ports.map((port) => `127.0.0.1:${port}`),
      "--cluster-replicas",
      "1",
      "--cluster-yes",
    ]);
    const alive = new Set(ports);
    const slots = async (): Promise<{ from: number; till: number; port: number }[]> => {
      const lines = (await ask([...alive][0] as number, "CLUSTER", "NODES"))
        .split("\n")
        .filter((line) => line.includes("master") && !line.includes("fail"));
      return lines.flatMap((line) => {
        const [, address = "", , , , , , , range] = line.split(" ");
        const [from, till] = range?.split("-").map(Number) ?? [];
        return from === undefined
          ? []
          : { from, till: till ?? from, port: Number(address.split("@")[0]?.split(":")[1]) };
      });
    };
    const masters = async (): Promise<number[]> =>
      (await slots()).sort((a, b) => a.from - b.from).map(({ port }) => port);
    const isWhole = async (): Promise<boolean> => {
      const states = await Promise.all(
        [...alive].map((port) => ask(port, "CLUSTER", "INFO").catch(() => "")),
      );
      const roles = await Promise.all([...alive].map((port) => ask(port, "ROLE").catch(() => "")));
      const isLinked = roles.every(
        (role) => role.startsWith("master") || role.includes("connected"),
      );
      return (
        isLinked &&
        states.every(
          (state) => state.includes("cluster_state:ok") && state.includes("cluster_slots_ok:16384"),
        )
      );
    };
    const isKnownEverywhere = async (): Promise<boolean> => {
      const known = await Promise.all(
        [...alive].map((port) => ask(port, "CLUSTER", "NODES").catch(() => "")),
      );
      return known.every(
        (nodes) =>
          nodes.split("\n").filter((line) => line.includes("slave") && !line.includes("fail"))
            .length ===
          NODES / 2,
      );
    };
    await until(async () => (await isWhole()) && (await isKnownEverywhere()));
    return {
      ports,
      ask,
      masters,
      stop,
      async killMasterOf(slot) {
        const owner = (await slots()).find(({ from, till }) => from <= slot && slot <= till)
          ?.port as number;
        alive.delete(owner);
        await servers.find(({ port }) => port === owner)?.kill();
        await until(
          async () =>
            (await slots()).some(
              ({ from, till, port }) => from <= slot && slot <= till && port !== owner,
            ) && (await isWhole()),
        );
        return owner;
      },
      async revive(port) {
        await servers.find((server) => server.port === port)?.restart();
        alive.add(port);
        await until(async () => (await isWhole()) && (await isKnownEverywhere()));
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const calmly = async (): Promise<boolean> => (await condition()) || (await sleep(50, false));
  await waitUntil("the cluster to be whole", calmly, { limit: PATIENCE });
}
