// Signed ids: a forged one is refused without asking the store. The newest secret signs, all of
// them verify; retiring one kills what it signed.
import { Buffer } from "node:buffer";
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { kindOf } from "../checks.ts";
import { ID_LENGTH } from "./session-id.ts";

// 256 bits of entropy are wanted; 32 bytes are the least that can hold them (RFC 2104, 3).
const LEAST_BYTES = 32;

/** Signs ids and verifies them. */
export class IdSigner {
  // A KeyObject: a Buffer as key costs several times as much at each call.
  readonly #keys: readonly KeyObject[];

  /** @throws TypeError or RangeError for secrets that are none. */
  constructor(secrets: readonly string[]) {
    if (!Array.isArray(secrets) || secrets.length === 0)
      throw new TypeError(
        `Cannot use secrets: it is ${kindOf(secrets)}, a list of at least one secret is wanted, the newest first`,
      );
    this.#keys = secrets.map((secret, at) => {
      const bytes = Buffer.from(typeof secret === "string" ? secret : "", "utf8");
      if (bytes.length < LEAST_BYTES)
        throw new RangeError(
          `Cannot use secret ${at + 1} of secrets: it has ${bytes.length} bytes, at least ${LEAST_BYTES} random ones are wanted`,
        );
      return createSecretKey(bytes);
    });
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
