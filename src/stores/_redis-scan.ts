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
