// Walks through the keys of all servers, page by page, with a cursor that survives between pages.
import type { RedisNode } from "./_redis-client.ts";

export interface ScanOptions {
  cursor?: string | undefined;
  /** About so many keys a page. */
  limit: number;
}

/**
 * One page. The cursor says which servers are done, which one is being walked through and how far. A server that has
 * taken the place of another since then is walked through from its beginning: a key may come twice, and none is left out.
 */
export async function scanNodes(nodes: readonly RedisNode[], pattern: string, { cursor, limit }: ScanOptions): Promise<{ keys: string[]; cursor?: string }> {
  const [at = "0", current, ...done] = cursor?.split(",") ?? [];
  const node = nodes.find(({ name }) => name === current) ?? nodes.find(({ name }) => !done.includes(name));
  if (!node) return { keys: [] };
  const page = await node.scan(node.name === current ? at : "0", pattern, limit);
  if (page.cursor !== "0") return { keys: page.keys, cursor: [page.cursor, node.name, ...done].join(",") };
  const finished = [...done, node.name];
  const next = nodes.find(({ name }) => !finished.includes(name));
  return next ? { keys: page.keys, cursor: ["0", next.name, ...finished].join(",") } : { keys: page.keys };
}

// Enough to be off by a few hundredths, and little enough for a millisecond or two.
const SAMPLE = 1000;

/** About how many keys of a pattern there are: of a sample of each server's keys so many are, and so will the rest be. */
export async function estimateKeys(nodes: readonly RedisNode[], pattern: string): Promise<number> {
  const counts = await Promise.all(
    nodes.map(async (node) => {
      const [all, ours, size] = await Promise.all([node.scan("0", "*", SAMPLE), node.scan("0", pattern, SAMPLE), node.size()]);
      return ours.cursor === "0" ? ours.keys.length : Math.round((size * ours.keys.length) / Math.max(all.keys.length, 1));
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
