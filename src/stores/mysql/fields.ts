// Session data as ASCII JSON text that MySQL and MariaDB can change field by field and give back to
// the letter. Ordinary fields look like themselves, so that JSON_VALUE(data, '$.name') finds them.

// Nested deeper than this, a value is kept as a text: MariaDB's JSON functions end at 32 levels,
// MySQL's at 100.
const DEEPEST = 20;
// What begins so in the database is the JSON text of a value that a server would change or refuse.
const MARK = "~";
// Other names need a JSON path that both servers read alike, and there is none for quotes,
// backslashes or emptiness. MariaDB takes a minus at the beginning for no name at all.
const AWKWARD_IN_NAME = /[^A-Za-z0-9_-]|^-/g;
const NOT_ASCII = /[\u007f-\uffff]/g;
// JSON.stringify writes a lone surrogate, and no other, in this way. MySQL refuses it.
const LONE_SURROGATE = /\\ud[89a-f]/;
// MySQL reads numbers fast and not exactly: to the letter only where 15 digits say it all.
const EXACT_NUMBER = /^-?[\d.]{1,16}$/;

/**
 * Writes an object of fields. Nothing but ASCII leaves: no connection's character set can change
 * it.
 */
export function toFieldsJson(fields: object): string {
  return `{${Object.entries(fields)
    .map(([name, value]) => `"${toStoredName(name)}":${toStoredValue(value)}`)
    .join(",")}}`;
}

/**
 * Reads what {@link toFieldsJson} wrote, or what the server made of it.
 *
 * @throws SyntaxError for anything else.
 */
export function fromFieldsJson(text: string): object {
  const stored: unknown = JSON.parse(text);
  if (typeof stored !== "object" || stored === null || Array.isArray(stored))
    throw new SyntaxError("Cannot read session data: an object is wanted");
  const entries = Object.entries(stored);
  if (!entries.some(([name, value]) => name.includes(MARK) || isMarked(value))) return stored;
  return Object.fromEntries(
    entries.map(([name, value]) => [
      fromStoredName(name),
      isMarked(value) ? JSON.parse(value.slice(1)) : value,
    ]),
  );
}

/** The JSON path of a field, the same for both servers. */
export function toPath(name: string): string {
  return `$."${toStoredName(name)}"`;
}

/** One field's value as JSON text. */
export function toStoredValue(value: unknown): string {
  const text = JSON.stringify(value);
  const isPlain = isExact(value, DEEPEST) && !isMarked(value) && !LONE_SURROGATE.test(text);
  return toAscii(isPlain ? text : JSON.stringify(MARK + text));
}

/** JSON text without a character that some connection's character set does not have. */
export function toAscii(json: string): string {
  return json.replace(NOT_ASCII, escapeUnit);
}

function toStoredName(name: string): string {
  return name.replace(AWKWARD_IN_NAME, (unit) => MARK + hex(unit)) || MARK;
}

function fromStoredName(name: string): string {
  if (name === MARK) return "";
  return name.replace(/~([0-9a-f]{4})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function isMarked(value: unknown): value is string {
  return typeof value === "string" && value.startsWith(MARK);
}

function isExact(value: unknown, depth: number): boolean {
  if (typeof value === "number")
    return Number.isSafeInteger(value) || EXACT_NUMBER.test(String(value));
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((part) => isExact(part, depth - 1));
}

function escapeUnit(unit: string): string {
  return `\\u${hex(unit)}`;
}

function hex(unit: string): string {
  return unit.charCodeAt(0).toString(16).padStart(4, "0");
}
