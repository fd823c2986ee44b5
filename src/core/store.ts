// The two contracts between core and whatever keeps the sessions. No behaviour lives here.
// Stores move records; core decides: a store never needs to know why it is called.

/**
 * The least a store must do: three methods over ids and plain data.
 *
 * `Session` makes as much of it as one process can (see {@link toSessionStore}). What it cannot
 * give, a {@link SessionStore} does.
 */
// Harpia's default: data of unknown shape, to be narrowed by `Session<Data>` or a schema.
// oxlint-disable-next-line typescript/no-explicit-any
export interface Store<Data = Record<string, any>> {
  /**
   * The data under an id; `undefined` when there is none. Rejects only when the store cannot tell.
   */
  get(id: string): Promise<Data | undefined>;
  /** Puts data under an id, whatever was there. */
  set(id: string, data: Data): Promise<void>;
  /** Forgets an id. One that is not there is no error. */
  delete(id: string): Promise<void>;
}

/**
 * What is known of the device that signed in: personal data, kept only where the application asks
 * for it.
 */
export interface DeviceFacts {
  userAgent?: string;
  ip?: string;
  /** For people: "Firefox on Windows". */
  label?: string;
}

/** What core keeps beside the data. A store keeps it whole, as JSON, and never looks inside. */
export interface SessionFacts {
  /** The device that signed in, where the application asks for it. */
  device?: DeviceFacts;
  /** When the user last proved who they are, milliseconds since the epoch. */
  authenticatedAt?: number;
  /** This session's own idle limit in seconds, where it differs from the `Session`'s. */
  idleTimeout?: number;
  /** Whether its cookie outlives the browser: "remember me". */
  isPersistent?: boolean;
  /**
   * The key that it had before its first rotation. Finds it again after a rotation that nobody told
   * of.
   */
  origin?: string;
  /**
   * Which of its ids hold, as hashes of what follows their first 32 characters. Renewed at `at`;
   * `salt` until the current id was first used, at `seenAt`. `earlier` is the id before `former`,
   * where its overlap was perhaps not over. `clock` names the clock of the last of these instants:
   * those of another one may be wrong.
   */
  renewal?: {
    at: number;
    current: string;
    former: string;
    earlier?: string;
    salt?: string;
    seenAt?: number;
    clock?: string;
  };
}

/** One stored session. Instants are milliseconds since the epoch, whole numbers. */
export interface StoredSession<Data> {
  /** The application's data: plain JSON, an object of fields. */
  data: Data;
  /** 1 at creation; grows with every `patch`, and with nothing else. */
  revision: number;
  createdAt: number;
  /** The last activity, as exact as the touch throttle. */
  lastSeenAt: number;
  /** The next deadline: never read at or after it. */
  expiresAt: number;
  /** The absolute limit: nothing extends it. */
  endsAt: number;
  /** Who it belongs to. Fixed at creation: a login is a new session. */
  userId?: string;
  facts?: SessionFacts;
}

/** A session that is not stored yet. */
export type NewSession<Data> = Omit<StoredSession<Data>, "revision">;

/** A session with the key it is stored under. The key is public: it is a handle, not an id. */
export interface KeyedSession<Data> {
  key: string;
  session: StoredSession<Data>;
}

/** How many live sessions one user may have, and what happens to one too many. */
export interface UserCap {
  /** At least 1. */
  limit: number;
  /**
   * `evict-oldest` removes the user's sessions of the earliest `createdAt`; `deny` creates nothing.
   */
  onLimit: "evict-oldest" | "deny";
}

/** What came of a creation. Only `created` changed anything. */
export interface CreateResult {
  /**
   * `taken`: there is a session under this key. `denied`: the user has as many as the cap allows.
   */
  outcome: "created" | "taken" | "denied";
  /** The keys that made way for it. */
  evicted: readonly string[];
}

/** A change of data, field by field, or of the facts. What is not named keeps its value. */
export interface SessionPatch<Data> {
  set?: Partial<Data>;
  unset?: readonly string[];
  /** Replaces the facts, whole. */
  facts?: SessionFacts;
  /** Change only the record that has this revision. */
  ifRevision?: number;
}

/** One of several changes at once. */
export interface KeyedPatch<Data> {
  key: string;
  patch: SessionPatch<Data>;
}

/** One of several later deadlines at once. */
export interface KeyedTouch {
  key: string;
  to: { lastSeenAt: number; expiresAt: number };
}

/**
 * `missing`: no live session under this key. `conflict`: it has another revision. Neither changed
 * anything.
 */
export type PatchOutcome = "done" | "missing" | "conflict";

/** What a store tells its subscribers. */
export type StoreChange =
  | { type: "changed" | "removed"; key: string }
  /** It had to make way for others: the store is full. */
  | { type: "evicted"; key: string }
  /** Its deadline came: the idle limit's, or the absolute one's. */
  | { type: "expired"; key: string; limit: "idle" | "absolute" }
  | { type: "moved"; key: string; nextKey: string }
  /** Every session that was there has ended. */
  | { type: "cleared" }
  /** There is something under this key that is not a session of this version. It was left alone. */
  | { type: "unreadable"; key: string }
  /** Messages may have been missed: trust nothing that was read before. */
  | { type: "lost" }
  /** After `lost`: messages arrive again, so whatever changes from now on is told. */
  | { type: "listening" };

/**
 * The whole contract. Every change is one conditional, atomic step; instants are absolute.
 *
 * Keys are what core derives from an id (52 characters of `0-9a-zA-Z._-`): a store never sees an id
 * but in the three methods of {@link Store}, which take ids here as everywhere.
 *
 * Absence is a value: absent and expired alike are `undefined`, `false` or `missing`. A rejection
 * means only that the store cannot tell.
 *
 * What is handed in may be changed by the caller afterwards, and so may what comes out: neither
 * ever changes what is stored.
 */
export interface SessionStore<Data = Record<string, unknown>> extends Store<Data> {
  /**
   * Inserts if absent, within the user's cap if one is given. The only method that makes a record.
   */
  create(key: string, session: NewSession<Data>, cap?: UserCap): Promise<CreateResult>;
  /**
   * Reads many at once, in the order of the keys, in one round trip where the server allows. Never
   * an expired record.
   */
  read(keys: readonly string[]): Promise<(StoredSession<Data> | undefined)[]>;
  /**
   * The same for one key and at once: only for a store that keeps everything in this process.
   *
   * @param now the instant to judge by, where the caller has asked for it already; the store's own
   * clock's otherwise.
   */
  readSync?(key: string, now?: number): StoredSession<Data> | undefined;
  /** Moves the deadline of a live session later, never earlier, and never writes data. */
  extend(key: string, to: { lastSeenAt: number; expiresAt: number }): Promise<boolean>;
  /** Changes the data of a live session, per top-level field, and its facts, in one step. */
  patch(key: string, patch: SessionPatch<Data>): Promise<PatchOutcome>;
  /**
   * `extend` for several sessions in one round trip, answered in their order. The keys differ. Each
   * counts for itself: one that is not there changes nothing for the others. Core calls it with
   * what requests of one turn of the event loop want.
   */
  extendAll?(touches: readonly KeyedTouch[]): Promise<boolean[]>;
  /**
   * `patch` for several sessions, in the same way. What one of them holds must not make the others
   * fail: an `Error` in its place says that it alone failed.
   */
  patchAll?(patches: readonly KeyedPatch<Data>[]): Promise<(PatchOutcome | Error)[]>;
  /**
   * Gives a live session another key of the same birth; the user's index follows. Of several at
   * once exactly one is `true`. `false` too, and nothing changed, where `nextKey` is taken.
   *
   * @param facts replace the facts, whole, in the same step; without them the facts stay. The
   * revision stays either way.
   */
  move(key: string, nextKey: string, facts?: SessionFacts): Promise<boolean>;
  /** Ends a session. `true` if it was live: of several at once exactly one. */
  remove(key: string): Promise<boolean>;
  /** The user's live sessions, oldest first. */
  listByUser(userId: string): Promise<KeyedSession<Data>[]>;
  /**
   * Ends every session that the user has, but for those under the keys in `except`. Once it has
   * resolved, none that was created before the call is live, also when a login ran meanwhile.
   *
   * @returns how many it ended.
   */
  removeByUser(userId: string, options?: { except?: readonly string[] }): Promise<number>;
  /**
   * Ends every session, of everybody, with one write however many there are. Once it has resolved,
   * none that was created before the call is live, also when creations ran meanwhile; those that
   * begin later live, whatever clock they have.
   */
  removeAll(): Promise<void>;
  /**
   * Pages through the live sessions in no promised order, about `limit` (default 100) at a time. A
   * session that lives all the while is seen at least once. No `cursor` in the answer: that was the
   * last page.
   */
  scan(
    cursor?: string,
    options?: { limit?: number },
  ): Promise<{ sessions: KeyedSession<Data>[]; cursor?: string }>;
  /**
   * About how many sessions are kept, what has expired and was not pruned yet included; `undefined`
   * for "cannot tell now". Only for a store that answers as quickly as it reads, however many there
   * are: nothing is decided by it, people look at it.
   */
  count?(): Promise<number | undefined>;
  /** Deletes what has expired. @returns how many. */
  prune(): Promise<number>;
  /**
   * Tells what was changed, here or, where {@link hearsOthers} says so, in any process.
   *
   * @returns a function that ends it.
   */
  subscribe?(listener: (change: StoreChange) => void): Promise<() => Promise<void>>;
  /**
   * Whether `subscribe` tells what other processes change: a near cache needs that, and is refused
   * where it is not `true`.
   */
  readonly hearsOthers?: boolean;
}
