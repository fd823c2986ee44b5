// MysqlStore: sessions in a table of MySQL or MariaDB. Each change is one conditional statement, or where it takes
// several one transaction. It never opens or closes a connection of its own.
import type { Clock } from "../core/clock.ts";
import { IdAccess } from "../core/id-access.ts";
import { kindOf, toJsonObject } from "../core/json.ts";
import { assertOptions } from "../core/options.ts";
import type { CreateResult, KeyedSession, NewSession, PatchOutcome, SessionPatch, SessionStore, StoredSession, UserCap } from "../core/store.ts";
import { type MysqlClient, MysqlConnector, type MysqlValue, type Statements } from "./_mysql-client.ts";
import { toPath, toStoredValue } from "./_mysql-fields.ts";
import { keyOf, toRow, toSession, toUserColumn } from "./_mysql-record.ts";
import { IS_DONE, padded, schemaOf, statementsOf } from "./_mysql-statements.ts";
import { pruneFromTimeToTime } from "./_sql-pruning.ts";

export type { MysqlCallbackClient, MysqlClient, MysqlConnection, MysqlPool, MysqlPoolConnection, MysqlStatement, MysqlValue } from "./_mysql-client.ts";

export interface MysqlStoreOptions {
  /** A pool of mysql2, with promises or callbacks. A single connection does as well, if nothing else uses it. */
  client: MysqlClient;
  /** The table's name, with the database's before it and a dot if need be: letters, digits and `_`. Default `harpiats_sessions`. */
  table?: string | undefined;
  /**
   * Seconds after which a connection that does not answer is given up, so that the pool makes another. Default 30;
   * `Infinity` for none. How long a request waits is `storeTimeout` of `Session`.
   */
  statementTimeout?: number | undefined;
  /** Seconds between two rounds of {@link MysqlStore.prune} by itself, give or take a tenth. Default 900; `false` for none. */
  pruneInterval?: number | false | undefined;
  /** Called with the key of a record that is no session of this version. It was left alone. What it throws is ignored. */
  onUnreadable?: ((key: string) => void) | undefined;
  /** Default: the machine's. */
  clock?: Clock | undefined;
}

const DEFAULT_TABLE = "harpiats_sessions";
const TABLE = /^(?:[a-z_][a-z0-9_]{0,63}\.)?[a-z_][a-z0-9_]{0,63}$/i;
const KEY = /^[0-9a-f]{8}\.[\w-]{43}$/;
const CURSOR = /^[0-9a-f]{8}(?:\/|\.[\w-]{43})$/;
const STATEMENT_TIMEOUT = 30;
const PRUNE_INTERVAL = 900;
const LONGEST = 86_400;
const SCAN_LIMIT = 100;
// What was put directly under a name has no birth, and never moves.
const NO_BIRTH = "ffffffff";
// Sorts behind every key.
const END = "~";
const PRUNE_AT_ONCE = 5000;
const DELETE_AT_ONCE = 500;
const MOST_KEYS = 16_384;
const DUPLICATE_KEY = 1062;

/**
 * Keeps sessions in MySQL 8 or MariaDB (InnoDB). Call {@link MysqlStore.migrate} before the first use.
 *
 * Has no `subscribe`: MySQL tells nothing to other processes.
 *
 * @throws TypeError or RangeError that says which option is wrong.
 */
// The seed's default: data of unknown shape.
// oxlint-disable-next-line typescript/no-explicit-any
export class MysqlStore<Data extends Record<string, any> = Record<string, any>> extends IdAccess<Data> implements SessionStore<Data> {
  readonly #connector: MysqlConnector;
  readonly #sql: ReturnType<typeof statementsOf>;
  readonly #schema: string;
  readonly #onUnreadable: (key: string) => void;
  readonly #stopPruning: () => void;

  constructor(options: MysqlStoreOptions) {
    assertOptions("MysqlStore", options, ["client", "table", "statementTimeout", "pruneInterval", "onUnreadable", "clock"]);
    super(options.clock);
    const { client, table = DEFAULT_TABLE, statementTimeout = STATEMENT_TIMEOUT, pruneInterval = PRUNE_INTERVAL, onUnreadable = () => {} } = options;
    if (typeof table !== "string" || !TABLE.test(table)) {
      throw new TypeError("Cannot use option table: it is no plain name, up to 64 letters, digits and _ that begin with no digit are wanted, or two such names with a dot between");
    }
    if (statementTimeout !== Infinity) assertSeconds("statementTimeout", statementTimeout);
    if (pruneInterval !== false) assertSeconds("pruneInterval", pruneInterval);
    if (typeof onUnreadable !== "function") throw new TypeError(`Cannot use option onUnreadable: it is ${kindOf(onUnreadable)}, a function is wanted`);
    this.#connector = new MysqlConnector(client, statementTimeout * 1000);
    this.#sql = statementsOf(table);
    this.#schema = schemaOf(table);
    this.#onUnreadable = onUnreadable;
    this.#stopPruning = pruneInterval === false ? () => {} : pruneFromTimeToTime(this, this.clock, pruneInterval * 1000);
  }

  /** The SQL that makes the table and its index, for those who run their own migrations. Harmless where they exist. */
  schema(): string {
    return this.#schema;
  }

  /** Makes the table where it does not exist. Safe from many processes at once. */
  async migrate(): Promise<void> {
    await this.#connector.together((connection) => connection.command(this.#schema));
  }

  async create(key: string, session: NewSession<Data>, cap?: UserCap): Promise<CreateResult> {
    assertKey(key);
    // Plain JSON, an object: `toJsonObject` sees to it.
    const row = toRow(key, toJsonObject(session.data) as object, session);
    const { userId } = session;
    return this.#unlessTaken(
      key,
      () => (cap && userId !== undefined ? this.#createWithin(cap, userId, row) : this.#insert(row)),
      { outcome: "taken", evicted: [] },
    );
  }

  async read(keys: readonly string[]): Promise<(StoredSession<Data> | undefined)[]> {
    const wanted = [...new Set(keys)].filter((key) => KEY.test(key));
    const rows = new Map<string, unknown[]>();
    for (let at = 0; at < wanted.length; at += MOST_KEYS) {
      const some = padded(wanted.slice(at, at + MOST_KEYS));
      const found = await this.#connector.select(this.#sql.read(some.length), [...some, this.clock.now()]);
      for (const row of found) rows.set(keyOf(row), row);
    }
    return keys.map((key) => {
      const row = rows.get(key);
      return row && this.#toSession(row);
    });
  }

  async extend(key: string, to: { lastSeenAt: number; expiresAt: number }): Promise<boolean> {
    if (!KEY.test(key)) return false;
    const { insertId } = await this.#connector.change(this.#sql.extend, [to.lastSeenAt, to.expiresAt, key, this.clock.now()]);
    return insertId !== 0;
  }

  async patch(key: string, patch: SessionPatch<Data>): Promise<PatchOutcome> {
    if (!KEY.test(key)) return "missing";
    const { ifRevision } = patch;
    const unset = padded((patch.unset ?? []).map(toPath));
    const set = padded(Object.entries(toJsonObject(patch.set ?? {})).map(([field, value]) => [toPath(field), toStoredValue(value)]));
    const fields = [...unset, ...set.flat()];
    if (ifRevision === undefined) {
      const { affectedRows } = await this.#connector.change(this.#sql.patch(set.length, unset.length), [...fields, key, this.clock.now()]);
      return affectedRows === 0 ? "missing" : "done";
    }
    const { insertId } = await this.#connector.change(this.#sql.patchRevision(set.length, unset.length), [ifRevision, ...fields, ifRevision, key, this.clock.now()]);
    if (insertId === 0) return "missing";
    return insertId === IS_DONE ? "done" : "conflict";
  }

  async move(key: string, nextKey: string): Promise<boolean> {
    assertKey(nextKey);
    if (!KEY.test(key) || key === nextKey) return false;
    const move = async (): Promise<boolean> => (await this.#connector.change(this.#sql.move, [nextKey, key, this.clock.now()])).affectedRows > 0;
    return this.#unlessTaken(nextKey, move, false);
  }

  async remove(key: string): Promise<boolean> {
    if (!KEY.test(key)) return false;
    return (await this.#connector.change(this.#sql.remove, [key, this.clock.now()])).affectedRows > 0;
  }

  async listByUser(userId: string): Promise<KeyedSession<Data>[]> {
    return this.#toKeyed(await this.#connector.select(this.#sql.listByUser, [toUserColumn(userId), this.clock.now()]));
  }

  async removeByUser(userId: string, options: { except?: readonly string[] } = {}): Promise<number> {
    const except = padded((options.except ?? []).filter((key) => KEY.test(key)));
    const values = [toUserColumn(userId), this.clock.now(), ...except];
    return (await this.#connector.changeAll(this.#sql.removeByUser(except.length), values)).affectedRows;
  }

  async removeAll(): Promise<void> {
    throw new Error("Cannot remove all sessions: not written yet");
  }

  /** Pages in the order of birth. Sessions that were born in the same second are in one page, also if that makes it long. */
  async scan(cursor = "", options: { limit?: number } = {}): Promise<{ sessions: KeyedSession<Data>[]; cursor?: string }> {
    const { limit = SCAN_LIMIT } = options;
    if (cursor !== "" && !CURSOR.test(cursor)) throw new TypeError("Cannot scan: the cursor is none that scan gave");
    if (!Number.isInteger(limit) || limit < 1) throw new RangeError(`Cannot scan: limit is ${limit}, a whole number from 1 is wanted`);
    const [last] = await this.#connector.select(this.#sql.boundary(limit), [cursor]);
    const next = last && nextCursor(keyOf(last));
    const sessions = this.#toKeyed(await this.#connector.select(this.#sql.page, [cursor, next ?? END, this.clock.now()]));
    return next === undefined ? { sessions } : { sessions, cursor: next };
  }

  /** Deletes what has expired. Walks the whole table without a lock, 5,000 rows at a time, and deletes up to 500 at a time. */
  async prune(): Promise<number> {
    let pruned = 0;
    let from = "";
    for (;;) {
      const [last] = await this.#connector.select(this.#sql.boundary(PRUNE_AT_ONCE), [from]);
      const to = last ? keyOf(last) : END;
      const expired = (await this.#connector.select(this.#sql.expired, [from, to, this.clock.now()])).map(keyOf);
      for (let at = 0; at < expired.length; at += DELETE_AT_ONCE) {
        const some = padded(expired.slice(at, at + DELETE_AT_ONCE));
        pruned += (await this.#connector.change(this.#sql.prune(some.length), [...some, this.clock.now()])).affectedRows;
      }
      if (!last) return pruned;
      from = to;
    }
  }

  /** Stops pruning by itself. The pool stays open: it is the caller's. */
  async close(): Promise<void> {
    this.#stopPruning();
  }

  async #insert(row: MysqlValue[]): Promise<CreateResult> {
    await this.#connector.change(this.#sql.insert, row);
    return { outcome: "created", evicted: [] };
  }

  /** Creates under a cap: whoever else creates for the user waits, or is repeated. */
  #createWithin(cap: UserCap, userId: string, row: MysqlValue[]): Promise<CreateResult> {
    return this.#connector.transaction(async (connection: Statements): Promise<CreateResult> => {
      const rivals = (await connection.select(this.#sql.lockRivals, [toUserColumn(userId), this.clock.now()])).map(keyOf);
      const excess = Math.max(rivals.length + 1 - cap.limit, 0);
      if (excess > 0 && cap.onLimit === "deny") return { outcome: "denied", evicted: [] };
      await connection.change(this.#sql.insert, row);
      const evicted = rivals.slice(0, excess);
      const keys = padded(evicted);
      if (excess > 0) await connection.change(this.#sql.evict(keys.length), keys);
      return { outcome: "created", evicted };
    });
  }

  /** Does what puts a record under a key. An expired one that lies there makes way. */
  async #unlessTaken<T>(key: string, put: () => Promise<T>, taken: T): Promise<T> {
    for (;;) {
      try {
        return await put();
      } catch (error) {
        if ((Object(error) as { errno?: unknown }).errno !== DUPLICATE_KEY) throw error;
      }
      const { affectedRows } = await this.#connector.change(this.#sql.clearExpired, [key, this.clock.now()]);
      if (affectedRows === 0) return taken;
    }
  }

  #toSession(row: readonly unknown[]): StoredSession<Data> | undefined {
    const session = toSession<Data>(row);
    if (session) return session;
    try {
      this.#onUnreadable(keyOf(row));
    } catch {
      // A listener's mistake must not become the request's.
    }
    return undefined;
  }

  #toKeyed(rows: readonly unknown[][]): KeyedSession<Data>[] {
    return rows.flatMap((row) => {
      const session = this.#toSession(row);
      return session ? [{ key: keyOf(row), session }] : [];
    });
  }
}

/**
 * Where the next page begins: behind all sessions of this birth. A rotation changes a key but not its birth, so that no
 * session can slip from what is to come into what has been.
 */
function nextCursor(lastKey: string): string {
  const birth = lastKey.slice(0, NO_BIRTH.length);
  // "/" is the character behind ".".
  return birth === NO_BIRTH ? lastKey : `${birth}/`;
}

function assertKey(key: string): void {
  if (!KEY.test(key)) throw new TypeError("Cannot store a session: the key is none that core makes, 8 hex digits, a dot and 43 characters of base64url are wanted");
}

function assertSeconds(name: string, value: unknown): void {
  if (typeof value !== "number") throw new TypeError(`Cannot use option ${name}: it is ${kindOf(value)}, a number of seconds is wanted`);
  if (!(value >= 1 && value <= LONGEST)) throw new RangeError(`Cannot use option ${name} ${value}: seconds from 1 to ${LONGEST} are wanted`);
}
