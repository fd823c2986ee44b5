// Session data as JSON text that a SQL server's JSON type can hold and give back to the letter.
// Such types refuse U+0000 and lone surrogates. Only texts with one of those look different in the
// database.

// U+001A is SUBSTITUTE, ASCII's own mark for what could not be written. After it come four hex
// digits: what was there. One that is in the data is written so as well, so that data which looks
// escaped is not mistaken. Behind a backslash JSON has one character or `u` and four digits: taking
// them whole, `\\u0000` is not misread.
const AWKWARD = /\\(?:u(0000|001a|d[89a-f][0-9a-f]{2})|.)/g;
const ESCAPED = /\\(?:u001a([0-9a-f]{4})|.)/g;

/**
 * Writes what may contain anything as JSON text without U+0000 and lone surrogates, also in the
 * names of fields.
 */
export function toSqlJson(value: unknown): string {
  const text = JSON.stringify(value);
  // JSON.stringify writes control characters and lone surrogates, and nothing else, as \u and four
  // digits.
  if (!text.includes("\\u")) return text;
  return text.replace(AWKWARD, (all, code: string | undefined) =>
    code === undefined ? all : `\\u001a${code}`,
  );
}

/** Reads what {@link toSqlJson} wrote. @throws SyntaxError for what is not JSON. */
export function fromSqlJson(text: string): unknown {
  if (!text.includes("\\u001a")) return JSON.parse(text);
  return JSON.parse(
    text.replace(ESCAPED, (all, code: string | undefined) =>
      code === undefined ? all : `\\u${code}`,
    ),
  );
}

/** Escapes a text on its own, such as a user's id or the name of a field. */
export function toSqlText(text: string): string {
  return JSON.parse(toSqlJson(text)) as string;
}

/** Reads what {@link toSqlText} wrote. */
export function fromSqlText(text: string): string {
  return text.includes("\u001a") ? (fromSqlJson(JSON.stringify(text)) as string) : text;
}
