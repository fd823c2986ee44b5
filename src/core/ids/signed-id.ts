// Signed ids: a forged one is refused without asking the store. The newest secret signs, all of
// them verify; retiring one kills what it signed.
import { Buffer } from "node:buffer";
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { type Check, invalid, kindOf } from "../checks.ts";
import { ID_LENGTH } from "./session-id.ts";

// 256 bits of entropy are wanted; 32 bytes are the least that can hold them (RFC 2104, 3).
const LEAST_BYTES = 32;
// 32 random digits, the poorest alphabet that people use, have fewer in one of 400 cases; a repeated word has fewer in most.
const LEAST_VARIETY = 8;
// A search for repetition takes the square of the length.
const LONGEST_PATTERN = 256;

/** The secrets of a `Session`, the newest first. No message holds any of them. */
export const secrets: Check = (name, value) => {
  if (!Array.isArray(value) || value.length === 0)
    invalid(name, value, "a list of at least one secret, the newest first");
  for (const [at, secret] of (value as unknown[]).entries()) {
    const own = `${name}[${at}]`;
    // A number would be shown.
    if (typeof secret !== "string")
      throw new TypeError(`Invalid option ${own}: got ${kindOf(secret)}, expected a string`);
    const bytes = Buffer.byteLength(secret, "utf8");
    const refuse = (got: string, expected: string): never => {
      throw new RangeError(`Invalid option ${own}: got ${got}, expected ${expected}`);
    };
    if (bytes < LEAST_BYTES) refuse(`${bytes} bytes`, `at least ${LEAST_BYTES} random bytes`);
    const isRepeated =
      /^(.+?)\1+$/s.test(secret.slice(0, LONGEST_PATTERN)) ||
      new Set(secret.trim()).size < LEAST_VARIETY;
    if (isRepeated)
      refuse("a few characters again and again", "random text, as `harpiats secret` prints it");
    if (
      value.findIndex(
        (other: unknown) => typeof other === "string" && other.trim() === secret.trim(),
      ) !== at
    )
      refuse("a secret of the list once more", "each secret once");
  }
};

/** Signs ids and verifies them. */
export class IdSigner {
  // A KeyObject: a Buffer as key costs several times as much at each call.
  readonly #keys: readonly KeyObject[];

  constructor(secrets: readonly string[]) {
    this.#keys = secrets.map((secret) => createSecretKey(Buffer.from(secret, "utf8")));
  }

  /** The id with its signature: `id.signature`. */
  sign(id: string): string {
    // The constructor wants at least one.
    return `${id}.${sign(id, this.#keys[0] as KeyObject).toString("base64url")}`;
  }

  /**
   * The id of a signed one, or `undefined`: any byte that differs, a tag that was cut, and an id
   * without a tag.
   */
  verify(signed: string): string | undefined {
    const dot = signed.lastIndexOf(".");
    if (dot < ID_LENGTH) return undefined;
    const id = signed.slice(0, dot);
    const text = signed.slice(dot + 1);
    const tag = Buffer.from(text, "base64url");
    // base64url has several texts for the same bytes: only the one that sign() writes counts.
    if (tag.toString("base64url") !== text) return undefined;
    const isGenuine = this.#keys.some((key) => {
      const expected = sign(id, key);
      return tag.length === expected.length && timingSafeEqual(tag, expected);
    });
    return isGenuine ? id : undefined;
  }
}

function sign(id: string, key: KeyObject): Buffer {
  return createHmac("sha256", key).update(id).digest();
}
