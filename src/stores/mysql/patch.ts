// A patch as the parameters of the statements that make one, or many.
import { toJsonObject } from "../../core/data/json.ts";
import type { SessionPatch } from "../../core/store.ts";
import type { MysqlValue } from "./client.ts";
import { toPath, toStoredValue } from "./fields.ts";
import { toFactsColumn } from "./record.ts";
import { padded } from "./statements.ts";

export interface PatchParts {
  /**
   * How many fields are set, and how many unset, a power of two or none: the shape of the
   * statement.
   */
  set: number;
  unset: number;
  /** Paths to unset, then paths and values to set. */
  fields: MysqlValue[];
  facts: string | null;
  ifRevision: number | undefined;
}

export function toPatchParts(patch: SessionPatch<object>): PatchParts {
  const unset = padded((patch.unset ?? []).map(toPath));
  const set = padded(
    Object.entries(toJsonObject(patch.set ?? {})).map(([field, value]) => [
      toPath(field),
      toStoredValue(value),
    ]),
  );
  return {
    set: set.length,
    unset: unset.length,
    fields: [...unset, ...set.flat()],
    facts: toFactsColumn(patch.facts),
    ifRevision: patch.ifRevision,
  };
}
