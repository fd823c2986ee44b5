// A patch as the parameters of the statements that make one, or many; and one that is too large for
// them.
import { toJsonObject } from "../../core/data/json.ts";
import type { PatchOutcome, SessionPatch } from "../../core/store.ts";
import type { MysqlConnector, MysqlValue } from "./client.ts";
import { fromFieldsJson, toFieldsJson, toPath, toStoredValue } from "./fields.ts";
import { toFactsColumn, toText } from "./record.ts";
import { padded, type statementsOf } from "./statements.ts";

// The server's work on JSON paths grows with the square of their number: 4,000 took it 1.3 s.
const MOST_FIELDS = 128;

export interface PatchParts {
  /**
   * How many fields are set, and how many unset, a power of two or none: the shape of the
   * statement.
   */
  set: number;
  unset: number;
  /** Paths to unset, then paths and values to set. */
  fields: MysqlValue[];
  /** Of a patch with many fields, which is merged here: then there are no paths. */
  whole: { set: object; unset: readonly string[] } | undefined;
  facts: string | null;
  ifRevision: number | undefined;
}

export function toPatchParts(patch: SessionPatch<object>): PatchParts {
  const [given, removed] = [toJsonObject(patch.set ?? {}) as object, patch.unset ?? []];
  const isLarge = Object.keys(given).length + removed.length > MOST_FIELDS;
  const unset = padded((isLarge ? [] : removed).map(toPath));
  const set = padded(
    Object.entries(isLarge ? {} : given).map(([field, value]) => [
      toPath(field),
      toStoredValue(value),
    ]),
  );
  return {
    set: set.length,
    unset: unset.length,
    fields: [...unset, ...set.flat()],
    whole: isLarge ? { set: given, unset: removed } : undefined,
    facts: toFactsColumn(patch.facts),
    ifRevision: patch.ifRevision,
  };
}

/** Makes a patch with many fields: reads, merges and writes the data, under the row's lock. */
export function patchWhole(
  connector: MysqlConnector,
  sql: ReturnType<typeof statementsOf>,
  key: string,
  { parts, now }: { parts: PatchParts; now: number },
): Promise<PatchOutcome> {
  const { set, unset } = parts.whole ?? { set: {}, unset: [] };
  return connector.transaction(async (connection) => {
    const [row] = await connection.select(sql.lockOne, [key, now]);
    if (!row) return "missing";
    if (parts.ifRevision !== undefined && Number(row[0]) !== parts.ifRevision) return "conflict";
    const merged = new Map(Object.entries(fromFieldsJson(toText(row[1]) ?? "")));
    for (const name of unset) merged.delete(name);
    for (const [name, value] of Object.entries(set)) merged.set(name, value);
    const data = toFieldsJson(Object.fromEntries(merged));
    await connection.change(sql.replace, [data, parts.facts, key]);
    return "done";
  }, "READ COMMITTED");
}
