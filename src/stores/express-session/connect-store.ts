// Stores that were written for express-session, asked with promises.

/**
 * What is asked of a store of express-session: connect-redis, connect-pg-simple, memorystore and so
 * on.
 */
export interface ConnectStore {
  get(sid: string, callback: (error: unknown, session?: object | null) => void): unknown;
  set(sid: string, session: object, callback: (error?: unknown) => void): unknown;
  destroy(sid: string, callback: (error?: unknown) => void): unknown;
}

/** The session under an id, as the store gives it; `undefined` where there is none. */
export async function readConnect(store: ConnectStore, sid: string): Promise<object | undefined> {
  // Stores of files say ENOENT when there is none, and express-session takes it so.
  const asked = answerOf<object | null>((callback) => store.get(sid, callback));
  return (
    (await asked.catch((error: { code?: unknown }) => {
      if (error.code !== "ENOENT") throw error;
    })) ?? undefined
  );
}

/**
 * What the callback gets. Async functions may also reject, where they forgot to call it: that would
 * end the process.
 */
export function answerOf<T>(
  call: (callback: (error?: unknown, answer?: T) => void) => unknown,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(toError(error));
    const returned = call((error, answer) => (error ? fail(error) : resolve(answer)));
    if (returned instanceof Promise) returned.catch(fail);
  });
}

function toError(error: unknown): Error {
  return error instanceof Error
    ? error
    : new Error("Cannot use the store of express-session: it failed without an Error", {
        cause: error,
      });
}
