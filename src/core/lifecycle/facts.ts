// Changing what core keeps beside the data: read, change, write under the condition that nothing
// came between, again.
import type { SessionFacts, StoredSession } from "../store.ts";
import type { GuardedStore } from "../store/guarded-store.ts";
import { retryOnConflict } from "../store/retry-on-conflict.ts";

/**
 * Changes the facts of a live session. `toFacts` is called again with a newer record where another
 * change came between; `undefined` leaves them as they are.
 *
 * @returns whether there is such a session.
 */
export async function changeFacts<Data>(
  store: GuardedStore<Data>,
  key: string,
  toFacts: (session: StoredSession<Data>) => SessionFacts | undefined,
): Promise<boolean> {
  const attempt = async (): Promise<boolean | "conflict"> => {
    const session = await store.read(key);
    const facts = session && toFacts(session);
    if (!session || !facts) return session !== undefined;
    const outcome = await store.patch(key, { facts, ifRevision: session.revision });
    return outcome === "conflict" ? outcome : outcome === "done";
  };
  return retryOnConflict(attempt, {
    what: "change a session",
    store: store.name,
    operation: "patch",
  });
}
