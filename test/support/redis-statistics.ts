// What a redis-server was asked, by its own count.
import { createClient } from "redis";

/** A connection that counts, beside the one that is counted. */
export interface RedisStatistics {
  /**
   * The commands that clients sent while a task ran: names and how often. What scripts call in the
   * server is not among them.
   */
  during(task: () => Promise<unknown>): Promise<Record<string, number>>;
  /** Any command. */
  ask(...command: string[]): Promise<unknown>;
  close(): Promise<void>;
}

// What scripts call is counted by the server too. GET and MGET are sent by the store, and GET by
// its scripts as well.
const ASKED = ["eval", "evalsha", "mget", "scan"];

export async function openRedisStatistics(url: string): Promise<RedisStatistics> {
  const client = await createClient({ url }).connect();
  const counts = async (): Promise<Map<string, number>> => {
    const text = String(await client.sendCommand(["INFO", "commandstats"]));
    return new Map(
      [...text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name = "", calls]) => [
        name,
        Number(calls),
      ]),
    );
  };
  return {
    async during(task) {
      await client.sendCommand(["CONFIG", "RESETSTAT"]);
      await task();
      const found = await counts();
      const scripts = (found.get("eval") ?? 0) + (found.get("evalsha") ?? 0);
      // Without a script in between, every GET came from a client.
      const names = scripts === 0 ? [...ASKED, "get"] : ASKED;
      return Object.fromEntries(
        names.flatMap((name) => (found.has(name) ? [[name, found.get(name) as number]] : [])),
      );
    },
    ask: (...command) => client.sendCommand(command),
    close: () => client.close(),
  };
}
