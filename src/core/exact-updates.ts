// Updates that see the whole of the data: read, change, write under the condition that nothing came between, again.
import { type Changes, difference, pickFields, toPatch, type Updater } from "./changes.ts";
import { HarpiaError, StoreError } from "./errors.ts";
import type { GuardedStore } from "./guarded-store.ts";
import { copyJson, toJsonObject } from "./json.ts";
import { queueOfRequests } from "./keyed-queue.ts";
import { type StandardSchema, validate } from "./schema.ts";

// Each conflict means that somebody else's change succeeded: this many in a row is no contention any more.
const MOST_CONFLICTS = 1000;

interface Rules<Data> {
  schema?: StandardSchema<unknown, Data> | undefined;
  userOf(data: Data): string | undefined;
}

/** Exact updates of one `Session`. Those of one record wait for one another: they would only conflict. */
export class ExactUpdates<Data extends object> {
  readonly #store: GuardedStore<Data>;
  readonly #rules: Rules<Data>;
  readonly #queue = queueOfRequests();
  // The session whose function is running right now, up to its first `await`.
  #inside: string | undefined;

  constructor(store: GuardedStore<Data>, rules: Rules<Data>) {
    this.#store = store;
    this.#rules = rules;
  }

  /** The changes as they are now. A schema may want more of them than JSON, and gets the caller's own. */
  copy(changes: Changes<Data> | Updater<Data>): Changes<Data> | Updater<Data> {
    return typeof changes === "function" || this.#rules.schema ? changes : copyChanges(changes);
  }

  /**
   * To be called before any update. One from inside of a function given to another would wait for it, or make it try for ever.
   *
   * @throws HarpiaError `ERR_NESTED_UPDATE`, up to that function's first `await`.
   */
  assertOutside(key: string): void {
    if (this.#inside !== key) return;
    throw new HarpiaError("ERR_NESTED_UPDATE", "Cannot update a session inside of a function that updates it: the two would wait for each other, give all changes back from one");
  }

  /** @returns whether there was such a session. */
  run(key: string, changes: Changes<Data> | Updater<Data>): Promise<boolean> {
    // What the caller does to the object afterwards is no part of the change.
    const given = this.copy(changes);
    return this.#queue.run(key, async () => {
      for (let attempt = 0; attempt < MOST_CONFLICTS; attempt++) {
        const session = await this.#store.read(key);
        if (!session) return false;
        // The function may change what it is given: what it gives back counts.
        const before = copyJson(session.data);
        const next = await this.#next(before, typeof given === "function" ? await this.#ask(key, given, session.data) : given);
        const patch = difference(before, next);
        if (patch === undefined) return true;
        const outcome = await this.#store.patch(key, { ...patch, ifRevision: session.revision });
        if (outcome !== "conflict") return outcome === "done";
      }
      throw new StoreError("ERR_STORE_CONFLICT", `Cannot update a session: ${MOST_CONFLICTS} times another change came first`, {
        store: this.#store.name,
        operation: "patch",
      });
    });
  }

  #ask(key: string, updater: Updater<Data>, data: Data): ReturnType<Updater<Data>> {
    const outer = this.#inside;
    this.#inside = key;
    try {
      return updater(data);
    } finally {
      this.#inside = outer;
    }
  }

  async #next(before: Data, changes: Changes<Data> | undefined): Promise<Data> {
    const { schema, userOf } = this.#rules;
    const merged: Data = { ...before, ...changes };
    const next = toJsonObject(schema ? { ...(await validate<Data>(schema, pickFields(merged, "visible"))), ...pickFields(merged, "hidden") } : merged);
    if (userOf(next) === userOf(before)) return next;
    throw new HarpiaError("ERR_USER_CHANGED", "Cannot update a session: the change would give it another user, a new session is wanted at login");
  }
}

function copyChanges<Data extends object>(changes: Changes<Data>): Changes<Data> {
  const { set, unset } = toPatch(changes);
  return { ...set, ...Object.fromEntries(unset.map((field) => [field, undefined])) };
}
