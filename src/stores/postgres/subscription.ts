// Who listens to a store, and what they are told: of this store's own doings at once, or of
// everybody's by notifications.
import type { Clock } from "../../core/clock.ts";
import { tellSubscribers } from "../../core/events/events.ts";
import type { StoreChange } from "../../core/store.ts";
import type { PostgresPort } from "./port.ts";

type Hear = (change: StoreChange) => void;

/**
 * The listeners of one store. With a channel one connection serves them all, for as long as there
 * are any.
 */
export class PostgresSubscription {
  readonly #port: PostgresPort;
  readonly #channel: string | undefined;
  readonly #clock: Clock;
  readonly #listeners = new Set<Hear>();
  #connected: Promise<() => Promise<void>> | undefined;

  /** @param channel `undefined`: nothing is heard of other processes. */
  constructor(port: PostgresPort, channel: string | undefined, clock: Clock) {
    this.#port = port;
    this.#channel = channel;
    this.#clock = clock;
  }

  async subscribe(listener: Hear): Promise<() => Promise<void>> {
    // Wrapped, since one function may be given twice.
    const hear: Hear = (change) => listener(change);
    this.#listeners.add(hear);
    try {
      await this.#connect();
    } catch (error) {
      this.#listeners.delete(hear);
      this.#connected = undefined;
      throw error;
    }
    return async () => {
      if (!this.#listeners.delete(hear) || this.#listeners.size > 0) return;
      const connected = this.#connected;
      this.#connected = undefined;
      await (
        await connected
      )?.();
    };
  }

  /** Tells of what this store did, unless the server tells of it too. */
  tellOwn(change: StoreChange): void {
    if (this.#channel === undefined) this.tell(change);
  }

  tell(change: StoreChange): void {
    tellSubscribers(this.#listeners, change);
  }

  async #connect(): Promise<void> {
    if (this.#channel === undefined) return;
    this.#connected ??= this.#port.listen(
      this.#channel,
      {
        onPayload: (payload) => {
          const change = toChange(payload);
          if (change) this.tell(change);
        },
        onGap: () => this.tell({ type: "lost" }),
        onListening: () => this.tell({ type: "listening" }),
      },
      this.#clock,
    );
    await this.#connected;
  }
}

/**
 * What the statements send: the change, the key if it is of one, and the next key or the limit.
 * Anybody may send anything else.
 */
function toChange(payload: string): StoreChange | undefined {
  if (payload === "cleared") return { type: payload };
  const [type, key, more] = payload.split(" ");
  if (key === undefined) return undefined;
  if (type === "changed" || type === "removed" || type === "evicted") return { type, key };
  if (type === "moved" && more !== undefined) return { type, key, nextKey: more };
  if (type === "expired" && (more === "idle" || more === "absolute"))
    return { type, key, limit: more };
  return undefined;
}
