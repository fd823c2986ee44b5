// Which texts are keys and cursors: nothing else is asked of the server.

const KEY = /^[0-9a-f]{8}\.[\w-]{43}$/;
const CURSOR = /^[0-9a-f]{8}(?:\/|\.[\w-]{43})$/;
// What was put directly under a name has no birth, and never moves.
const NO_BIRTH = "ffffffff";
/**
 * Sorts before every key. Not the empty text: to MariaDB's sql_mode EMPTY_STRING_IS_NULL that is no
 * text, and nothing comes behind it.
 */
export const START = "/";
/** Sorts behind every key. */
export const END = "~";

export function isKey(text: string): boolean {
  return KEY.test(text);
}

/** @throws TypeError for what core does not make. */
export function assertKey(key: string): void {
  if (!KEY.test(key))
    throw new TypeError(
      "Cannot store a session: the key is none that core makes, 8 hex digits, a dot and 43 characters of base64url are wanted",
    );
}

/** @throws TypeError or RangeError for a page that `scan` cannot give. */
export function assertPage(cursor: string, limit: number): void {
  if (cursor !== "" && !CURSOR.test(cursor))
    throw new TypeError("Cannot scan: the cursor is none that scan gave");
  if (!Number.isInteger(limit) || limit < 1)
    throw new RangeError(`Cannot scan: limit is ${limit}, a whole number from 1 is wanted`);
}

/**
 * Where the next page begins: behind all sessions of this birth. A rotation changes a key but not
 * its birth, so that no session can slip from what is to come into what has been.
 */
export function nextCursor(lastKey: string): string {
  const birth = lastKey.slice(0, NO_BIRTH.length);
  // "/" is the character behind ".".
  return birth === NO_BIRTH ? lastKey : `${birth}/`;
}
