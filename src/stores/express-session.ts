// Bridges between this package and express-session, both ways. Neither imports express-session.
// ExpressSessionStore: any connect-* store under a Session; three methods and no more.
// toExpressStore: any store of ours under express-session.
import { assertOptions, unchecked } from "../core/checks.ts";
import type { Store } from "../core/store.ts";
import { answerOf, type ConnectStore, readConnect } from "./express-session/connect-store.ts";
import {
  assertMethods,
  BRIDGE_OPTIONS,
  type BridgeOptions,
  BridgeRecords,
} from "./shared/bridge-records.ts";

export type { ConnectStore } from "./express-session/connect-store.ts";
export {
  type ExpressStore,
  type ExpressStoreOptions,
  toExpressStore,
} from "./express-session/express-store.ts";

/** Which store of express-session keeps the sessions. */
export interface ExpressSessionStoreOptions extends BridgeOptions {
  /** An express-session store. */
  store: ConnectStore;
}

/**
 * Keeps sessions in a store that was written for express-session.
 *
 * The store sees keys and never ids, and what looks to it like a session of express-session with a
 * cookie that expires at the absolute limit. What three methods cannot give: changes of other
 * processes may be lost or bring an ended session back, there is no idle limit, no user, no list.
 *
 * @throws TypeError or RangeError that says which option is wrong.
 */
// Harpia's default: data of unknown shape. As the constraint too, or
// `new Session({ store: new ExpressSessionStore(…) })` infers nothing.
export class ExpressSessionStore<
  // oxlint-disable-next-line typescript/no-explicit-any
  Data extends Record<string, any> = Record<string, any>,
> implements Store<Data> {
  readonly #store: ConnectStore;
  readonly #records: BridgeRecords<Data>;

  constructor(options: ExpressSessionStoreOptions) {
    assertOptions("ExpressSessionStore", options, { store: unchecked, ...BRIDGE_OPTIONS });
    const { store } = options;
    assertMethods("store", store, ["get", "set", "destroy"], "a store of express-session");
    this.#store = store;
    this.#records = new BridgeRecords(options);
  }

  async get(id: string): Promise<Data | undefined> {
    const session = await readConnect(this.#store, this.#records.keyOf(id));
    return this.#records.toData((session as { record?: unknown } | undefined)?.record);
  }

  async set(id: string, data: Data): Promise<void> {
    const maxAge = this.#records.timeToLive(id);
    // Stores take the time to live from one of these, by real time, whatever the clock here.
    const cookie = {
      originalMaxAge: maxAge,
      maxAge,
      expires: new Date(Date.now() + maxAge),
      path: "/",
      httpOnly: true,
    };
    // The data as one text: stores parse and write it in ways of their own.
    const session = { cookie, record: this.#records.toText(data) };
    await answerOf((callback) => this.#store.set(this.#records.keyOf(id), session, callback));
  }

  async delete(id: string): Promise<void> {
    await answerOf((callback) => this.#store.destroy(this.#records.keyOf(id), callback));
  }
}
