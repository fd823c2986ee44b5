// Deletes what has expired from SqliteStore's table, in pieces. When it is done,
// `stores/shared/sql-pruning.ts` says for all databases.
import { setTimeout } from "node:timers/promises";
import type { Clock } from "../../core/clock.ts";
import type { StoreChange } from "../../core/store.ts";
import { exists, type SqliteStatement } from "./client.ts";

// Rows looked at in one go: a millisecond or two, then others get a turn.
const AT_ONCE = 1000;

/** What it asks of the store. */
export interface PrunableRows {
  clock: Clock;
  statement(name: "page" | "expired" | "prune"): SqliteStatement;
  /** Does the work in a transaction, and tells of the changes after it. */
  change<T>(work: (changes: StoreChange[]) => T): Promise<T>;
}

/**
 * Walks the whole table along its keys, and takes the write lock only where something has expired.
 *
 * @returns how many rows are gone.
 */
export async function pruneRows(rows: PrunableRows): Promise<number> {
  const { clock, statement } = rows;
  let pruned = 0;
  let from = "";
  for (;;) {
    const last = statement("page").get(from, AT_ONCE - 1) as { key: string } | null | undefined;
    // Behind every key: no key has a character that sorts so late.
    const to = last?.key ?? "\u{10ffff}";
    if (exists(statement("expired").get(from, to, clock.now())))
      pruned += await pruneBetween(rows, from, to);
    if (!last) return pruned;
    from = to;
    await setTimeout(0);
  }
}

function pruneBetween(
  { clock, statement, change }: PrunableRows,
  from: string,
  to: string,
): Promise<number> {
  return change((changes) => {
    const gone = statement("prune").all(from, to, clock.now()) as {
      key: string;
      expires_at: number;
      ends_at: number;
    }[];
    for (const { key, expires_at, ends_at } of gone)
      changes.push({ type: "expired", key, limit: expires_at < ends_at ? "idle" : "absolute" });
    return gone.length;
  });
}
