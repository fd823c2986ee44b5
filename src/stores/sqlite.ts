// SqliteStore: sessions in a SQLite file, for one machine. Keeps every promise of the contract,
// also between processes that share the file: each change is one transaction that begins with the
// write lock. It never opens or closes the database.
import { setTimeout } from "node:timers/promises";
import {
  assertOptions,
  clock,
  LONGEST_WAIT,
  oneOf,
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
  KeyedSession,
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
import { toSqlText } from "./shared/sql-json.ts";
import { PRUNE_INTERVAL, pruneIntervalCheck, Pruning } from "./shared/sql-pruning.ts";
import { exists, isBusy, type SqliteClient, SqliteConnection } from "./sqlite/client.ts";
import { GroupCommit } from "./sqlite/commits.ts";
import { pruneRows } from "./sqlite/pruning.ts";
import { RecentRows } from "./sqlite/recent.ts";
import { expiryOf, type Row, toRow, toSession } from "./sqlite/record.ts";
import { schemaOf, statementsOf } from "./sqlite/statements.ts";

export type { SqliteClient, SqliteStatement, SqliteValue } from "./sqlite/client.ts";

export interface SqliteStoreOptions {
  /**
   * An open database of better-sqlite3, node:sqlite or bun:sqlite. Best one that nothing else uses:
   * the store sets `synchronous` on it, raises `busy_timeout` to one second if it is less, and
   * cannot begin a transaction inside of yours.
   */
  client: SqliteClient;
  /** The table's name: letters, digits and `_`. Default `harpiats_sessions`. */
  table?: string | undefined;
  /**
   * `full`, the default: what was acknowledged survives a power cut. `normal`: it survives the end
   * of the process, and a power cut takes back the last moments, the file intact; commits are about
   * ten times as fast.
   */
  synchronous?: "full" | "normal" | undefined;
  /**
   * Seconds that a change waits for other processes' changes before it rejects with `SQLITE_BUSY`.
   * Default 5.
   */
  busyTimeout?: number | undefined;
  /**
   * Seconds between two rounds of {@link SqliteStore.prune} by itself, give or take a tenth.
   * Default 900; `false` for none.
   */
  pruneInterval?: number | false | undefined;
  /** Default: the machine's. */
  clock?: Clock | undefined;
}

const TABLE = /^(?!sqlite_)[a-z_][a-z0-9_]{0,62}$/i;
const BUSY_TIMEOUT = 5;
const SCAN_LIMIT = 100;
const OPTIONS = {
  client: unchecked,
  table: pattern(
    TABLE,
    "1 to 63 letters, digits and _ that begin with no digit and not with sqlite_",
  ),
  synchronous: oneOf("full", "normal"),
  busyTimeout: seconds(0, LONGEST_WAIT),
  pruneInterval: pruneIntervalCheck,
  clock,
} satisfies Shape;

/**
 * Keeps sessions in a SQLite database. Call {@link SqliteStore.migrate} before the first use.
 *
 * Reads are synchronous and see what any process had committed before this turn of the event loop.
 * Changes of one turn share a transaction, and each resolves after the commit.
 * {@link SqliteStore.subscribe} tells of this store object's own changes alone: SQLite tells
 * nothing to other processes.
 *
 * @throws TypeError or RangeError that says which option is wrong.
 */
// Harpia's default: data of unknown shape. As the constraint too, or
// `new Session({ store: new SqliteStore(…) })` infers nothing.
// oxlint-disable-next-line typescript/no-explicit-any
export class SqliteStore<Data extends Record<string, any> = Record<string, any>>
  extends IdAccess<Data>
  implements SessionStore<Data>
{
  readonly #connection: SqliteConnection;
  readonly #recent: RecentRows;
  readonly #commits: GroupCommit;
  readonly #busyTimeout: number;
  readonly #sql: ReturnType<typeof statementsOf>;
  readonly #schema: readonly string[];
  readonly #listeners = new Set<(change: StoreChange) => void>();
  readonly #pruning: Pruning;

  constructor(options: SqliteStoreOptions) {
    assertOptions("SqliteStore", options, OPTIONS);
    super(options.clock);
    const {
      client,
      table = "harpiats_sessions",
      synchronous = "full",
      busyTimeout = BUSY_TIMEOUT,
      pruneInterval = PRUNE_INTERVAL,
    } = options;
    this.#connection = new SqliteConnection(client, synchronous);
    this.#busyTimeout = busyTimeout * 1000;
    this.#recent = new RecentRows(this.#connection);
    this.#commits = new GroupCommit(this.#connection, {
      busyTimeout: this.#busyTimeout,
      observer: this.#recent,
    });
    this.#sql = statementsOf(table);
    this.#schema = schemaOf(table);
    this.#pruning = new Pruning(this, this.clock, pruneInterval);
  }

  /**
   * The SQL that makes the table and its index, for those who run their own migrations. Harmless
   * where they exist.
   */
  schema(): string {
    return `${this.#schema.join(";\n")};`;
  }

  /** The same, one statement each and in their order, for clients that take one at a time. */
  schemaStatements(): string[] {
    return [...this.#schema];
  }

  /**
   * Makes the table where it does not exist and puts the file into WAL mode, which stays with the
   * file: readers and a writer do not wait for each other then. Safe from many processes at once.
   */
  async migrate(): Promise<void> {
    const until = performance.now() + this.#busyTimeout;
    for (;;) {
      try {
        // A change of mode takes the whole file for itself, and does not wait for its turn.
        this.#connection.changeToWal();
        break;
      } catch (error) {
        if (!isBusy(error) || performance.now() >= until) throw error;
        await setTimeout(10 + Math.random() * 10);
      }
    }
    await this.#commits.run(() => this.#connection.exec(this.schema()));
  }

  async create(key: string, session: NewSession<Data>, cap?: UserCap): Promise<CreateResult> {
    const row = toRow(key, JSON.stringify(toJsonObject(session.data)), session);
    return this.#change((changes) => {
      const evicted: string[] = [];
      if (cap && session.userId !== undefined) {
        if (this.#isTaken(key)) return { outcome: "taken", evicted };
        const rivals = this.#liveOf(session.userId);
        const excess = Math.max(rivals.length + 1 - cap.limit, 0);
        if (excess > 0 && cap.onLimit === "deny") return { outcome: "denied", evicted };
        evicted.push(...rivals.slice(0, excess).map((rival) => rival.key));
        for (const victim of evicted)
          this.#delete(victim, changes, { type: "evicted", key: victim });
      }
      this.#recent.forget(key);
      const isInserted = exists(this.#statement("insert").get(...row, this.clock.now()));
      return { outcome: isInserted ? "created" : "taken", evicted };
    });
  }

  readSync(key: string, now: number = this.clock.now()): StoredSession<Data> | undefined {
    this.#connection.assertAlone();
    const recent = this.#recent.get(key);
    if (recent && expiryOf(recent) > now) return toSession<Data>(recent);
    const row = this.#select(key);
    const session = row && this.#toLive(row, now);
    if (session) this.#recent.keep(row);
    return session;
  }

  async read(keys: readonly string[]): Promise<(StoredSession<Data> | undefined)[]> {
    const now = this.clock.now();
    return keys.map((key) => this.readSync(key, now));
  }

  extend(
    key: string,
    { lastSeenAt, expiresAt }: { lastSeenAt: number; expiresAt: number },
  ): Promise<boolean> {
    return this.#change(() => {
      if (!this.#find(key)) return false;
      this.#recent.forget(key);
      this.#statement("extend").run(lastSeenAt, expiresAt, key);
      return true;
    });
  }

  async patch(key: string, patch: SessionPatch<Data>): Promise<PatchOutcome> {
    const { ifRevision } = patch;
    const set = patch.set && toJsonObject(patch.set);
    const unset = [...(patch.unset ?? [])];
    return this.#change((changes) => {
      const session = this.#find(key);
      if (!session) return "missing";
      if (ifRevision !== undefined && ifRevision !== session.revision) return "conflict";
      // Merged here and not by json_set: the transaction holds the write lock, and SQLite's JSON
      // paths cannot name every field.
      const data = { ...session.data, ...set };
      for (const field of unset) delete data[field as keyof Data];
      this.#recent.forget(key);
      this.#statement("patch").run(
        JSON.stringify(data),
        patch.facts ? JSON.stringify(patch.facts) : null,
        key,
      );
      changes.push({ type: "changed", key });
      return "done";
    });
  }

  move(key: string, nextKey: string, facts?: SessionFacts): Promise<boolean> {
    const factsText = facts ? JSON.stringify(facts) : null;
    return this.#change((changes) => {
      if (!this.#find(key) || this.#isTaken(nextKey)) return false;
      this.#recent.forget(key);
      this.#erase(nextKey); // An expired record may still be there.
      this.#statement("move").run(nextKey, factsText, key);
      changes.push({ type: "moved", key, nextKey });
      return true;
    });
  }

  remove(key: string): Promise<boolean> {
    return this.#change((changes) => {
      if (!this.#find(key)) return false;
      this.#delete(key, changes, { type: "removed", key });
      return true;
    });
  }

  async listByUser(userId: string): Promise<KeyedSession<Data>[]> {
    this.#connection.assertAlone();
    return this.#liveOf(userId);
  }

  removeByUser(userId: string, options: { except?: readonly string[] } = {}): Promise<number> {
    const except = new Set(options.except);
    return this.#change((changes) => {
      const keys = this.#liveOf(userId)
        .map(({ key }) => key)
        .filter((key) => !except.has(key));
      for (const key of keys) this.#delete(key, changes, { type: "removed", key });
      // A record of a newer version lives for the processes that wrote it: revoked is revoked.
      for (const { key } of this.#statement("unreadableOf").all(toSqlText(userId)) as {
        key: string;
      }[])
        if (!except.has(key)) this.#erase(key);
      return keys.length;
    });
  }

  removeAll(): Promise<void> {
    return this.#change((changes) => {
      this.#recent.forgetAll();
      this.#statement("deleteAll").run();
      changes.push({ type: "cleared" });
    });
  }

  /** Pages in the order of birth. */
  async scan(
    cursor = "",
    { limit = SCAN_LIMIT }: { limit?: number } = {},
  ): Promise<{ sessions: KeyedSession<Data>[]; cursor?: string }> {
    this.#connection.assertAlone();
    const rows = this.#connection
      .lists<readonly [last: string | null, ...row: Row]>(this.#sql.scan)
      .all(cursor, limit - 1, cursor);
    const [last] = rows[0] ?? [];
    return {
      sessions: this.#toKeyed(rows.map(([, ...row]) => row)),
      ...(typeof last === "string" && { cursor: last }),
    };
  }

  async count(): Promise<number> {
    this.#connection.assertAlone();
    return Number((this.#statement("count").get() as { count: number | bigint }).count);
  }

  /**
   * Deletes what has expired, a thousand rows at a time: it walks the whole table, and never holds
   * the lock for long.
   */
  async prune(): Promise<number> {
    return pruneRows({
      clock: this.clock,
      statement: (name) => this.#statement(name),
      change: (work) => this.#change(work),
    });
  }

  /** Tells of what this store object does, and of nothing else: not of other processes. */
  async subscribe(listener: (change: StoreChange) => void): Promise<() => Promise<void>> {
    this.#listeners.add(listener);
    return async () => void this.#listeners.delete(listener);
  }

  /**
   * Stops pruning and resolves when no change is under way. The database stays open: it is the
   * caller's.
   */
  async close(): Promise<void> {
    this.#pruning.stop();
    await this.#commits.settled();
  }

  async #change<T>(work: (changes: StoreChange[]) => T): Promise<T> {
    this.#pruning.start();
    let changes: StoreChange[] = [];
    const result = await this.#commits.run(() => work((changes = [])));
    changes.forEach(this.#tell);
    return result;
  }

  #statement(name: keyof ReturnType<typeof statementsOf>) {
    return this.#connection.statement(this.#sql[name]);
  }

  #select(key: string): Row | undefined {
    this.#pruning.start();
    return this.#connection.lists<Row>(this.#sql.select).get(key);
  }

  /** A live session, as the file has it in this transaction. */
  #find(key: string): StoredSession<Data> | undefined {
    const row = this.#select(key);
    return row && this.#toLive(row, this.clock.now());
  }

  #toLive(row: Row, now: number): StoredSession<Data> | undefined {
    if (expiryOf(row) <= now) return undefined;
    const session = toSession<Data>(row);
    if (!session) this.#tell({ type: "unreadable", key: row[0] });
    return session;
  }

  #toKeyed(rows: readonly Row[]): KeyedSession<Data>[] {
    const now = this.clock.now();
    return rows.flatMap((row) => {
      const session = this.#toLive(row, now);
      return session ? [{ key: row[0], session }] : [];
    });
  }

  /** Oldest first. */
  #liveOf(userId: string): KeyedSession<Data>[] {
    return this.#toKeyed(this.#connection.lists<Row>(this.#sql.byUser).all(toSqlText(userId)));
  }

  /**
   * Whether there is a record under a key that must stay: a live one, or one that is not ours to
   * judge.
   */
  #isTaken(key: string): boolean {
    return exists(this.#statement("taken").get(key, this.clock.now()));
  }

  #delete(key: string, changes: StoreChange[], change: StoreChange): void {
    this.#erase(key);
    changes.push(change);
  }

  #erase(key: string): void {
    this.#recent.forget(key);
    this.#statement("delete").run(key);
  }

  readonly #tell = (change: StoreChange): void => tellSubscribers(this.#listeners, change);
}
