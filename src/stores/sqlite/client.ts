// What SqliteStore asks of a SQLite client, by structure, and the connection with its prepared
// statements. Never opens a database and never closes one: both are the caller's.
import { refuseClient } from "../../core/checks.ts";

/** What is bound to a statement. */
export type SqliteValue = string | number | null;

/** A prepared statement: of better-sqlite3, node:sqlite or bun:sqlite. */
export interface SqliteStatement {
  all(...values: SqliteValue[]): unknown[];
  get(...values: SqliteValue[]): unknown;
  run(...values: SqliteValue[]): unknown;
  /** Of node:sqlite: rows are lists from now on. */
  setReturnArrays?(isOn: boolean): unknown;
  /** Of better-sqlite3 the same; of bun:sqlite, which has `values` too, something else. */
  raw?(...values: unknown[]): unknown;
  /** Of bun:sqlite: runs it, and gives lists. */
  values?(...values: SqliteValue[]): unknown[][];
}

/** A statement whose rows are lists, in the order of the columns. */
export interface ListStatement<Row = readonly unknown[]> {
  all(...values: SqliteValue[]): Row[];
  get(...values: SqliteValue[]): Row | undefined;
}

/**
 * An open database: better-sqlite3's `Database`, `DatabaseSync` of node:sqlite (Node 22 and Deno),
 * `Database` of bun:sqlite.
 */
export interface SqliteClient {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  /** Whether a transaction is open: better-sqlite3 and bun:sqlite. */
  readonly inTransaction?: boolean;
  /** Of node:sqlite from Node 22.16: the same. */
  readonly isTransaction?: boolean;
}

// Reads answer at once and cannot wait for their turn as changes do. In WAL mode they are held up
// only while another process recovers the log after a crash, or is the last to close the file.
const LEAST_READ_WAIT = 1000;
// Elsewhere every commit of another process holds them up. A request that fails is better than a
// process that stands still.
const LONGEST_WAIT_OUTSIDE_WAL = 250;
const SQLITE_BUSY = 5;

/**
 * The caller's client, made ready at the first use: so that making a store does nothing and cannot
 * fail for the database's sake.
 */
export class SqliteConnection {
  readonly #client: SqliteClient;
  readonly #synchronous: "full" | "normal";
  readonly #statements = new Map<string, SqliteStatement>();
  readonly #lists = new Map<string, ListStatement>();
  #readWait: number | undefined;

  constructor(client: SqliteClient, synchronous: "full" | "normal") {
    const isClient = (["exec", "prepare"] as const).every(
      (method) => typeof Object(client)[method] === "function",
    );
    if (!isClient) refuseClient(client, "a database of better-sqlite3, node:sqlite or bun:sqlite");
    this.#client = client;
    this.#synchronous = synchronous;
  }

  /**
   * Refuses to read within a transaction of somebody's: what is seen there is old.
   *
   * @throws Error where one is open.
   */
  assertAlone(): void {
    if (this.#isToldTransaction ?? this.#isSeenTransaction()) throw foreignTransaction("read");
  }

  get #isToldTransaction(): boolean | undefined {
    return this.#client.inTransaction ?? this.#client.isTransaction;
  }

  /** For node:sqlite before 22.16. A transaction that does nothing locks nothing. */
  #isSeenTransaction(): boolean {
    const begin = this.statement("BEGIN");
    try {
      begin.run();
    } catch {
      return true;
    }
    this.statement("ROLLBACK").run();
    return false;
  }

  /** Runs statements that give nothing back. */
  exec(sql: string): void {
    if (this.#readWait === undefined) this.#begin();
    this.#client.exec(sql);
  }

  /** The prepared statement of a text, prepared once. */
  statement(sql: string): SqliteStatement {
    const known = this.#statements.get(sql);
    if (known) return known;
    if (this.#readWait === undefined) this.#begin();
    const statement = this.#client.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  /**
   * As {@link statement}, for reading rows of many columns: objects with a name for each cost half
   * as much again.
   */
  lists<Row extends readonly unknown[]>(sql: string): ListStatement<Row> {
    let lists = this.#lists.get(sql);
    if (!lists) {
      if (this.#readWait === undefined) this.#begin();
      lists = toLists(this.#client.prepare(sql));
      this.#lists.set(sql, lists);
    }
    // The caller wrote the statement, so it knows the type of its rows.
    return lists as ListStatement<Row>;
  }

  /**
   * Runs work in a write transaction. Throws at once where another process is in the way: waiting
   * here would stop this process. Outside of WAL mode a reader is in the way of the commit, too.
   */
  write<T>(work: () => T): T {
    // Prepared, not by exec: Deno's errors carry the result code only then.
    const begin = this.statement("BEGIN IMMEDIATE");
    // Elsewhere the statement itself is refused.
    if (this.#isToldTransaction === true) throw foreignTransaction("change");
    this.#client.exec("PRAGMA busy_timeout = 0");
    try {
      begin.run();
      try {
        const result = work();
        this.statement("COMMIT").run();
        return result;
      } catch (error) {
        this.rollback();
        throw error;
      }
    } finally {
      this.#client.exec(`PRAGMA busy_timeout = ${this.#readWait}`);
    }
  }

  /**
   * Takes a transaction back, if there is one still: SQLite ends it by itself after some errors.
   */
  rollback(): void {
    try {
      this.#client.exec("ROLLBACK");
    } catch {
      // SQLite has already rolled the transaction back.
    }
  }

  /** Puts the file into WAL mode, or throws at once while another connection uses it. */
  changeToWal(): void {
    this.statement("PRAGMA journal_mode = WAL").get();
    this.#begin();
  }

  #begin(): void {
    // Each connection has its own settings: they are not in the file.
    this.#client.exec(`PRAGMA synchronous = ${this.#synchronous.toUpperCase()}`);
    const row = this.#client.prepare("PRAGMA busy_timeout").get();
    const wait = Number((row as { timeout?: unknown } | undefined)?.timeout);
    if (Number.isNaN(wait))
      throw new TypeError(
        "Cannot use option client: its rows are not objects by column name, a database with the client's own defaults is wanted",
      );
    const { journal_mode: mode } = this.#client.prepare("PRAGMA journal_mode").get() as {
      journal_mode?: unknown;
    };
    this.#readWait =
      mode === "wal" ? Math.max(wait, LEAST_READ_WAIT) : Math.min(wait, LONGEST_WAIT_OUTSIDE_WAL);
    this.#client.exec(`PRAGMA busy_timeout = ${this.#readWait}`);
  }
}

function foreignTransaction(verb: "read" | "change"): Error {
  return new Error(
    `Cannot ${verb} sessions: the connection is in a transaction that the store did not begin, expected a connection of its own`,
  );
}

/**
 * By whatever the client has for it. Names go only where there is nothing else: their order is that
 * of the columns.
 */
function toLists(statement: SqliteStatement): ListStatement {
  if (typeof statement.values === "function") {
    const values = statement.values.bind(statement);
    return { all: values, get: (...given) => values(...given)[0] };
  }
  if (typeof statement.setReturnArrays === "function") statement.setReturnArrays(true);
  else if (typeof statement.raw === "function") statement.raw(true);
  // Objects by name: what node:sqlite gave before it had lists.
  else
    return {
      all: (...given) => statement.all(...given).map((row) => Object.values(row as object)),
      get: (...given) => toList(statement.get(...given)),
    };
  // The client was just told to give lists; no row is `undefined` in both.
  return statement as ListStatement;
}

function toList(row: unknown): unknown[] | undefined {
  return exists(row) ? Object.values(row as object) : undefined;
}

/** Whether there is a row: clients say `undefined` or `null` for none. */
export const exists = (row: unknown): boolean => row !== undefined && row !== null;

/**
 * Whether an error says that another connection holds the file. By the result code, which each
 * client puts elsewhere.
 */
export function isBusy(error: unknown): boolean {
  const { code, errcode, errno } = Object(error) as {
    code?: unknown;
    errcode?: unknown;
    errno?: unknown;
  };
  if (typeof code === "string" && code.startsWith("SQLITE_BUSY")) return true;
  // The low byte of an extended result code is the result code.
  return [errcode, errno].some(
    (number) => typeof number === "number" && (number & 0xff) === SQLITE_BUSY,
  );
}
