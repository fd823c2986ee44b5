// UnstorageStore: a bridge to any driver of unstorage. Three methods and no more: see the promises
// it cannot keep below.
import { assertOptions, pattern, type Shape, unchecked } from "../core/checks.ts";
import type { Store } from "../core/store.ts";
import {
  assertMethods,
  BRIDGE_OPTIONS,
  type BridgeOptions,
  BridgeRecords,
} from "./shared/bridge-records.ts";

/** What is asked of unstorage's `createStorage()`. */
export interface UnstorageClient {
  getItem(key: string): Promise<unknown>;
  setItem(key: string, value: string, options?: { ttl?: number }): Promise<unknown>;
  removeItem(key: string): Promise<unknown>;
  /** Where it is there, a driver that cannot write is found out at construction. */
  getMount?(key?: string): { driver: { setItem?: unknown; removeItem?: unknown } };
}

/** Which storage keeps the sessions, and under which names. */
export interface UnstorageStoreOptions extends BridgeOptions {
  /** What `createStorage({ driver })` gives. */
  storage: UnstorageClient;
  /** Before every key: letters, digits, `_`, `-` and, between parts, `:`. Default `session`. */
  prefix?: string | undefined;
}

const OPTIONS = {
  storage: unchecked,
  prefix: pattern(/^[\w-]+(?::[\w-]+)*$/, "letters, digits, _ and - with single : between"),
  ...BRIDGE_OPTIONS,
} satisfies Shape;

/**
 * Keeps sessions wherever an unstorage driver keeps things.
 *
 * The storage sees keys and never ids. What three methods cannot give: changes of other processes
 * may be lost or bring an ended session back, there is no idle limit, no user, no list. The driver
 * is told when a record may vanish; not every driver listens.
 *
 * @throws TypeError or RangeError that says which option is wrong; also for a driver that cannot
 * write or remove: unstorage itself would say nothing, and a logout would do nothing.
 */
// Harpia's default: data of unknown shape. As the constraint too, or
// `new Session({ store: new UnstorageStore(…) })` infers nothing.
export class UnstorageStore<
  // oxlint-disable-next-line typescript/no-explicit-any
  Data extends Record<string, any> = Record<string, any>,
> implements Store<Data> {
  readonly #storage: UnstorageClient;
  readonly #prefix: string;
  readonly #records: BridgeRecords<Data>;

  constructor(options: UnstorageStoreOptions) {
    assertOptions("UnstorageStore", options, OPTIONS);
    const { storage, prefix = "session" } = options;
    assertMethods(
      "storage",
      storage,
      ["getItem", "setItem", "removeItem"],
      "a storage of unstorage",
    );
    const driver = storage.getMount?.(prefix).driver;
    for (const method of ["setItem", "removeItem"] as const) {
      if (driver && typeof driver[method] !== "function")
        throw new TypeError(
          `Cannot use option storage: its driver has no ${method}, a driver that writes is wanted`,
        );
    }
    this.#storage = storage;
    this.#prefix = prefix;
    this.#records = new BridgeRecords(options);
  }

  async get(id: string): Promise<Data | undefined> {
    return this.#records.toData(await this.#storage.getItem(this.#keyOf(id)));
  }

  async set(id: string, data: Data): Promise<void> {
    const ttl = Math.ceil(this.#records.timeToLive(id) / 1000);
    await this.#storage.setItem(this.#keyOf(id), this.#records.toText(data), { ttl });
  }

  async delete(id: string): Promise<void> {
    await this.#storage.removeItem(this.#keyOf(id));
  }

  #keyOf(id: string): string {
    return `${this.#prefix}:${this.#records.keyOf(id)}`;
  }
}
