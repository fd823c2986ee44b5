// Session ids: making one, recognising one, deriving from it the key under which it is stored.
// An id is a secret. A key is not: it is a one-way function of the id (ASVS V7.2.3, DESIGN: keys
// are not ids).
import { Buffer } from "node:buffer";
import * as crypto from "node:crypto";

const BIRTH_BYTES = 4;
const RANDOM_BYTES = 20;
const ID_BYTES = BIRTH_BYTES + RANDOM_BYTES;
/** 24 bytes in base64url. */
export const ID_LENGTH = 32;
const POOLED_IDS = 128;
// A direct `store.set` may use a name that is no id of ours. Its key sorts behind every birth, so
// that no over-age range covers it.
const NO_BIRTH = "ffffffff";

const LAST_ASCII = 127;
const BIRTH_SEXTETS = 5;

// 6 bits per character of base64url, -1 for every other ASCII character.
const SEXTETS = new Int8Array(LAST_ASCII + 1).fill(-1);
for (const [value, char] of [
  ..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
].entries()) {
  SEXTETS[char.charCodeAt(0)] = value;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Fills bytes from a cryptographically secure source. */
export type RandomFill = (bytes: Uint8Array) => unknown;

/**
 * Makes ids: 4 bytes of creation time in seconds, 20 random bytes (160 bits; ASVS asks for 128),
 * base64url.
 */
export class IdMaker {
  readonly #fill: RandomFill;
  // Asking the operating system for each id costs twenty times as much as asking for a pool of
  // them.
  #pool = Buffer.alloc(0);
  #used = 0;

  constructor(fill: RandomFill = crypto.randomFillSync as RandomFill) {
    this.#fill = fill;
  }

  /** A new id. `bornAt` is in seconds since the epoch. */
  make(bornAt: number): string {
    if (this.#used + ID_BYTES > this.#pool.length) {
      this.#pool = Buffer.alloc(POOLED_IDS * ID_BYTES);
      this.#fill(this.#pool);
      this.#used = 0;
    }
    const bytes = this.#pool.subarray(this.#used, (this.#used += ID_BYTES));
    bytes.writeUInt32BE(bornAt >>> 0, 0);
    const id = bytes.toString("base64url");
    // What was handed out must not be readable from the pool later.
    bytes.fill(0);
    return id;
  }
}

/**
 * When an id was made, in seconds since the epoch; `-1` if it is not an id: anything but 32
 * characters of base64url.
 *
 * Says nothing about whether such a session exists.
 */
export function birthOf(id: unknown): number {
  if (typeof id !== "string" || id.length !== ID_LENGTH) return -1;
  // No branch for each character, and whole numbers of 32 bits all the way: this runs for every
  // cookie that comes.
  let codes = 0;
  let sextets = 0;
  for (let at = 0; at < ID_LENGTH; at++) {
    const code = id.charCodeAt(at);
    codes |= code;
    sextets |= sextetOf(code);
  }
  // A sextet of -1 makes all of them negative; a code beyond ASCII was looked up as another
  // character.
  if (codes > LAST_ASCII || sextets < 0) return -1;
  let birth = 0;
  for (let at = 0; at < BIRTH_SEXTETS; at++) birth = (birth << 6) | sextetOf(id.charCodeAt(at));
  // 5 characters are 30 bits, the next gives the last 2 of 32.
  return ((birth << 2) | (sextetOf(id.charCodeAt(BIRTH_SEXTETS)) >> 4)) >>> 0;
}

function sextetOf(code: number): number {
  // The mask keeps it inside the table.
  return SEXTETS[code & LAST_ASCII] as number;
}

// One shot is several times as fast as createHash; not every runtime has it.
/** SHA-256 in base64url. */
export const sha256: (text: string) => string =
  typeof crypto.hash === "function"
    ? (text) => crypto.hash("sha256", text, "base64url")
    : (text) => crypto.createHash("sha256").update(text).digest("base64url");

/**
 * The key of an id: its birth as 8 hex digits, a dot, the SHA-256 of the whole id in base64url. 52
 * characters.
 *
 * Nobody gets from the key to the id, and the key itself is no id: it has another length.
 */
export function toStoreKey(id: string, birth: number = birthOf(id)): string {
  const prefix = birth < 0 ? NO_BIRTH : toHex(birth);
  return `${prefix}.${sha256(id)}`;
}

/** 8 hex digits, in half the time of `toString(16).padStart(8, "0")`. */
function toHex(birth: number): string {
  return (
    hexOf(birth >>> 24) +
    hexOf((birth >>> 16) & 255) +
    hexOf((birth >>> 8) & 255) +
    hexOf(birth & 255)
  );
}

function hexOf(byte: number): string {
  // Bytes are all that is asked for.
  return HEX[byte] as string;
}
