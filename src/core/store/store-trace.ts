// What goes out on node:diagnostics_channel, for tools that know nothing of us, and whether anybody
// listens there. No subscriber changes what a session does, and none is told data, an id or a key.
import { tracingChannel } from "node:diagnostics_channel";
import { StoreError } from "../errors.ts";
import { isHeard } from "../events/is-heard.ts";

/**
 * What a store is being asked, as subscribers of `tracing:harpiats:store:start` and its companions
 * see it.
 */
export interface StoreOperation {
  /** The method, such as `read`. */
  operation: string;
  /** The class of the store, such as `RedisStore`. */
  store: string;
  /** How many keys were named. Reads of one turn of the event loop are one operation. */
  keys: number;
}

/** Tells of a store's operations: when each begins and ends, and its error. Never its answer. */
export class StoreTrace {
  readonly #channels = tracingChannel<unknown, StoreOperation>("harpiats:store");

  /** Bun's set of channels does not say it of itself. */
  get isHeard(): boolean {
    const { start, asyncEnd, error } = this.#channels;
    return isHeard(start) || isHeard(asyncEnd) || isHeard(error);
  }

  async run<T>(operation: StoreOperation, call: () => Promise<T>): Promise<T> {
    let answer: Promise<T> | undefined;
    const ask = (): Promise<T> => (answer ??= call());
    try {
      await this.#channels.tracePromise(async () => void (await ask()), operation);
    } catch {
      // The store's failure, which the answer carries as well; on workerd a subscriber's, perhaps
      // before anything was asked.
    }
    return ask();
  }

  runSync<T>(operation: StoreOperation, call: () => T): T {
    let answer: [T] | undefined;
    try {
      this.#channels.traceSync(() => void (answer = [call()]), operation);
    } catch (error) {
      if (error instanceof StoreError) throw error;
    }
    return answer ? answer[0] : call();
  }
}
