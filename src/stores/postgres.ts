// harpiats/stores/postgres: sessions in PostgreSQL, one row each. Opens no connection and closes
// none. Each change is one statement, and each statement is one transaction.
import { assertOptions, boolean, clock, pattern, type Shape, unchecked } from "../core/checks.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { toJsonObject } from "../core/data/json.ts";
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
import { toPostgresPort } from "./postgres/client.ts";
import { type PatchValues, toLists, toPatchValues } from "./postgres/patch.ts";
import {
  codeOf,
  type PgClient,
  type PgLite,
  type PgPool,
  type PgPoolClient,
  type PostgresClient,
  type PostgresJsSql,
  type PostgresPort,
  type Statement,
} from "./postgres/port.ts";
import { toSession } from "./postgres/record.ts";
import { toStatements, toTextArray } from "./postgres/sql.ts";
import { PostgresSubscription } from "./postgres/subscription.ts";
import { inBatches } from "./shared/sql-batches.ts";
import { toSqlJson, toSqlText } from "./shared/sql-json.ts";
import { PRUNE_INTERVAL, pruneIntervalCheck, Pruning } from "./shared/sql-pruning.ts";

export type { PgClient, PgLite, PgPool, PgPoolClient, PostgresClient, PostgresJsSql };

export interface PostgresStoreOptions {
  /**
   * A `Pool` (or a connected `Client`) of pg, `sql` of postgres.js, or a PGlite. Who opened it
   * closes it.
   */
  client: PostgresClient;
  /**
   * `name` or `schema.name`: lower-case letters, digits and `_`, the name at most 40 of them.
   * Default `harpiats_sessions`.
   */
  table?: string | undefined;
  /**
   * Whether each change is told to the subscribers of every process, by NOTIFY in the statement
   * that makes it. Default `false`: subscribers hear of what this store does and finds, and not of
   * other processes. PostgreSQL lets transactions that notify commit one after another:
   * docs/stores/postgres.md says what that costs.
   */
  notify?: boolean | undefined;
  /**
   * Whether statements are prepared. Default `true`, but behind a pooler: docs/stores/postgres.md
   * says what is best there.
   */
  prepare?: boolean | undefined;
  /**
   * Seconds between two prunings by this process, give or take a tenth; `false` for none. Default
   * 900.
   */
  pruneInterval?: number | false | undefined;
  /** Default: the machine's. */
  clock?: Clock | undefined;
}

const DEFAULT_TABLE = "harpiats_sessions";
const TABLE = /^(?:[a-z_][a-z0-9_]{0,62}\.)?[a-z_][a-z0-9_]{0,39}$/;
const OPTIONS = {
  client: unchecked,
  table: pattern(
    TABLE,
    "name or schema.name of a-z, 0-9 and _, the name with at most 40 characters and no digit first",
  ),
  notify: boolean,
  prepare: boolean,
  pruneInterval: pruneIntervalCheck,
  clock,
} satisfies Shape;
// Rows looked at in one step: none is locked for longer than it takes to delete so many.
const PRUNE_AT_ONCE = "1000";
const SCAN_LIMIT = 100;
// A statement that PostgreSQL gave up for the sake of another (serialization failure, deadlock)
// changed nothing.
const MOST_RETRIES = 5;
const GIVEN_UP = ["40001", "40P01"];
const UNIQUE_VIOLATION = "23505";
// Classes of codes: data exception, integrity constraint violation, program limit exceeded (as
// nesting too deep), raised by a trigger.
const OF_DATA = /^(?:22|23|54|P0)/;

/**
 * Keeps sessions in PostgreSQL 12 and later: for any number of processes and machines. Make the
 * table with {@link migrate}, or with the SQL of {@link schema}.
 *
 * What a method acknowledged is on disk, as far as the server's `synchronous_commit` says so. Reads
 * must go to the primary: on a replica a session lives on for as long as the replica lags behind
 * its end.
 *
 * @throws TypeError or RangeError for an option that makes no sense.
 */
// Harpia's default: data of unknown shape. As the constraint too, or
// `new Session({ store: new PostgresStore(…) })` infers nothing.
// oxlint-disable-next-line typescript/no-explicit-any
export class PostgresStore<Data extends Record<string, any> = Record<string, any>>
  extends IdAccess<Data>
  implements SessionStore<Data>
{
  readonly #port: PostgresPort;
  readonly #sql: ReturnType<typeof toStatements>;
  readonly #changes: PostgresSubscription;
  readonly #pruning: Pruning;
  /** With `notify`. */
  readonly hearsOthers: boolean;

  constructor(options: PostgresStoreOptions) {
    assertOptions("PostgresStore", options, OPTIONS);
    const {
      client,
      table = DEFAULT_TABLE,
      notify = false,
      prepare,
      pruneInterval = PRUNE_INTERVAL,
      clock = systemClock,
    } = options;
    super(clock);
    const channel = notify ? table : undefined;
    this.hearsOthers = notify;
    this.#port = toPostgresPort(client, { prepare });
    this.#sql = toStatements({ table, channel });
    this.#changes = new PostgresSubscription(this.#port, channel, clock);
    this.#pruning = new Pruning(this, clock, pruneInterval);
  }

  /**
   * The SQL that makes the table, its index, a table of one row beside it and two functions.
   * Changes nothing that is there.
   */
  schema(): string {
    return this.#sql.schema;
  }

  /** The same, one statement each and in their order, for clients that take one at a time. */
  schemaStatements(): string[] {
    return [...this.#sql.schemaStatements];
  }

  /**
   * Makes what {@link schema} says, unless it is there: one question where it is. Safe from many
   * processes at once.
   *
   * @throws Error where there is a table of that name that this version did not make. It is left
   * alone.
   */
  async migrate(): Promise<void> {
    const [row] = await this.#query(this.#sql.isMigrated, []);
    if (row?.[1] === true)
      throw new Error(
        "Cannot migrate: there is a table of this name without a column epoch, no table or one that this version made is wanted",
      );
    if (row?.[0] !== true) await this.#port.script(this.#sql.schema);
  }

  async create(key: string, session: NewSession<Data>, cap?: UserCap): Promise<CreateResult> {
    const { userId, facts, createdAt, lastSeenAt, expiresAt, endsAt } = session;
    const texts = [
      userId === undefined ? null : toSqlText(userId),
      toSqlJson(toJsonObject(session.data)),
      facts === undefined ? null : toSqlJson(facts),
    ];
    const values = [
      key,
      ...texts,
      ...[createdAt, lastSeenAt, expiresAt, endsAt].map(String),
      this.#now(),
    ];
    if (!cap || userId === undefined) {
      const rows = await this.#query(this.#sql.create, values);
      return { outcome: rows.length === 1 ? "created" : "taken", evicted: [] };
    }
    const [row] = await this.#query(this.#sql.createWithin, [
      ...values,
      String(cap.limit),
      String(cap.onLimit === "evict-oldest"),
    ]);
    const evicted = typeof row?.[1] === "string" ? row[1].split(" ") : [];
    for (const victim of evicted) this.#changes.tellOwn({ type: "evicted", key: victim });
    // The function answers with the contract's own words.
    return { outcome: row?.[0] as CreateResult["outcome"], evicted };
  }

  async read(keys: readonly string[]): Promise<(StoredSession<Data> | undefined)[]> {
    const [first] = keys;
    if (first === undefined) return [];
    // Most calls ask for one key, and a list costs more to unpack.
    if (keys.length === 1) {
      const [row] = await this.#query(this.#sql.readOne, [first, this.#now()]);
      // A client that mistakes one answer for another after a fault must not give anybody somebody
      // else's session.
      if (row && row[0] !== first)
        throw new Error(
          "Cannot read a session: the client gave another one, the answer to what was asked is wanted",
        );
      return [row && this.#toKeyed(row)?.session];
    }
    const rows = new Map<unknown, unknown[]>();
    for (const row of await this.#query(this.#sql.readMany, [
      toTextArray([...new Set(keys)]),
      this.#now(),
    ]))
      rows.set(row[0], row);
    // Made anew for each place: no two answers share an object.
    return keys.map((key) => {
      const row = rows.get(key);
      return row && this.#toKeyed(row)?.session;
    });
  }

  async extend(key: string, to: { lastSeenAt: number; expiresAt: number }): Promise<boolean> {
    return (
      (
        await this.#query(this.#sql.extend, [
          key,
          String(to.lastSeenAt),
          String(to.expiresAt),
          this.#now(),
        ])
      ).length === 1
    );
  }

  async patch(key: string, patch: SessionPatch<Data>): Promise<PatchOutcome> {
    return this.#patch(toPatchValues(key, patch));
  }

  async extendAll(touches: readonly KeyedTouch[]): Promise<boolean[]> {
    const [first] = touches;
    if (first === undefined) return [];
    if (touches.length === 1) return [await this.extend(first.key, first.to)];
    const lists = [
      touches.map(({ key }) => key),
      touches.map(({ to }) => String(to.lastSeenAt)),
      touches.map(({ to }) => String(to.expiresAt)),
    ];
    const rows = await this.#query(this.#sql.extendAll, [...lists.map(toTextArray), this.#now()]);
    const live = new Set(rows.map(([key]) => key));
    return touches.map(({ key }) => live.has(key));
  }

  async patchAll(patches: readonly KeyedPatch<Data>[]): Promise<(PatchOutcome | Error)[]> {
    return inBatches(
      patches.map(({ key, patch }) => toPatchValues(key, patch)),
      {
        one: (values) => this.#patch(values),
        all: (items) => this.#patchAll(items),
        sizeOf: (values) => values.reduce((sum, value) => sum + (value?.length ?? 0), 0),
        isOfData: (error) => OF_DATA.test(codeOf(error)),
      },
    );
  }

  async move(key: string, nextKey: string, facts?: SessionFacts): Promise<boolean> {
    if (key === nextKey) return false;
    try {
      const rows = await this.#query(this.#sql.move, [
        key,
        nextKey,
        this.#now(),
        facts ? toSqlJson(facts) : null,
      ]);
      if (rows.length === 1) this.#changes.tellOwn({ type: "moved", key, nextKey });
      return rows.length === 1;
    } catch (error) {
      if (codeOf(error) !== UNIQUE_VIOLATION) throw error;
      // Taken, perhaps by what is over and is not pruned yet.
      const freed = await this.#query(this.#sql.removeOver, [nextKey, this.#now()]);
      return freed.length === 1 ? this.move(key, nextKey, facts) : false;
    }
  }

  async remove(key: string): Promise<boolean> {
    const rows = await this.#query(this.#sql.remove, [key, this.#now()]);
    if (rows.length === 1) this.#changes.tellOwn({ type: "removed", key });
    return rows.length === 1;
  }

  async listByUser(userId: string): Promise<KeyedSession<Data>[]> {
    const rows = await this.#query(this.#sql.listByUser, [toSqlText(userId), this.#now()]);
    return rows.flatMap((row) => this.#toKeyed(row) ?? []);
  }

  async removeByUser(
    userId: string,
    options: { except?: readonly string[] } = {},
  ): Promise<number> {
    const rows = await this.#query(this.#sql.removeByUser, [
      toSqlText(userId),
      toTextArray(options.except ?? []),
      this.#now(),
    ]);
    for (const [key] of rows) this.#changes.tellOwn({ type: "removed", key: String(key) });
    return rows.length;
  }

  async removeAll(): Promise<void> {
    const rows = await this.#query(this.#sql.removeAll, []);
    if (rows.length !== 1)
      throw new Error(
        "Cannot remove all sessions: the table of the epoch is empty, the row that migrate() puts there is wanted",
      );
    this.#changes.tellOwn({ type: "cleared" });
  }

  async scan(
    cursor = "",
    options: { limit?: number } = {},
  ): Promise<{ sessions: KeyedSession<Data>[]; cursor?: string }> {
    const rows = await this.#query(this.#sql.scan, [
      cursor,
      String(options.limit ?? SCAN_LIMIT),
      this.#now(),
    ]);
    const birth = rows[0]?.[0];
    const sessions = rows.flatMap(([, ...row]) =>
      row[0] === null ? [] : (this.#toKeyed(row) ?? []),
    );
    // "/" comes right behind the dot that ends a birth.
    return typeof birth === "string" ? { sessions, cursor: `${birth}/` } : { sessions };
  }

  /** As PostgreSQL estimates it for its own plans; `undefined` before it has. */
  async count(): Promise<number | undefined> {
    const [row] = await this.#query(this.#sql.count, []);
    return typeof row?.[0] === "string" ? Number(row[0]) : undefined;
  }

  async prune(): Promise<number> {
    let pruned = 0;
    for (let after = ""; ;) {
      const [row] = await this.#query(this.#sql.prune, [after, PRUNE_AT_ONCE, this.#now()]);
      const [looked, last, deleted, list] = row as [unknown, unknown, unknown, string | null];
      const expired =
        list === null
          ? []
          : list.split(",").map((entry) => entry.split(" ") as [string, "idle" | "absolute"]);
      for (const [key, limit] of expired) this.#changes.tellOwn({ type: "expired", key, limit });
      pruned += Number(deleted);
      if (String(looked) !== PRUNE_AT_ONCE) return pruned;
      after = String(last);
    }
  }

  /**
   * Tells what this store does and finds; with the option `notify` also what other processes do, on
   * a connection that is taken from the client: when it is lost it says `lost`, gets another one,
   * and says `lost` again. Rejects with `ERR_STORE_UNSUPPORTED` where nothing is heard, as behind
   * some poolers.
   */
  async subscribe(listener: (change: StoreChange) => void): Promise<() => Promise<void>> {
    return this.#changes.subscribe(listener);
  }

  /** Ends the pruning by this process. The connection stays the caller's. */
  close(): void {
    this.#pruning.stop();
  }

  async #patch([key, unset, set, facts, revision]: PatchValues): Promise<PatchOutcome> {
    const values = [key, unset, set, facts, this.#now()];
    const outcome =
      revision === null
        ? await this.#patchBlindly(values)
        : await this.#patchExactly([...values, revision]);
    if (outcome === "done") this.#changes.tellOwn({ type: "changed", key });
    return outcome;
  }

  async #patchAll(items: readonly PatchValues[]): Promise<PatchOutcome[]> {
    const lists = toLists(items);
    const rows = await this.#query(this.#sql.patchAll, [...lists, this.#now()]);
    // The statement answers with the contract's own words.
    const outcomes = new Map(rows.map(([key, outcome]) => [key, outcome as PatchOutcome]));
    return items.map(([key]) => {
      const outcome = outcomes.get(key) ?? "missing";
      if (outcome === "done") this.#changes.tellOwn({ type: "changed", key });
      return outcome;
    });
  }

  async #patchBlindly(values: (string | null)[]): Promise<PatchOutcome> {
    return (await this.#query(this.#sql.patch, values)).length === 1 ? "done" : "missing";
  }

  async #patchExactly(values: (string | null)[]): Promise<PatchOutcome> {
    for (;;) {
      const [row] = await this.#query(this.#sql.patchExactly, values);
      const outcome = row?.[0] as PatchOutcome | "unsure" | null;
      if (outcome !== "unsure") return outcome ?? "missing";
    }
  }

  #toKeyed(row: unknown[]): KeyedSession<Data> | undefined {
    const session = toSession<Data>(row);
    const key = String(row[0]);
    if (!session) this.#changes.tell({ type: "unreadable", key });
    return session && { key, session };
  }

  #now(): string {
    // A clock may know fractions, a bigint does not. A whole deadline is past at the same moment
    // either way.
    return String(Math.floor(this.clock.now()));
  }

  async #query(statement: Statement, values: (string | null)[]): Promise<unknown[][]> {
    this.#pruning.start();
    for (let retries = 0; ; retries++) {
      try {
        const rows = await this.#port.query(statement, values);
        // Taken for rows, something else would say that a session is gone.
        if (!Array.isArray(rows) || !rows.every(Array.isArray))
          throw new Error("Cannot tell: the client gave no lists, expected rows as lists");
        return rows;
      } catch (error) {
        if (retries === MOST_RETRIES || !GIVEN_UP.includes(codeOf(error))) throw error;
      }
    }
  }
}
