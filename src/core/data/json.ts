// Session data is JSON, in every store alike. What JSON would lose is refused on its way in, before
// any store sees it; what comes out is a copy.
import { kindOf } from "../checks.ts";

/**
 * Copies a value that is already plain JSON. About ten times as fast as a round trip through text.
 */
export function copyJson<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copyJson) as T;
  // Spread defines own properties, so that a field called __proto__ stays a field.
  const copy = { ...value } as Record<string, unknown>;
  for (const key in copy) {
    const field = copy[key];
    if (typeof field === "object" && field !== null) copy[key] = copyJson(field);
  }
  return copy as T;
}

// No text that a person wrote nests deeper. MySQL ends at 100 levels, Redis at 1000, and our own
// copying some time after.
const DEEPEST = 64;

/**
 * Copies data as JSON would write it, in one walk. A date becomes a text, as whatever has a
 * `toJSON` becomes what it returns; a field that is `undefined` vanishes; an instance of a class
 * becomes an object with its fields.
 *
 * @throws TypeError that names the field, for each value that JSON would lose: a function, a symbol,
 * a bigint, NaN, an infinite number, an invalid Date, `undefined` or a hole in an array, a Map, Set,
 * Error, typed array or other instance without fields, a cycle; for more than 64 levels, which not
 * every store can hold; for data that is no object of fields.
 */
export function toJsonObject<T>(value: T): T {
  // The same fields, with the values that JSON makes of theirs.
  return (copyFlat(value) ?? take(value, "", undefined)) as T;
}

/**
 * The same for the value of a field, which is not `undefined`.
 *
 * @throws as {@link toJsonObject}.
 */
export function toJsonValue(value: unknown, field: string): unknown {
  return isAtom(value) ? value : take(value, field, DATA);
}

/** The text of {@link toJsonObject}. @throws the same. */
export function toJsonText(value: unknown): string {
  return JSON.stringify(toJsonObject(value));
}

/**
 * A copy of an object whose fields JSON takes as they are, as most sessions' are; `undefined` for
 * any other value.
 */
function copyFlat(value: unknown): object | undefined {
  if (typeof value !== "object" || value === null || !isPlain(value) || "toJSON" in value)
    return undefined;
  const copy: Record<string, unknown> = {};
  for (const field of Object.keys(value)) {
    const one = (value as Record<string, unknown>)[field];
    if (!isAtom(one) || field === "__proto__") return undefined;
    copy[field] = one;
  }
  return copy;
}

function isAtom(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  return typeof value === "string" || typeof value === "boolean" || value === null;
}

/** Of this realm or another, or without a prototype, as parsers of queries make them. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    prototype === Object.prototype ||
    prototype === null ||
    (Object.getPrototypeOf(prototype) === null && !Array.isArray(value))
  );
}

/** An object on the way down to a value. */
interface Place {
  readonly value: object;
  /** Its name in the object above. */
  readonly name: string | number;
  readonly above: Place | undefined;
  readonly level: number;
}

// The data, where a field of it is taken alone.
const DATA: Place = { value: {}, name: "", above: undefined, level: 1 };

function take(given: unknown, name: string | number, above: Place | undefined): unknown {
  let value = given;
  // BigInt.prototype has one in programs that gave it one.
  if (hasToJson(given)) {
    value = isInvalidDate(given) ? undefined : given.toJSON(String(name));
    if (value === undefined) throw refusal(given, name, above);
  }
  if (isBoxed(value)) value = value.valueOf();
  if (above !== undefined && isAtom(value)) return value;
  if (above !== undefined && value === 0) return 0;
  if (typeof value !== "object" || value === null || (!above && Array.isArray(value)))
    throw refusal(value, name, above);
  const place: Place = { value, name, above, level: above ? above.level + 1 : 1 };
  if (place.level > DEEPEST) throw tooDeep(place);
  if (Array.isArray(value)) return takeElements(value, place);
  const fields = Object.keys(value);
  if (!isPlain(value) && (fields.length === 0 || isBuiltIn(value)))
    throw refusal(value, name, above);
  return takeFields(value as Record<string, unknown>, fields, place);
}

function takeElements(list: readonly unknown[], place: Place): unknown[] {
  const copy: unknown[] = [];
  // By index: what iterates skips no hole, but tells none apart.
  for (let at = 0; at < list.length; at++) {
    if (list[at] === undefined) throw refusal(at in list ? undefined : HOLE, at, place);
    copy.push(take(list[at], at, place));
  }
  return copy;
}

function takeFields(
  given: Record<string, unknown>,
  fields: readonly string[],
  place: Place,
): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const field of fields) {
    const one = given[field];
    if (one === undefined) continue;
    const value = isAtom(one) ? one : take(one, field, place);
    // To assign to it would change the prototype.
    if (field === "__proto__")
      Object.defineProperty(copy, field, {
        value,
        configurable: true,
        enumerable: true,
        writable: true,
      });
    else copy[field] = value;
  }
  return copy;
}

function hasToJson(value: unknown): value is { toJSON(name: string): unknown } {
  return (
    value !== null &&
    (typeof value === "object" || typeof value === "function" || typeof value === "bigint") &&
    typeof (value as { toJSON?: unknown }).toJSON === "function"
  );
}

/** What JSON writes as `null`. */
function isInvalidDate(value: object): boolean {
  return tagOf(value) === "Date" && Number.isNaN(Number(value));
}

/** What JSON takes for the text, number or boolean in it. */
function isBoxed(value: unknown): value is object {
  return (
    typeof value === "object" &&
    value !== null &&
    !isPlain(value) &&
    ["String", "Number", "Boolean"].includes(tagOf(value))
  );
}

/** What holds its contents elsewhere than in fields, whatever fields it was given besides. */
function isBuiltIn(value: object): boolean {
  return /^(Weak)?(Map|Set|Ref)$|^(RegExp|Date|Error|Promise|DataView)$|Array(Buffer)?$/.test(
    tagOf(value),
  );
}

function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

const HOLE = Symbol("hole");

function refusal(value: unknown, name: string | number, above: Place | undefined): TypeError {
  return new TypeError(
    above
      ? `Cannot store field ${pathOf(name, above)}: it is ${describe(value)}, expected JSON`
      : `Cannot store session data: it is ${describe(value)}, expected an object`,
  );
}

/** What a value is, without showing any of it. */
function describe(value: unknown): string {
  if (value === HOLE) return "a hole in an array";
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return kindOf(value);
  if (isInvalidDate(value)) return "an invalid Date";
  const tag = tagOf(value);
  const maker: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name;
  const name = tag !== "Object" ? tag : typeof maker === "string" && maker ? maker : "class";
  const kind = `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
  if (hasToJson(value)) return tag === "Date" ? kind : `${kind} whose toJSON() returns undefined`;
  return tag === "Object" ? `${kind} without fields` : kind;
}

function tooDeep(deepest: Place): TypeError {
  const places: Place[] = [];
  for (let place: Place | undefined = deepest; place; place = place.above) places.unshift(place);
  const again = places.find((place, at) =>
    places.slice(0, at).some((former) => former.value === place.value),
  );
  if (again?.above)
    return new TypeError(
      `Cannot store field ${pathOf(again.name, again.above)}: it is a cycle, expected JSON`,
    );
  return new TypeError(
    `Cannot store field ${pathOf(places[1]?.name ?? "", DATA)}: it nests deeper than ${DEEPEST} levels`,
  );
}

// Whoever sends a body chooses names: a message stays one.
const LONGEST_PATH = 200;

/** Such as `cart.items[0]["a b"]`. */
function pathOf(name: string | number, above: Place): string {
  const names = [name];
  for (let place: Place | undefined = above; place?.above; place = place.above)
    names.unshift(place.name);
  const path = names
    .map((one) => {
      if (typeof one === "number") return `[${one}]`;
      return /^[\p{L}_$][\p{L}\p{N}_$:-]*$/u.test(one) ? `.${one}` : `[${JSON.stringify(one)}]`;
    })
    .join("")
    .replace(/^\./, "");
  return path.length > LONGEST_PATH ? `${path.slice(0, LONGEST_PATH)}…` : path;
}
