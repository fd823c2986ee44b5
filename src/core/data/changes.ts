// What a change of session data is, and the patch that a store is asked for. Decides nothing else.
import { isDeepStrictEqual } from "node:util";
import { toJsonObject } from "./json.ts";

/** Fields to change. Those that are not named stay; `undefined` removes one. */
export type Changes<Data> = { [Field in keyof Data]?: Data[Field] | undefined };

/**
 * Reads the data and gives the fields to change. Called again with newer data if another change
 * came between.
 */
export type Updater<Data> = (
  data: Data,
) => Changes<Data> | undefined | Promise<Changes<Data> | undefined>;

/**
 * The patch that a change is, whatever the rest of the data.
 *
 * @throws TypeError for what JSON would lose.
 */
export function toPatch<Data extends object>(
  changes: Changes<Data>,
): { set: Partial<Data>; unset: string[] } {
  const set: Partial<Data> = toJsonObject(changes) as Partial<Data>;
  const unset: string[] = [];
  // `undefined` is no field any more.
  for (const field of Object.keys(changes)) if (!Object.hasOwn(set, field)) unset.push(field);
  return { set, unset };
}

// Servers change a record in one step, and everybody else waits for that step.
const MOST_FIELDS = 10_000;

/** @throws RangeError for a patch of more fields than one step may change. */
export function assertFewFields({ set, unset }: { set: object; unset: readonly string[] }): void {
  const count = Object.keys(set).length + unset.length;
  if (count <= MOST_FIELDS) return;
  throw new RangeError(
    `Cannot update a session: the change names ${count} fields, expected at most ${MOST_FIELDS}`,
  );
}

/** The patch that makes `next` of `before`; `undefined` if they are the same. */
export function difference<Data extends object>(
  before: Data,
  next: Data,
): { set: Partial<Data>; unset: string[] } | undefined {
  const changed = Object.entries(next).filter(
    ([field, value]) =>
      !Object.hasOwn(before, field) || !isDeepStrictEqual(value, before[field as keyof Data]),
  );
  const unset = Object.keys(before).filter((field) => !Object.hasOwn(next, field));
  return changed.length + unset.length === 0
    ? undefined
    : { set: Object.fromEntries(changed) as Partial<Data>, unset };
}

/** The data with changes applied, as a new object. */
export function merge<Data extends object>(data: Data | undefined, changes: Changes<Data>): Data {
  // Every field is the data's own or a change of one.
  const merged = { ...data } as Data;
  for (const field of Object.keys(changes) as (keyof Data)[]) {
    if (changes[field] === undefined) delete merged[field];
    // To assign to it would change the prototype.
    else if (field === "__proto__")
      Object.defineProperty(merged, field, {
        value: changes[field],
        configurable: true,
        enumerable: true,
        writable: true,
      });
    else merged[field] = changes[field];
  }
  return merged;
}

/**
 * Reads what there is, which may be a visitor's, and gives the fields to change. See
 * {@link Updater}.
 */
export type VisitorUpdater<Data> = (
  data: Partial<Data>,
) => Changes<Data> | undefined | Promise<Changes<Data> | undefined>;

/**
 * Begins the names of flash messages, each a field of its own, so that parallel requests never undo
 * one another's.
 */
export const FLASH = "flash:";
/** Holds the secret of a session's synchronizer tokens. */
export const CSRF_FIELD = "csrf:secret";

/** Marks the session that a visitor's request began: with no other field it holds no data. */
export const VISITOR_FIELD = "harpiats:visitor";

/**
 * Whether a field is kept for the library's own use: no part of the data that an application types,
 * validates and sees.
 */
export function isHidden(field: string): boolean {
  // Asked for every field that is read. Nearly all have no colon where ours have theirs.
  if (!isColon(field, 4) && !isColon(field, 5) && !isColon(field, 8)) return false;
  return field.startsWith(FLASH) || field === CSRF_FIELD || field === VISITOR_FIELD;
}

function isColon(text: string, at: number): boolean {
  return text.charCodeAt(at) === 0x3a;
}

function hasHidden(data: object): boolean {
  for (const field in data) if (isHidden(field)) return true;
  return false;
}

/**
 * @throws TypeError for a field of the library's own in what a caller gives: a request's body could
 * hold one.
 */
export function assertVisible(fields: object): void {
  for (const field in fields) {
    if (isHidden(field) && Object.hasOwn(fields, field)) {
      const names = `${FLASH}*, ${CSRF_FIELD} and ${VISITOR_FIELD}`;
      throw new TypeError(
        `Cannot store session data: it has a reserved field, expected no field named ${names}`,
      );
    }
  }
}

/**
 * The data as its owner sees it; `undefined` where a session holds fields of the library's own and
 * no others.
 */
export function visibleData<Data extends object>(data: Data): Data | undefined {
  if (!hasHidden(data)) return data;
  const visible = pickFields(data, "visible");
  return Object.keys(visible).length === 0 ? undefined : visible;
}

/** Hidden fields alone, or all others. */
export function pickFields<Data extends object>(data: Data, which: "hidden" | "visible"): Data {
  const isWanted = (field: string): boolean => isHidden(field) === (which === "hidden");
  if (which === "visible" && !hasHidden(data)) return data;
  return Object.fromEntries(Object.entries(data).filter(([field]) => isWanted(field))) as Data;
}

// What inherits from null itself is a hash table to V8, which is slow to go through.
const NOTHING: object = Object.freeze(Object.create(null) as object);

/** No changes yet. It inherits nothing, so that a field called __proto__ is a field. */
export function noChanges(): Record<string, unknown> {
  return Object.create(NOTHING) as Record<string, unknown>;
}

/** Whether there is anything to write. */
export function isChange(changes: object): boolean {
  for (const field in changes) if (Object.hasOwn(changes, field)) return true;
  return false;
}

/** The named fields alone, those that are there. */
export function pickNamed<Data extends object>(
  data: Data,
  names: readonly (keyof Data & string)[],
): Partial<Data> {
  return Object.fromEntries(
    Object.entries(data).filter(([field]) => (names as readonly string[]).includes(field)),
  ) as Partial<Data>;
}
