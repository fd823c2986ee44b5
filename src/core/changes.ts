// What a change of session data is, and the patch that a store is asked for. Decides nothing else.
import { isDeepStrictEqual } from "node:util";
import { toJsonObject } from "./json.ts";

/** Fields to change. Those that are not named stay; `undefined` removes one. */
export type Changes<Data> = { [Field in keyof Data]?: Data[Field] | undefined };

/** Reads the data and gives the fields to change. Called again with newer data if another change came between. */
export type Updater<Data> = (data: Data) => Changes<Data> | undefined | Promise<Changes<Data> | undefined>;

/** The patch that a change is, whatever the rest of the data. @throws TypeError for what JSON cannot hold. */
export function toPatch<Data extends object>(changes: Changes<Data>): { set: Partial<Data>; unset: string[] } {
  const set: Partial<Data> = toJsonObject(changes) as Partial<Data>;
  // What JSON drops, `undefined` above all, is no field any more.
  return { set, unset: Object.keys(changes).filter((field) => !Object.hasOwn(set, field)) };
}

/** The patch that makes `next` of `before`; `undefined` if they are the same. */
export function difference<Data extends object>(before: Data, next: Data): { set: Partial<Data>; unset: string[] } | undefined {
  const changed = Object.entries(next).filter(([field, value]) => !Object.hasOwn(before, field) || !isDeepStrictEqual(value, before[field as keyof Data]));
  const unset = Object.keys(before).filter((field) => !Object.hasOwn(next, field));
  return changed.length + unset.length === 0 ? undefined : { set: Object.fromEntries(changed) as Partial<Data>, unset };
}
