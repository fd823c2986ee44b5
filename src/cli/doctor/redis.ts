// What the doctor asks Redis. Only INFO and TIME have to be allowed; what CONFIG would say more is
// left out where it is refused.
import { clockFinding, advice, fault, type Finding, ok, versionFinding } from "./findings.ts";

type Command = (...words: string[]) => Promise<unknown>;

const NEARLY_FULL = 0.9;

export async function examineRedis(
  command: Command,
  options: { now: () => number; isCluster: boolean },
): Promise<Finding[]> {
  const info = parseInfo(String(await command("INFO", "everything")));
  return [
    versionFinding("Redis", info.get("redis_version") ?? "unknown", [6, 2]),
    await clockFinding(options.now, async () => {
      const [seconds, microseconds] = (await command("TIME")) as [unknown, unknown];
      return Number(String(seconds)) * 1000 + Number(String(microseconds)) / 1000;
    }),
    roleFinding(info),
    clusterFinding(info, options.isCluster),
    evictionFinding(info),
    memoryFinding(info),
    await persistenceFinding(info, command),
    savingFinding(info),
  ].filter((finding) => finding !== undefined);
}

function roleFinding(info: Map<string, string>): Finding {
  if (info.get("role") !== "slave") return ok("role", "master");
  return fault(
    "role",
    "a replica",
    "connect to the master: a replica learns late of a logout, and refuses to write",
  );
}

function clusterFinding(info: Map<string, string>, isCluster: boolean): Finding | undefined {
  if (info.get("cluster_enabled") !== "1" || isCluster) return undefined;
  return fault(
    "cluster",
    "this is a node of a Redis Cluster",
    "add ?cluster=true to the URL, or use createCluster: one node has only a part of the sessions",
  );
}

function evictionFinding(info: Map<string, string>): Finding {
  const policy = info.get("maxmemory_policy") ?? "unknown";
  if (policy === "noeviction") return ok("eviction", "noeviction");
  return fault(
    "eviction",
    `maxmemory-policy is ${policy}`,
    "CONFIG SET maxmemory-policy noeviction, and in redis.conf: when memory is short, people are logged out, and users' indexes are lost",
  );
}

function memoryFinding(info: Map<string, string>): Finding {
  const [used, most] = [Number(info.get("used_memory")), Number(info.get("maxmemory"))];
  const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6).toLocaleString("en")} MB`;
  if (most === 0) return ok("memory", `${megabytes(used)} used, no limit`);
  if (used < most * NEARLY_FULL)
    return ok("memory", `${megabytes(used)} of ${megabytes(most)} used`);
  return fault(
    "memory",
    `${megabytes(used)} of ${megabytes(most)} used`,
    "raise maxmemory: when it is full, nobody can sign in",
  );
}

async function persistenceFinding(info: Map<string, string>, command: Command): Promise<Finding> {
  if (info.get("aof_enabled") === "1") return ok("persistence", "append-only file");
  const save = await command("CONFIG", "GET", "save").then(valueOf, () => undefined);
  if (save === "")
    return advice(
      "persistence",
      "none: a restart signs everybody out",
      "CONFIG SET appendonly yes, and in redis.conf, with appendfsync everysec",
    );
  // Nobody but CONFIG tells whether there are snapshots.
  const found =
    save === undefined
      ? "no append-only file, and CONFIG GET is refused here: if there are snapshots, a crash"
      : "snapshots only: a crash";
  return fault(
    "persistence",
    `${found} brings back what was signed out since the last one`,
    "CONFIG SET appendonly yes, and in redis.conf, with appendfsync everysec",
  );
}

/** A reply of pairs: a list, or by the newer protocol a map. */
function valueOf(reply: unknown): string {
  const pairs =
    reply instanceof Map
      ? [...reply].flat()
      : Array.isArray(reply)
        ? reply
        : Object.entries(Object(reply)).flat();
  return String(pairs[1] ?? "");
}

function savingFinding(info: Map<string, string>): Finding | undefined {
  const failing = [
    "rdb_last_bgsave_status",
    "aof_last_write_status",
    "aof_last_bgrewrite_status",
  ].filter((name) => info.get(name) === "err");
  if (failing.length === 0) return undefined;
  return fault(
    "disk",
    `Redis could not write to its disk: ${failing.join(", ")}`,
    "look into its log, and at the room and the rights of its folder: it may refuse every sign-in until it can",
  );
}

function parseInfo(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/^([^#:\r\n]+):([^\r\n]*)/gm)].map(([, name = "", value = ""]) => [
      name,
      value,
    ]),
  );
}
