// The keys of EncryptedStore, and one value sealed or opened with them. Knows nothing of sessions.
import { Buffer } from "node:buffer";
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { kindOf } from "../../core/checks.ts";

const LEAST_BYTES = 32;
// The version of the format is in every key that is derived: another version opens nothing of this
// one.
const LABEL = "harpiats/stores/encrypted 1";
// 6 bytes in base64url.
const NAME_LENGTH = 8;
const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The caller's keys, the newest first: it seals, all of them open. */
export class KeyRing {
  // By the name that is written before what they seal. A name says nothing of its key: it is
  // derived one way.
  readonly #keys = new Map<string, KeyObject>();
  readonly newest: string;

  /** @throws TypeError or RangeError for keys that are none. */
  constructor(keys: readonly (string | Uint8Array)[]) {
    if (!Array.isArray(keys) || keys.length === 0)
      throw new TypeError(
        `Cannot use keys: it is ${kindOf(keys)}, a list of at least one key is wanted, the newest first`,
      );
    for (const [at, key] of keys.entries()) {
      if (typeof key !== "string" && !(key instanceof Uint8Array))
        throw new TypeError(
          `Cannot use key ${at + 1} of keys: it is ${kindOf(key)}, a text or bytes are wanted`,
        );
      const bytes = typeof key === "string" ? Buffer.from(key, "utf8") : key;
      if (bytes.length < LEAST_BYTES)
        throw new RangeError(
          `Cannot use key ${at + 1} of keys: it has ${bytes.length} bytes, at least ${LEAST_BYTES} random ones are wanted`,
        );
      // HKDF (RFC 5869): extracted once here, expanded below for what it is used for.
      const extracted = createSecretKey(createHmac("sha256", LABEL).update(bytes).digest());
      const name = expand(extracted, "name").toString("base64url").slice(0, NAME_LENGTH);
      if (this.#keys.has(name))
        throw new TypeError(
          `Cannot use key ${at + 1} of keys: it is there already, each once is wanted`,
        );
      this.#keys.set(name, extracted);
    }
    // The first that was put in.
    [this.newest] = this.#keys.keys() as Iterable<string> as [string];
  }

  /** The keys that seal what is bound to a context: to a record's key. */
  boundTo(context: string): BoundKeys {
    return new BoundKeys(this.newest, this.#keys, context);
  }
}

/**
 * Keys of one record, made when they are needed. Each is for so few values that random nonces never
 * meet.
 */
export class BoundKeys {
  readonly #newest: string;
  readonly #keys: ReadonlyMap<string, KeyObject>;
  readonly #context: string;
  // KeyObjects: bytes as a key cost several times as much at each call.
  readonly #derived = new Map<string, KeyObject>();

  constructor(newest: string, keys: ReadonlyMap<string, KeyObject>, context: string) {
    this.#newest = newest;
    this.#keys = keys;
    this.#context = context;
  }

  /**
   * The key's name; then in base64url nonce, ciphertext and tag.
   *
   * @param purpose what else it is bound to.
   */
  seal(text: string, purpose: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    // The newest is one of them.
    const cipher = createCipheriv(CIPHER, this.#derive(this.#newest) as KeyObject, nonce, {
      authTagLength: TAG_BYTES,
    });
    cipher.setAAD(Buffer.from(purpose, "utf8"));
    const sealed = Buffer.concat([
      nonce,
      cipher.update(text, "utf8"),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
    return this.#newest + sealed.toString("base64url");
  }

  /** What was sealed for this record and this purpose; `undefined` for everything else. */
  open(sealed: string, purpose: string): string | undefined {
    const key = this.#derive(sealed.slice(0, NAME_LENGTH));
    if (!key) return undefined;
    const text = sealed.slice(NAME_LENGTH);
    const bytes = Buffer.from(text, "base64url");
    // base64url has several texts for the same bytes: only the one that seal() writes counts.
    if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString("base64url") !== text)
      return undefined;
    // A shorter tag would be taken otherwise.
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(purpose, "utf8"));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const opened = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
    try {
      return Buffer.concat([opened, decipher.final()]).toString("utf8");
    } catch {
      return undefined;
    }
  }

  #derive(name: string): KeyObject | undefined {
    const known = this.#derived.get(name);
    const key = this.#keys.get(name);
    if (known || !key) return known;
    const derived = createSecretKey(expand(key, `session ${this.#context}`));
    this.#derived.set(name, derived);
    return derived;
  }
}

/** HKDF-Expand of one block: 32 bytes. */
function expand(key: KeyObject, info: string): Buffer {
  return createHmac("sha256", key).update(info).update("\u0001").digest();
}
