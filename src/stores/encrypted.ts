// harpiats/stores/encrypted: data at rest encrypted, in any store that changes sessions field by
// field. Keeps nothing itself.
//
// Who reads the database sees keys, users, instants and the names and lengths of fields. Who writes
// to it can end sessions, take fields of the data away, and put back what was there before; they
// cannot make a value that was never there, nor carry one anywhere else.
//
// - A value is sealed by itself (AES-256-GCM), so that a change of one field is one step of the
//   other store, as without encryption. Its key is derived (HKDF) from the caller's and from the
//   key that the record lies under, which no other record ever has; what it is, such as the field's
//   name, is authenticated. So it opens in no other record, under no other name. As each record has
//   keys of its own, random nonces of 96 bits are safe: 2^32 values of one record stay below a
//   chance of 2^-33 that two meet.
// - A head, in a field of its own, vouches for user, creation and absolute limit. Without it
//   nothing is a session, nor with a deadline behind that limit. Facts are sealed where there are
//   none, too, so that none can be taken away.
// - A rotation gives the record another key. What is sealed cannot follow in the same step, so the
//   head says before: genuine under the next key, too. Such a list is written under the condition
//   that the record is as it was read, and keeps the keys of others who are about to move it. So
//   whichever move comes first, the record opens before it, after it, and if the process ends
//   between. Fields that are written meanwhile are bound to the key of before: the list's first,
//   which opens them after the move. The next rotation seals all of that anew in the same step in
//   which it makes a list that begins with its own key. So a record never needs more than two, and
//   a list that does not begin with the key it lies under has been used: what else is in it is
//   forgotten.
// - The list's step makes the other store's revision grow. The head counts these steps: the
//   session's own revision is the difference.
import { assertOptions, clock, unchecked } from "../core/checks.ts";
import type { Clock } from "../core/clock.ts";
import { tellSubscribers } from "../core/events/events.ts";
import type {
  CreateResult,
  KeyedPatch,
  KeyedSession,
  KeyedTouch,
  NewSession,
  PatchOutcome,
  SessionFacts,
  SessionPatch,
  SessionStore,
  StoreChange,
  StoredSession,
  UserCap,
} from "../core/store.ts";
import { IdAccess } from "../core/store/id-access.ts";
import { retryOnConflict } from "../core/store/retry-on-conflict.ts";
import { isSessionStore, PlainStore } from "../core/store/three-method-store.ts";
import { KeyRing } from "./encrypted/keys.ts";
import {
  open,
  type Opened,
  type Sealed,
  sealFacts,
  sealMove,
  sealNew,
  sealPatch,
} from "./encrypted/record.ts";

/** The keys of an `EncryptedStore`. */
export interface EncryptedStoreOptions {
  /**
   * At least 32 random bytes each, as bytes or as text, the newest first: it encrypts, all of them
   * decrypt. What a key has encrypted is no session any more once it is taken out.
   */
  keys: readonly (string | Uint8Array)[];
  /** For `set` by id alone; the other store has its own. Default: the machine's. */
  clock?: Clock | undefined;
}

/**
 * Encrypts what another store keeps. Data and facts are sealed; keys, users, instants and the names
 * of fields are not.
 *
 * A record that does not open, for whatever reason, is no session: it is told to subscribers as
 * `unreadable` and left alone, but may be ended. It takes one call of the other store to read,
 * create, touch or end, two to change, also several sessions where it has `patchAll`, and three to
 * rotate.
 *
 * @throws TypeError for a store that does not change sessions field by field, such as one of three
 * methods; TypeError or RangeError for keys that are none.
 */
// Harpia's default: data of unknown shape. As the constraint too, as in every store.
// oxlint-disable-next-line typescript/no-explicit-any
export class EncryptedStore<Data extends Record<string, any> = Record<string, any>>
  extends IdAccess<Data>
  implements SessionStore<Data>
{
  readonly #store: SessionStore<Sealed>;
  readonly #ring: KeyRing;
  readonly #listeners = new Set<(change: StoreChange) => void>();
  /** Where the other store has it. */
  readonly readSync?: (key: string, now?: number) => StoredSession<Data> | undefined;
  /** What the other store says. */
  readonly hearsOthers: boolean;
  /** Present if the wrapped store has it. */
  readonly count?: () => Promise<number | undefined>;
  /** Present if the wrapped store has it. */
  readonly extendAll?: (touches: readonly KeyedTouch[]) => Promise<boolean[]>;
  /** Where the other store has it: one look at all of them, then one call. */
  readonly patchAll?: (patches: readonly KeyedPatch<Data>[]) => Promise<(PatchOutcome | Error)[]>;

  // Sealed data is texts, whatever the other store is declared to hold.
  // oxlint-disable-next-line typescript/no-explicit-any
  constructor(store: SessionStore<any>, options: EncryptedStoreOptions) {
    assertOptions("EncryptedStore", options, { keys: unchecked, clock });
    super(options.clock);
    if (!isSessionStore<Sealed>(Object(store)) || store instanceof PlainStore) {
      throw new TypeError(
        "Cannot make an EncryptedStore: the store has no patch() and its like, one that changes sessions field by field is wanted",
      );
    }
    this.#store = store;
    this.#ring = new KeyRing(options.keys);
    this.hearsOthers = store.hearsOthers === true;
    if (store.count) this.count = () => this.#store.count?.() ?? Promise.resolve(undefined);
    if (store.extendAll)
      this.extendAll = (touches) => (store as Required<SessionStore<Sealed>>).extendAll(touches);
    if (store.patchAll) this.patchAll = (patches) => this.#patchAll(patches);
    if (store.readSync)
      this.readSync = (key, now) => this.#open(key, store.readSync?.(key, now))?.session;
  }

  async create(key: string, session: NewSession<Data>, cap?: UserCap): Promise<CreateResult> {
    return this.#store.create(key, sealNew(this.#ring, key, session), cap);
  }

  async read(keys: readonly string[]): Promise<(StoredSession<Data> | undefined)[]> {
    const found = await this.#store.read(keys);
    return keys.map((key, at) => this.#open(key, found[at])?.session);
  }

  extend(key: string, to: { lastSeenAt: number; expiresAt: number }): Promise<boolean> {
    return this.#store.extend(key, to);
  }

  async patch(key: string, patch: SessionPatch<Data>): Promise<PatchOutcome> {
    return this.#patchSealed(key, patch.ifRevision, sealPatch(this.#ring, key, patch));
  }

  async move(key: string, nextKey: string, facts?: SessionFacts): Promise<boolean> {
    if (key === nextKey) return false;
    const sealed = facts && sealFacts(this.#ring.boundTo(nextKey), facts);
    return this.#again("move", async () => {
      const opened = await this.#find(key);
      if (!opened) return false;
      const outcome = await this.#store.patch(key, sealMove(this.#ring, key, nextKey, opened));
      if (outcome === "conflict") return undefined;
      return outcome === "done" && this.#store.move(key, nextKey, sealed);
    });
  }

  /** Ends what does not open, too: with a key that comes back it would be alive again. */
  remove(key: string): Promise<boolean> {
    return this.#store.remove(key);
  }

  async listByUser(userId: string): Promise<KeyedSession<Data>[]> {
    return this.#openAll(await this.#store.listByUser(userId));
  }

  removeByUser(userId: string, options?: { except?: readonly string[] }): Promise<number> {
    return this.#store.removeByUser(userId, options);
  }

  removeAll(): Promise<void> {
    return this.#store.removeAll();
  }

  async scan(
    cursor?: string,
    options?: { limit?: number },
  ): Promise<{ sessions: KeyedSession<Data>[]; cursor?: string }> {
    const page = await this.#store.scan(cursor, options);
    return { ...page, sessions: this.#openAll(page.sessions) };
  }

  prune(): Promise<number> {
    return this.#store.prune();
  }

  /** Tells what the other store tells, and what this process could not open. */
  async subscribe(listener: (change: StoreChange) => void): Promise<() => Promise<void>> {
    // Wrapped, since one function may be given twice.
    const hear = (change: StoreChange): void => listener(change);
    const stop = await this.#store.subscribe?.(hear);
    this.#listeners.add(hear);
    return async () => {
      this.#listeners.delete(hear);
      await stop?.();
    };
  }

  async #patchSealed(
    key: string,
    ifRevision: number | undefined,
    sealed: SessionPatch<Sealed>,
  ): Promise<PatchOutcome> {
    return this.#again("patch", async () => {
      // Looked at first: what does not open is not to be changed, and a change of the head may have
      // come between.
      const step = toStep(sealed, ifRevision, await this.#find(key));
      if (typeof step === "string") return step;
      const outcome = await this.#store.patch(key, step);
      return outcome === "conflict" ? undefined : outcome;
    });
  }

  async #patchAll(patches: readonly KeyedPatch<Data>[]): Promise<(PatchOutcome | Error)[]> {
    const sealed = patches.map(({ key, patch }) => sealPatch(this.#ring, key, patch));
    const found = await this.#store.read(patches.map(({ key }) => key));
    const steps = patches.map(({ key, patch }, at) =>
      toStep(sealed[at] as SessionPatch<Sealed>, patch.ifRevision, this.#open(key, found[at])),
    );
    const asked = steps.flatMap((step, at) =>
      typeof step === "string"
        ? []
        : [{ at, key: (patches[at] as KeyedPatch<Data>).key, patch: step }],
    );
    const outcomes: (PatchOutcome | Error)[] = steps.map((step) =>
      typeof step === "string" ? step : "missing",
    );
    const answers =
      asked.length === 0
        ? []
        : await (this.#store as Required<SessionStore<Sealed>>).patchAll(
            asked.map(({ key, patch }) => ({ key, patch })),
          );
    if (answers.length !== asked.length)
      throw new TypeError(
        `Cannot use the answer: patchAll of the other store gave ${answers.length} for ${asked.length} patches, one for each is wanted`,
      );
    const settled = answers.map(async (outcome, n) => {
      const { at, key } = asked[n] as (typeof asked)[number];
      // Another change came between: that may have been one of the head alone.
      const again = (): Promise<PatchOutcome | Error> =>
        this.#patchSealed(
          key,
          patches[at]?.patch.ifRevision,
          sealed[at] as SessionPatch<Sealed>,
        ).catch(toError);
      outcomes[at] = outcome === "conflict" ? await again() : outcome;
    });
    await Promise.all(settled);
    return outcomes;
  }

  async #find(key: string): Promise<Opened<Data> | undefined> {
    const [stored] = await this.#store.read([key]);
    return this.#open(key, stored);
  }

  #open(key: string, stored: StoredSession<Sealed> | undefined): Opened<Data> | undefined {
    const opened = stored && open<Data>(this.#ring, key, stored);
    if (stored && !opened) tellSubscribers(this.#listeners, { type: "unreadable", key });
    return opened;
  }

  #openAll(found: readonly KeyedSession<Sealed>[]): KeyedSession<Data>[] {
    return found.flatMap(({ key, session: stored }) => {
      const session = this.#open(key, stored)?.session;
      return session ? [{ key, session }] : [];
    });
  }

  /** Tries again for as long as the answer is `undefined`: another change came between. */
  async #again<T>(operation: string, attempt: () => Promise<T | undefined>): Promise<T> {
    const given = async (): Promise<{ answer: T } | "conflict"> => {
      const answer = await attempt();
      return answer === undefined ? "conflict" : { answer };
    };
    const { answer } = await retryOnConflict(given, {
      what: operation,
      store: this.constructor.name,
      operation,
    });
    return answer;
  }
}

/** What to ask of the other store, or what is so already. */
function toStep<Data>(
  sealed: SessionPatch<Sealed>,
  ifRevision: number | undefined,
  opened: Opened<Data> | undefined,
): SessionPatch<Sealed> | "missing" | "conflict" {
  if (!opened) return "missing";
  if (ifRevision === undefined) return sealed;
  return ifRevision === opened.session.revision
    ? { ...sealed, ifRevision: opened.storedRevision }
    : "conflict";
}

function toError(reason: unknown): Error {
  return reason instanceof Error
    ? reason
    : new Error("Cannot patch: the other store failed", { cause: reason });
}
