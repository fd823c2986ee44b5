// Compare-and-swap with a bound: read, decide, write under the condition that nothing came between, and again. It never spins for ever,
// and never keeps timers and sockets waiting: stores in this process answer without letting anything else run.
import { setImmediate } from "node:timers";
import { StoreError } from "../errors.ts";

// Each conflict means that another change succeeded. A thousand in a row is no contention but a store that never agrees.
const MOST_CONFLICTS = 1000;
// Attempts between two turns of the event loop.
const ATTEMPTS_A_TURN = 32;

/** Describes the operation, for the error message when the retries are used up. */
export interface RetriedOperation {
  /** Completes "Cannot …". */
  what: string;
  store: string;
  operation: string;
  /** Ends the attempts; without one only their number does. */
  deadline?: { assertTime(): void } | undefined;
}

/**
 * Calls `attempt` until its answer is something other than `"conflict"`.
 *
 * @throws StoreError `ERR_STORE_CONFLICT` after `limit` conflicts; `ERR_STORE_TIMEOUT` after the
 * deadline.
 */
export async function retryOnConflict<T>(
  attempt: () => Promise<T | "conflict">,
  { what, store, operation, deadline }: RetriedOperation,
  limit = MOST_CONFLICTS,
): Promise<T> {
  for (let attempts = 1; attempts <= limit; attempts++) {
    deadline?.assertTime();
    const answer = await attempt();
    if (answer !== "conflict") return answer;
    if (attempts % ATTEMPTS_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  throw new StoreError(
    "ERR_STORE_CONFLICT",
    `Cannot ${what}: another change came first ${limit} times`,
    { store, operation },
  );
}
