// MysqlStore: sessions in a table of MySQL or MariaDB. Each change is one conditional statement, or
// where it takes several one transaction. It never opens or closes a connection of its own.
import {
  assertOptions,
  clock,
  LONGEST_WAIT,
  pattern,
  seconds,
  type Shape,
  unchecked,
} from "../core/checks.ts";
import type { Clock } from "../core/clock.ts";
import { toJsonObject } from "../core/data/json.ts";
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
import { type KeyedParts, MysqlBatches } from "./mysql/batches.ts";
import { errnoOf, type MysqlClient, MysqlConnector, type MysqlValue } from "./mysql/client.ts";
import { assertKey, assertPage, END, isKey, nextCursor, START } from "./mysql/keys.ts";
import { patchWhole, toPatchParts } from "./mysql/patch.ts";
import { keyOf, toFactsColumn, toRow, toSession, toUserColumn } from "./mysql/record.ts";
import { IS_DONE, NO_EPOCH, padded, schemaOf, statementsOf } from "./mysql/statements.ts";
import { MysqlUsers } from "./mysql/users.ts";
import { PRUNE_INTERVAL, pruneIntervalCheck, Pruning } from "./shared/sql-pruning.ts";

export type {
  MysqlCallbackClient,
  MysqlClient,
  MysqlConnection,
  MysqlPool,
  MysqlPoolConnection,
  MysqlStatement,
  MysqlValue,
} from "./mysql/client.ts";

/** The client of a `MysqlStore`, its table and its pruning. */
export interface MysqlStoreOptions {
  /**
   * A pool of mysql2, with promises or callbacks. A single connection does as well, if nothing else
   * uses it.
   */
  client: MysqlClient;
  /**
   * The table's name, with the database's before it and a dot if need be: letters, digits and `_`,
   * at most 58. Default `harpiats_sessions`.
   */
  table?: string | undefined;
  /**
   * Seconds after which a connection that does not answer is given up, so that the pool makes
   * another. Default 30; `Infinity` for none. How long a request waits is `storeTimeout` of
   * `Session`.
   */
  statementTimeout?: number | undefined;
  /**
   * Seconds between two rounds of {@link MysqlStore.prune} by itself, give or take a tenth. Default
   * 900; `false` for none.
   */
  pruneInterval?: number | false | undefined;
  /** Default: the machine's. */
  clock?: Clock | undefined;
}

const DEFAULT_TABLE = "harpiats_sessions";
const TABLE = /^(?:[a-z_][a-z0-9_]{0,63}\.)?[a-z_][a-z0-9_]{0,57}$/i;
const OPTIONS = {
  client: unchecked,
  table: pattern(
    TABLE,
    "up to 58 letters, digits and _ that begin with no digit, or two such names with a dot between",
  ),
  statementTimeout: seconds(1, LONGEST_WAIT, Infinity),
  pruneInterval: pruneIntervalCheck,
  clock,
} satisfies Shape;
const STATEMENT_TIMEOUT = 30;
const SCAN_LIMIT = 100;
const PRUNE_AT_ONCE = 5000;
const DELETE_AT_ONCE = 500;
const MOST_KEYS = 16_384;
const DUPLICATE_KEY = 1062;
const BAD_FIELD = 1054;

// As the statement numbers them.
const LIMITS = [undefined, "idle", "absolute"] as const;

/**
 * Keeps sessions in MySQL 8 or MariaDB (InnoDB). Call {@link MysqlStore.migrate} before the first
 * use.
 *
 * {@link MysqlStore.subscribe} tells of this store object's own doings alone: MySQL tells nothing
 * to other processes.
 *
 * @throws TypeError or RangeError that says which option is wrong.
 */
// Harpia's default: data of unknown shape.
// oxlint-disable-next-line typescript/no-explicit-any
export class MysqlStore<Data extends Record<string, any> = Record<string, any>>
  extends IdAccess<Data>
  implements SessionStore<Data>
{
  readonly #connector: MysqlConnector;
  readonly #sql: ReturnType<typeof statementsOf>;
  readonly #schema: readonly string[];
  readonly #users: MysqlUsers;
  readonly #batches: MysqlBatches;
  readonly #listeners = new Set<(change: StoreChange) => void>();
  readonly #pruning: Pruning;

  constructor(options: MysqlStoreOptions) {
    assertOptions("MysqlStore", options, OPTIONS);
    super(options.clock);
    const {
      client,
      table = DEFAULT_TABLE,
      statementTimeout = STATEMENT_TIMEOUT,
      pruneInterval = PRUNE_INTERVAL,
    } = options;
    const pruning = new Pruning(this, this.clock, pruneInterval);
    this.#connector = new MysqlConnector(client, statementTimeout * 1000, () => pruning.start());
    this.#sql = statementsOf(table);
    this.#schema = schemaOf(table);
    this.#users = new MysqlUsers(this.#connector, this.#sql, this.clock);
    this.#batches = new MysqlBatches(this.#connector, this.#sql, this.clock);
    this.#pruning = pruning;
  }

  /**
   * The SQL that makes the table, its index and a table of one row, for those who run their own
   * migrations. Harmless where they exist.
   */
  schema(): string {
    return `${this.#schema.join(";\n\n")};`;
  }

  /** The same, one statement each and in their order, for clients that take one at a time. */
  schemaStatements(): string[] {
    return [...this.#schema];
  }

  /**
   * Makes the tables where they do not exist. Safe from many processes at once.
   *
   * @throws Error where there is a table of that name that this version did not make. It is left
   * alone.
   */
  async migrate(): Promise<void> {
    await this.#connector.together(async (connection) => {
      for (const statement of this.#schema) await connection.command(statement);
      await connection.command(this.#sql.isOurs).catch((cause: unknown) => {
        if (errnoOf(cause) !== BAD_FIELD) throw cause;
        throw new Error(
          "Cannot migrate: there is a table of this name without a column epoch, no table or one that this version made is wanted",
          { cause },
        );
      });
    });
  }

  async create(key: string, session: NewSession<Data>, cap?: UserCap): Promise<CreateResult> {
    assertKey(key);
    // Plain JSON, an object: `toJsonObject` sees to it.
    const row = toRow(key, toJsonObject(session.data) as object, session);
    const { userId } = session;
    const put = (): Promise<CreateResult> =>
      cap && userId !== undefined ? this.#users.createWithin(cap, userId, row) : this.#insert(row);
    const result = await this.#unlessTaken<CreateResult>(key, put, {
      outcome: "taken",
      evicted: [],
    });
    for (const victim of result.evicted) this.#tell({ type: "evicted", key: victim });
    return result;
  }

  async read(keys: readonly string[]): Promise<(StoredSession<Data> | undefined)[]> {
    const wanted = [...new Set(keys)].filter(isKey);
    const rows = new Map<string, unknown[]>();
    for (let at = 0; at < wanted.length; at += MOST_KEYS) {
      const some = padded(wanted.slice(at, at + MOST_KEYS));
      const found = await this.#connector.select(this.#sql.read(some.length), [
        ...some,
        this.clock.now(),
      ]);
      for (const row of found) rows.set(keyOf(row), row);
    }
    return keys.map((key) => {
      const row = rows.get(key);
      return row && this.#toSession(row);
    });
  }

  async extend(key: string, to: { lastSeenAt: number; expiresAt: number }): Promise<boolean> {
    return isKey(key) && this.#extend({ key, to });
  }

  async patch(key: string, patch: SessionPatch<Data>): Promise<PatchOutcome> {
    if (!isKey(key)) return "missing";
    const outcome = await this.#patch({ key, parts: toPatchParts(patch) });
    if (outcome === "done") this.#tell({ type: "changed", key });
    return outcome;
  }

  async patchAll(patches: readonly KeyedPatch<Data>[]): Promise<(PatchOutcome | Error)[]> {
    const items = patches
      .filter(({ key }) => isKey(key))
      .map(({ key, patch }) => ({ key, parts: toPatchParts(patch) }));
    const outcomes = await this.#batches.patchAll(items, (item) => this.#patch(item));
    for (const { key } of patches)
      if (outcomes.get(key) === "done") this.#tell({ type: "changed", key });
    return patches.map(({ key }) => outcomes.get(key) ?? "missing");
  }

  async extendAll(touches: readonly KeyedTouch[]): Promise<boolean[]> {
    const known = touches.filter(({ key }) => isKey(key));
    const live = await this.#batches.extendAll(known, (touch) => this.#extend(touch));
    return touches.map(({ key }) => live.has(key));
  }

  async move(key: string, nextKey: string, facts?: SessionFacts): Promise<boolean> {
    assertKey(nextKey);
    if (!isKey(key) || key === nextKey) return false;
    const column = toFactsColumn(facts);
    const move = async (): Promise<boolean> =>
      (await this.#connector.change(this.#sql.move, [nextKey, column, key, this.clock.now()]))
        .affectedRows > 0;
    const isMoved = await this.#unlessTaken(nextKey, move, false);
    if (isMoved) this.#tell({ type: "moved", key, nextKey });
    return isMoved;
  }

  async remove(key: string): Promise<boolean> {
    if (!isKey(key)) return false;
    const { affectedRows } = await this.#connector.change(this.#sql.remove, [
      key,
      this.clock.now(),
    ]);
    if (affectedRows > 0) this.#tell({ type: "removed", key });
    return affectedRows > 0;
  }

  async listByUser(userId: string): Promise<KeyedSession<Data>[]> {
    return this.#toKeyed(
      await this.#connector.select(this.#sql.listByUser, [toUserColumn(userId), this.clock.now()]),
    );
  }

  async removeByUser(
    userId: string,
    options: { except?: readonly string[] } = {},
  ): Promise<number> {
    const kept = (options.except ?? []).filter(isKey);
    // Which they were is asked only where somebody wants to know: it takes a transaction.
    if (this.#listeners.size > 0) {
      const gone = await this.#users.removeLive(userId, kept);
      for (const key of gone) this.#tell({ type: "removed", key });
      return gone.length;
    }
    const except = padded(kept);
    const values = [toUserColumn(userId), this.clock.now(), ...except];
    return (await this.#connector.changeAll(this.#sql.removeByUser(except.length), values))
      .affectedRows;
  }

  async removeAll(): Promise<void> {
    const { affectedRows } = await this.#connector.change(this.#sql.removeAll, []);
    if (affectedRows !== 1) throw new Error(`Cannot remove all sessions: ${NO_EPOCH}`);
    this.#tell({ type: "cleared" });
  }

  /**
   * Pages in the order of birth. Sessions that were born in the same second are in one page, also
   * if that makes it long.
   */
  async scan(
    cursor = "",
    options: { limit?: number } = {},
  ): Promise<{ sessions: KeyedSession<Data>[]; cursor?: string }> {
    const { limit = SCAN_LIMIT } = options;
    assertPage(cursor, limit);
    const from = cursor || START;
    const [last] = await this.#connector.select(this.#sql.boundary(limit), [from]);
    const next = last && nextCursor(keyOf(last));
    const sessions = this.#toKeyed(
      await this.#connector.select(this.#sql.page, [from, next ?? END, this.clock.now()]),
    );
    return next === undefined ? { sessions } : { sessions, cursor: next };
  }

  /**
   * Deletes what has expired. Walks the whole table without a lock, 5,000 rows at a time, and
   * deletes up to 500 at a time.
   */
  async prune(): Promise<number> {
    let pruned = 0;
    let from = START;
    for (;;) {
      const [last] = await this.#connector.select(this.#sql.boundary(PRUNE_AT_ONCE), [from]);
      const to = last ? keyOf(last) : END;
      const over = await this.#connector.select(this.#sql.over, [from, to, this.clock.now()]);
      for (let at = 0; at < over.length; at += DELETE_AT_ONCE)
        pruned += await this.#pruneSome(over.slice(at, at + DELETE_AT_ONCE));
      if (!last) return pruned;
      from = to;
    }
  }

  /**
   * Tells of what this store object does and finds, and of nothing else: not of other processes.
   */
  async subscribe(listener: (change: StoreChange) => void): Promise<() => Promise<void>> {
    // Wrapped, since one function may be given twice.
    const hear = (change: StoreChange): void => listener(change);
    this.#listeners.add(hear);
    return async () => void this.#listeners.delete(hear);
  }

  /** Stops pruning by itself. The pool stays open: it is the caller's. */
  async close(): Promise<void> {
    this.#pruning.stop();
  }

  async #insert(row: MysqlValue[]): Promise<CreateResult> {
    await this.#connector.change(this.#sql.insert, row);
    return { outcome: "created", evicted: [] };
  }

  async #extend({ key, to }: KeyedTouch): Promise<boolean> {
    return (
      (
        await this.#connector.change(this.#sql.extend, [
          to.lastSeenAt,
          to.expiresAt,
          key,
          this.clock.now(),
        ])
      ).insertId !== 0
    );
  }

  async #patch({ key, parts }: KeyedParts): Promise<PatchOutcome> {
    if (parts.whole)
      return patchWhole(this.#connector, this.#sql, key, { parts, now: this.clock.now() });
    const { set, unset, fields, facts, ifRevision } = parts;
    if (ifRevision === undefined) {
      const { affectedRows } = await this.#connector.change(this.#sql.patch(set, unset), [
        ...fields,
        facts,
        key,
        this.clock.now(),
      ]);
      return affectedRows === 0 ? "missing" : "done";
    }
    const values = [ifRevision, ...fields, ifRevision, facts, ifRevision, key, this.clock.now()];
    const { insertId } = await this.#connector.change(this.#sql.patchRevision(set, unset), values);
    if (insertId === 0) return "missing";
    return insertId === IS_DONE ? "done" : "conflict";
  }

  /** Where another process prunes the same at this moment, both may tell of a session. */
  async #pruneSome(rows: readonly unknown[][]): Promise<number> {
    const keys = padded(rows.map(keyOf));
    const { affectedRows } = await this.#connector.change(this.#sql.prune(keys.length), [
      ...keys,
      this.clock.now(),
    ]);
    for (const row of affectedRows > 0 ? rows : []) {
      const limit = LIMITS[Number(row[1])];
      if (limit) this.#tell({ type: "expired", key: keyOf(row), limit });
    }
    return affectedRows;
  }

  /** Runs a statement that puts a record under a key; deletes an expired record that is in the way. */
  async #unlessTaken<T>(key: string, put: () => Promise<T>, taken: T): Promise<T> {
    for (;;) {
      try {
        return await put();
      } catch (error) {
        if (errnoOf(error) !== DUPLICATE_KEY) throw error;
      }
      const { affectedRows } = await this.#connector.change(this.#sql.clearOver, [
        key,
        this.clock.now(),
      ]);
      if (affectedRows === 0) return taken;
    }
  }

  #toSession(row: readonly unknown[]): StoredSession<Data> | undefined {
    const session = toSession<Data>(row);
    if (!session) this.#tell({ type: "unreadable", key: keyOf(row) });
    return session;
  }

  #toKeyed(rows: readonly unknown[][]): KeyedSession<Data>[] {
    return rows.flatMap((row) => {
      const session = this.#toSession(row);
      return session ? [{ key: keyOf(row), session }] : [];
    });
  }

  #tell(change: StoreChange): void {
    tellSubscribers(this.#listeners, change);
  }
}
