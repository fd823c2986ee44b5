// Walks through the keys of all servers, page by page, with a cursor that survives between pages.
import type { RedisNode } from "./client.ts";
import type { FoundRecords } from "./users.ts";

export interface ScanOptions {
  cursor?: string | undefined;
  /** About so many keys a page. */
  limit: number;
}

/**
 * One page. The cursor says which servers are done, which one is being walked through and how far.
 * A server that has taken the place of another since then is walked through from its beginning: a
 * key may come twice, and none is left out.
 */
export async function scanNodes(
  nodes: readonly RedisNode[],
  pattern: string,
  { cursor, limit }: ScanOptions,
): Promise<{ keys: string[]; cursor?: string }> {
  const [at = "0", current, ...done] = cursor?.split(",") ?? [];
  const node =
    nodes.find(({ name }) => name === current) ?? nodes.find(({ name }) => !done.includes(name));
  if (!node) return { keys: [] };
  const page = await node.scan(node.name === current ? at : "0", pattern, limit);
  if (page.cursor !== "0")
    return { keys: page.keys, cursor: [page.cursor, node.name, ...done].join(",") };
  const finished = [...done, node.name];
  const next = nodes.find(({ name }) => !finished.includes(name));
  return next
    ? { keys: page.keys, cursor: ["0", next.name, ...finished].join(",") }
    : { keys: page.keys };
}

// Each attempt but the first means that a session was given another key between two commands.
const MOST_ATTEMPTS = 100;

/**
 * The records of keys that a walk has met, each session once. The key that a session began with is
 * there for as long as the session is: later ones come and go, and a walk may miss them. So one
 * that was given another key is found by the pointer that it left there, and by nothing else.
 */
export async function recordsOnWalk(
  keys: readonly string[],
  read: (keys: readonly string[]) => Promise<FoundRecords>,
): Promise<FoundRecords> {
  const { epoch, records } = await read(keys);
  const found: FoundRecords = { epoch, records: [] };
  let pointers = new Map<string, string>();
  const take = (met: FoundRecords, isFirst: boolean): void => {
    found.epoch = met.epoch;
    for (const record of met.records) {
      const target = targetOf(record.text);
      if (target !== undefined) pointers.set(record.key, target);
      else if (!isFirst || !isMoved(record.text)) found.records.push(record);
    }
  };
  take({ epoch, records }, true);
  for (let attempt = 0; pointers.size > 0 && attempt < MOST_ATTEMPTS; attempt++) {
    const followed = pointers;
    pointers = new Map();
    const met = await read([...followed.values()]);
    take(met, false);
    const isThere = new Set(met.records.map(({ key }) => key));
    // Ended, or moved on meanwhile: then the pointer says where to.
    const lost = [...followed].filter(([, target]) => !isThere.has(target));
    if (lost.length === 0) break;
    const again = await read(lost.map(([key]) => key));
    const unchanged = ({ key, text }: FoundRecords["records"][number]): boolean =>
      targetOf(text) === followed.get(key);
    take(
      { epoch: again.epoch, records: again.records.filter((record) => !unchanged(record)) },
      false,
    );
  }
  return found;
}

function targetOf(text: string | null): string | undefined {
  return /^\{"harpia":1,"movedTo":"([\w.-]+)"\}$/.exec(text ?? "")?.[1];
}

/** Whether a record is of a session that began with another key. */
function isMoved(text: string | null): boolean {
  return /^\{"harpia":1,[^\n{]*"change":"[\w-]*","origin":"/.test(text ?? "");
}

// Enough to be off by a few hundredths, and little enough for a millisecond or two.
const SAMPLE = 1000;

/**
 * About how many keys of a pattern there are: of a sample of each server's keys so many are, and so
 * will the rest be.
 */
export async function estimateKeys(nodes: readonly RedisNode[], pattern: string): Promise<number> {
  const counts = await Promise.all(
    nodes.map(async (node) => {
      const [all, ours, size] = await Promise.all([
        node.scan("0", "*", SAMPLE),
        node.scan("0", pattern, SAMPLE),
        node.size(),
      ]);
      return ours.cursor === "0"
        ? ours.keys.length
        : Math.round((size * ours.keys.length) / Math.max(all.keys.length, 1));
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
