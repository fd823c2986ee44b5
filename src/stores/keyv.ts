// KeyvStore: a bridge to Keyv 5 and 6 and its adapters. Three methods and no more: see the promises
// it cannot keep below.
import { assertOptions, unchecked } from "../core/checks.ts";
import type { Store } from "../core/store.ts";
import {
  assertMethods,
  BRIDGE_OPTIONS,
  type BridgeOptions,
  BridgeRecords,
} from "./shared/bridge-records.ts";

/** What is asked of a `Keyv`. */
export interface KeyvClient {
  get(key: string): Promise<unknown>;
  /** `ttl` in milliseconds. */
  set(key: string, value: string, ttl?: number): Promise<unknown>;
  delete(key: string): Promise<unknown>;
  on(event: "error", listener: (error: unknown) => void): unknown;
  /** Keyv 5. */
  throwOnErrors?: boolean;
}

/** Which Keyv keeps the sessions. */
export interface KeyvStoreOptions extends BridgeOptions {
  /** Of Keyv 5 with `throwOnErrors: true`, or of Keyv 6. Its `namespace` is the prefix. */
  keyv: KeyvClient;
}

/**
 * Keeps sessions wherever a Keyv adapter keeps things.
 *
 * Keyv sees keys and never ids. What three methods cannot give: changes of other processes may be
 * lost or bring an ended session back, there is no idle limit, no user, no list. Records vanish at
 * the absolute limit.
 *
 * Keyv says "nothing there" also when its adapter failed, and tells of the failure beside. Here
 * that is a rejection: an outage must not log everybody out.
 *
 * @throws TypeError or RangeError that says which option is wrong.
 */
// Harpia's default: data of unknown shape. As the constraint too, or
// `new Session({ store: new KeyvStore(…) })` infers nothing.
export class KeyvStore<
  // oxlint-disable-next-line typescript/no-explicit-any
  Data extends Record<string, any> = Record<string, any>,
> implements Store<Data> {
  readonly #keyv: KeyvClient;
  readonly #records: BridgeRecords<Data>;
  #failures = 0;
  #lastFailure: unknown;

  constructor(options: KeyvStoreOptions) {
    assertOptions("KeyvStore", options, { keyv: unchecked, ...BRIDGE_OPTIONS });
    const { keyv } = options;
    assertMethods("keyv", keyv, ["get", "set", "delete", "on"], "a Keyv");
    // Keyv 5 then hides that a read has failed, from its own error event too.
    if ("throwOnErrors" in keyv && !keyv.throwOnErrors) {
      throw new TypeError(
        "Cannot use option keyv: it hides failures, new Keyv({ throwOnErrors: true }) is wanted",
      );
    }
    this.#keyv = keyv;
    this.#records = new BridgeRecords(options);
    keyv.on("error", (error) => {
      this.#failures++;
      this.#lastFailure = error;
    });
  }

  async get(id: string): Promise<Data | undefined> {
    return this.#records.toData(await this.#ask(() => this.#keyv.get(this.#records.keyOf(id))));
  }

  async set(id: string, data: Data): Promise<void> {
    const text = this.#records.toText(data);
    const isStored = await this.#ask(() =>
      this.#keyv.set(this.#records.keyOf(id), text, this.#records.timeToLive(id)),
    );
    if (isStored === false) throw new Error("Cannot store a session: Keyv answered false");
  }

  async delete(id: string): Promise<void> {
    await this.#ask(() => this.#keyv.delete(this.#records.keyOf(id)));
  }

  /**
   * An answer that may mean nothing or failure counts as failure if Keyv told of any meanwhile: it
   * does not say of which call.
   */
  async #ask(call: () => Promise<unknown>): Promise<unknown> {
    const before = this.#failures;
    const answer = await call();
    if (!answer && this.#failures !== before) throw this.#lastFailure;
    return answer;
  }
}
