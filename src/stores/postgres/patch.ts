// A patch as the parameters of the statements that make one, or many.
import { toJsonObject } from "../../core/data/json.ts";
import type { SessionPatch } from "../../core/store.ts";
import { toSqlJson, toSqlText } from "../shared/sql-json.ts";
import { toTextArray } from "./sql.ts";

/** Key, list of fields to unset, data to set, facts or null, revision or null. */
export type PatchValues = [
  key: string,
  unset: string,
  set: string,
  facts: string | null,
  revision: string | null,
];

export function toPatchValues(
  key: string,
  { set = {}, unset = [], facts, ifRevision }: SessionPatch<object>,
): PatchValues {
  return [
    key,
    toTextArray(unset.map(toSqlText)),
    toSqlJson(toJsonObject(set)),
    facts === undefined ? null : toSqlJson(facts),
    ifRevision === undefined ? null : String(ifRevision),
  ];
}

/** A list of the keys, a list of what to unset, and so on: one for each parameter. */
export function toLists(items: readonly PatchValues[]): string[] {
  const [first = []] = items;
  return first.map((_, at) => toTextArray(items.map((values) => values[at] as string | null)));
}
