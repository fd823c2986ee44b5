// Whether a connection that listens hears anything. A pooler that gives each transaction another
// connection of the server's acknowledges LISTEN, and lets no notification through. Knows nothing
// of sessions.
import type { Clock } from "../../core/clock.ts";
import { StoreError } from "../../core/errors.ts";

// It takes milliseconds; `Session` waits 5 s for a store.
const LONGEST_DELIVERY = 3000;

/** Means nothing to those who hear it beside us. */
export const ECHO = "echo";

/** Waits for one notification on a connection on which LISTEN was acknowledged. */
export class Echo {
  #settle: { resolve(): void; reject(reason: Error): void } | undefined;

  /** Something has arrived, whoever sent it. */
  heard(): void {
    this.#settle?.resolve();
  }

  /** Rejects the wait for the echo, because the connection is closed. */
  lost(): void {
    this.#settle?.reject(
      new Error("Cannot listen to PostgreSQL: the connection was lost, one that lasts is wanted"),
    );
  }

  /**
   * @param send notifies by another connection. By the same it would arrive with the answer,
   * whatever is between.
   * @throws StoreError `ERR_STORE_UNSUPPORTED` where nothing arrives.
   */
  async await(send: () => Promise<unknown>, clock: Clock): Promise<void> {
    const arrived = new Promise<void>((resolve, reject) => (this.#settle = { resolve, reject }));
    // Where sending fails as well, that is what is told.
    arrived.catch(() => {});
    await send();
    const cancel = clock.schedule(LONGEST_DELIVERY, () =>
      this.#settle?.reject(
        deaf("no notification arrived after LISTEN, as behind a pooler in transaction mode"),
      ),
    );
    await arrived.finally(cancel);
  }
}

/** That notifications do not come through. */
export function deaf(why: string): StoreError {
  return new StoreError(
    "ERR_STORE_UNSUPPORTED",
    `Cannot listen to PostgreSQL: ${why}, a direct connection is wanted, see docs/stores/postgres.md#poolers`,
    {
      store: "PostgresStore",
      operation: "subscribe",
    },
  );
}
