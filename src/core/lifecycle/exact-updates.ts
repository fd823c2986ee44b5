// Updates that see the whole of the data: read, change, write under the condition that nothing came
// between, again.
import {
  assertFewFields,
  assertVisible,
  type Changes,
  difference,
  pickFields,
  toPatch,
  type Updater,
} from "../data/changes.ts";
import { copyJson, toJsonObject } from "../data/json.ts";
import { type StandardSchema, validateChange } from "../data/schema.ts";
import { HarpiaError } from "../errors.ts";
import type { StoredSession } from "../store.ts";
import type { Deadline, GuardedStore } from "../store/guarded-store.ts";
import { queueOfRequests } from "../store/keyed-queue.ts";
import { retryOnConflict } from "../store/retry-on-conflict.ts";

interface Rules<Data> {
  schema?: StandardSchema<unknown, Data> | undefined;
  visitorSchema?: StandardSchema<unknown, Partial<Data>> | undefined;
  userOf(data: Data): string | undefined;
}

/**
 * Exact updates of one `Session`. Those of one record wait for one another: they would only
 * conflict.
 */
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

  /**
   * The changes as they are now. A schema may want more of them than JSON, and gets the caller's
   * own.
   */
  copy(changes: Changes<Data> | Updater<Data>): Changes<Data> | Updater<Data> {
    return typeof changes === "function" || this.#isJudging ? changes : copyChanges(changes);
  }

  /**
   * To be called before any update. One from inside of a function given to another would wait for
   * it, or make it try for ever.
   *
   * @throws HarpiaError `ERR_NESTED_UPDATE`, up to that function's first `await`.
   */
  assertOutside(key: string): void {
    if (this.#inside !== key) return;
    throw new HarpiaError(
      "ERR_NESTED_UPDATE",
      "Cannot update a session inside of a function that updates it: the two would wait for each other, give all changes back from one",
    );
  }

  /**
   * Runs a change that needs no look at the data, after those of the same session that came before
   * it.
   */
  inOrder<T>(key: string, change: () => Promise<T>): Promise<T> {
    return this.#store.keepsOrder ? change() : this.#queue.run(key, change);
  }

  /** @returns whether there was such a session. */
  run(
    key: string,
    changes: Changes<Data> | Updater<Data>,
    { hidden, seesHidden = false, admission }: UpdateScope<Data> = {},
  ): Promise<boolean> {
    // What the caller does to the object afterwards is no part of the change.
    const given = this.copy(changes);
    const attempt = async (deadline: Deadline): Promise<boolean | "conflict"> => {
      const session = await this.#store.read(key);
      if (!session || (admission && !(await admission.of(session)))) return false;
      // The function may change what it is given: what it gives back counts.
      const before = copyJson(session.data);
      const seen = seesHidden ? session.data : pickFields(session.data, "visible");
      const asked = typeof given === "function" ? await this.#ask(key, given, seen) : given;
      if (asked && !seesHidden) assertVisible(asked);
      const judged = seesHidden ? { ...before, ...asked } : await this.#next(before, asked);
      const next = hidden || seesHidden ? toJsonObject({ ...judged, ...hidden }) : judged;
      const patch = difference(before, next);
      if (patch === undefined) return true;
      assertFewFields(patch);
      deadline.assertTime();
      const outcome = await this.#store.patch(key, { ...patch, ifRevision: session.revision });
      return outcome === "conflict" ? outcome : outcome === "done";
    };
    // Waiting for its turn is part of what takes time.
    return this.#store.whole("patch", (deadline) =>
      this.#queue.run(key, () =>
        retryOnConflict(() => attempt(deadline), {
          what: "update a session",
          store: this.#store.name,
          operation: "patch",
          deadline,
        }),
      ),
    );
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

  get #isJudging(): boolean {
    return this.#rules.schema !== undefined || this.#rules.visitorSchema !== undefined;
  }

  /** The data as the change makes it: only named fields differ, and defaults that were missing. */
  async #next(before: Data, changes: Changes<Data> | undefined): Promise<Data> {
    const { userOf } = this.#rules;
    const merged: Data = { ...before, ...changes };
    const next = toJsonObject(
      this.#isJudging ? await this.#judged(before, merged, changes ?? {}) : merged,
    );
    if (userOf(next) === userOf(before)) return next;
    throw new HarpiaError(
      "ERR_USER_CHANGED",
      "Cannot update a session: the change would give it another user, a new session is wanted at login",
    );
  }

  async #judged(before: Data, merged: Data, changes: Changes<Data>): Promise<Data> {
    const { schema, visitorSchema, userOf } = this.#rules;
    const isVisitors = userOf(merged) === undefined;
    const judging = isVisitors && visitorSchema ? visitorSchema : schema;
    if (!judging) return merged;
    const isNamed = (field: string): boolean => Object.hasOwn(changes, field);
    const visible = pickFields(merged, "visible");
    const made: Partial<Data> | undefined = await validateChange<Partial<Data>>(
      judging,
      visible,
      isNamed,
    );
    if (made === undefined) return merged;
    const kept = Object.entries(before).filter(([field]) => !isNamed(field) || isDropped(field));
    const written = Object.entries(made).filter(
      ([field]) => isNamed(field) || !Object.hasOwn(before, field),
    );
    return Object.fromEntries([...kept, ...written]) as Data;

    // What the schema does not know of is another release's: a change of it writes nothing.
    function isDropped(field: string): boolean {
      return changes[field as keyof Data] !== undefined && !Object.hasOwn(made ?? {}, field);
    }
  }
}

function copyChanges<Data extends object>(changes: Changes<Data>): Changes<Data> {
  const { set, unset } = toPatch(changes);
  return { ...set, ...Object.fromEntries(unset.map((field) => [field, undefined])) };
}

/** Whether the id that names a session may change it: only the record says which of its ids hold. */
export interface Admission<Data> {
  /** Before a change that reads nothing. */
  beforehand(): boolean | Promise<boolean>;
  /** By the record that a change has read. */
  of(session: StoredSession<Data>): boolean | Promise<boolean>;
}

/** Who changes, and what the library's own changes are allowed. */
export interface UpdateScope<Data> {
  /** Absent where the id was found to hold already. */
  admission?: Admission<Data> | undefined;
  /** Fields of the library's own, changed in the same step. */
  hidden?: object | undefined;
  /** Whether a function sees and names such fields. Then no schema is asked. */
  seesHidden?: boolean | undefined;
}
