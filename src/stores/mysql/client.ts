// Speaks to a mysql2 client, by structure: one statement, or several on one connection. Repeats
// what the server took back because of a deadlock, and gives up what hangs. Knows nothing of
// sessions.
import { clearTimeout, setTimeout } from "node:timers";
import { setTimeout as pause } from "node:timers/promises";
import { refuseClient } from "../../core/checks.ts";
import { KeyedQueue } from "../../core/store/keyed-queue.ts";

/** A statement with the options that make its answer the same on every connection. */
export interface MysqlStatement {
  sql: string;
  rowsAsArray: boolean;
  nestTables: boolean;
  typeCast: (field: unknown, next: () => unknown) => unknown;
}

/** What a statement takes in the place of a `?`. */
export type MysqlValue = string | number | null;

/** A promise connection of mysql2. */
export interface MysqlConnection {
  query(sql: string): Promise<[unknown, unknown]>;
  execute(statement: MysqlStatement, values: MysqlValue[]): Promise<[unknown, unknown]>;
}

/** A connection that belongs to a {@link MysqlPool}. */
export interface MysqlPoolConnection extends MysqlConnection {
  release(): void;
  destroy(): void;
}

/** A promise pool of mysql2. */
export interface MysqlPool {
  getConnection(): Promise<MysqlPoolConnection>;
}

/** A pool or a connection of mysql2 with callbacks. */
export interface MysqlCallbackClient {
  promise(): MysqlPool | MysqlConnection;
}

/** Whatever {@link MysqlStore} can work with. */
export type MysqlClient = MysqlPool | MysqlConnection | MysqlCallbackClient;

/** What a statement that reads nothing answers. */
export interface Outcome {
  affectedRows: number;
  insertId: number;
}

/** One connection for as long as it is needed. */
export interface Statements {
  /** Rows are lists in the order of the columns. */
  select(sql: string, values: MysqlValue[]): Promise<unknown[][]>;
  change(sql: string, values: MysqlValue[]): Promise<Outcome>;
  /** For what cannot be prepared. */
  command(sql: string): Promise<unknown>;
}

/**
 * The last column of what is read outside of transactions: {@link IN_TRANSACTION}, or another text.
 * MariaDB alone can tell. To MySQL it is a comment, and so no column.
 */
export const WHERE_ASKED = " /*M!, IF(@@in_transaction, '!in', '!out') */";
/** No other column can hold it. */
const IN_TRANSACTION = "!in";
/** Asks for that column alone. */
const ASK_WHERE = `SELECT 1${WHERE_ASKED}`;

// ER_LOCK_DEADLOCK, ER_CHECKREAD (MariaDB's snapshot isolation) and ER_NEED_REPREPARE: nothing was
// changed, ask again.
const AGAIN = new Set([1213, 1020, 1615]);
const LOCK_WAIT_TIMEOUT = 1205;
/**
 * ER_NET_PACKET_TOO_LARGE. The server says so and hangs up, which mysql2 may notice only when the
 * connection is used again.
 */
export const PACKET_TOO_LARGE = 1153;
// 1568 is ER_CANT_CHANGE_TX_CHARACTERISTICS: the connection came back to the pool inside a
// transaction.
const UNFIT = new Set([PACKET_TOO_LARGE, 1568]);
// Of parties in a deadlock one goes on, so that even fifty at once come to an end.
const MOST_ATTEMPTS = 50;
// The server waits long by itself.
const MOST_LOCK_WAITS = 2;
const LONGEST_PAUSE = 50;
const SERVER_STATUS_IN_TRANSACTION = 1;
// Each turn gives up a connection: so many in a row are no leak here and there.
const MOST_FOREIGN = 100;
const LONE = "connection";
// A caller's own `typeCast` gives way to nothing but a function.
const asItIs: MysqlStatement["typeCast"] = (_field, next) => next();

/** Runs the store's statements. */
export class MysqlConnector {
  readonly #pool: MysqlPool | undefined;
  readonly #lone: MysqlConnection | undefined;
  readonly #timeout: number;
  // On a connection alone a transaction must not get another call's statements in between.
  readonly #turns = new KeyedQueue();
  #tells = true;

  readonly #onUse: () => void;

  /**
   * @param timeout milliseconds after which a connection that does not answer is given up.
   * @param onUse called before each use of a connection.
   */
  constructor(client: MysqlClient, timeout: number, onUse: () => void = () => {}) {
    this.#onUse = onUse;
    // Its methods have the names of mysql2's, its answers are others.
    if (has(client, "batch", "importFile"))
      throw new TypeError(
        "Cannot make a MysqlStore: client is one of the package mariadb, expected a pool or connection of mysql2, which speaks to MariaDB too",
      );
    const given = has(client, "promise")
      ? (client as MysqlCallbackClient).promise()
      : (client as MysqlPool | MysqlConnection);
    if (has(given, "getConnection")) this.#pool = given as MysqlPool;
    else if (has(given, "execute", "query")) this.#lone = given as MysqlConnection;
    else refuseClient(client, "a pool or connection of mysql2");
    this.#timeout = timeout;
  }

  /**
   * Runs one statement that reads and says where it was run. A connection that is in a transaction
   * may show sessions that have ended since: a pool's is given up and another one asked.
   */
  async select(sql: string, values: MysqlValue[]): Promise<unknown[][]> {
    for (let foreign = 1; ; foreign++) {
      try {
        return await this.together((connection) => this.#selectAlone(connection, sql, values));
      } catch (error) {
        if (!(error instanceof ForeignTransaction) || this.#lone || foreign === MOST_FOREIGN)
          throw error;
      }
    }
  }

  /** Runs one statement that changes, as a transaction of its own. */
  change(sql: string, values: MysqlValue[]): Promise<Outcome> {
    return this.together((connection) => connection.change(sql, values));
  }

  /**
   * Runs one statement that must find all rows of an index, also those that move meanwhile: what
   * READ COMMITTED does not.
   */
  changeAll(sql: string, values: MysqlValue[]): Promise<Outcome> {
    return this.together(async (connection) => {
      // For the next transaction alone: the connection keeps its own level.
      await connection.command("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
      return connection.change(sql, values);
    });
  }

  /**
   * Runs work as one transaction. At the default level it takes locks against inserts, too. It is
   * repeated as a whole.
   */
  transaction<T>(
    work: (connection: Statements) => Promise<T>,
    level: "REPEATABLE READ" | "READ COMMITTED" = "REPEATABLE READ",
  ): Promise<T> {
    return this.#again(() =>
      this.#hold(async (connection) => {
        const statements = new Conversation(connection, true);
        await statements.command(`SET TRANSACTION ISOLATION LEVEL ${level}`);
        await statements.command("START TRANSACTION");
        try {
          const result = await work(statements);
          await statements.command("COMMIT");
          return result;
        } catch (error) {
          // If this fails as well, the connection is not fit for others.
          await statements.command("ROLLBACK").catch((cause: unknown) => {
            throw new BrokenConnection(error, cause);
          });
          throw error;
        }
      }),
    );
  }

  /**
   * Runs work on one connection. Each statement is a transaction of its own; the work is repeated
   * as a whole.
   */
  together<T>(work: (connection: Statements) => Promise<T>): Promise<T> {
    return this.#again(() => this.#hold((connection) => work(new Conversation(connection, false))));
  }

  async #selectAlone(
    connection: Statements,
    sql: string,
    values: MysqlValue[],
  ): Promise<unknown[][]> {
    const rows = await connection.select(sql, values);
    // No row tells nothing. MySQL never does: then it is not asked again.
    const [told] = rows.length > 0 || !this.#tells ? rows : await connection.select(ASK_WHERE, []);
    if (rows.length === 0 && told?.length === 1) this.#tells = false;
    if (told?.at(-1) === IN_TRANSACTION) throw new ForeignTransaction("read");
    return rows;
  }

  async #again<T>(attempt: () => Promise<T>): Promise<T> {
    let lockWaits = 0;
    for (let attempts = 1; ; attempts++) {
      try {
        return await attempt();
      } catch (error) {
        const errno = errnoOf(error);
        const isHopeful =
          errno === LOCK_WAIT_TIMEOUT
            ? ++lockWaits < MOST_LOCK_WAITS
            : AGAIN.has(errno) && attempts < MOST_ATTEMPTS;
        if (!isHopeful) throw error;
        // Real time and not the store's clock: it is the server that is waited for.
        await pause(Math.random() * Math.min(2 ** attempts, LONGEST_PAUSE));
      }
    }
  }

  async #hold<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    this.#onUse();
    const lone = this.#lone;
    // Whoever is given up keeps the turn: what it has still to say would get into the next one's
    // transaction.
    if (lone) return this.#inTime(this.#turns.run(LONE, () => work(lone)));
    const connection = await (this.#pool as MysqlPool).getConnection();
    try {
      const result = await this.#inTime(work(connection));
      connection.release();
      return result;
    } catch (error) {
      // A connection that hangs, has a transaction left or was hung up on would be handed to the
      // next caller.
      if (error instanceof UnfitConnection || UNFIT.has(errnoOf(error))) connection.destroy();
      else connection.release();
      throw error instanceof BrokenConnection ? error.cause : error;
    }
  }

  #inTime<T>(running: Promise<T>): Promise<T> {
    if (this.#timeout === Infinity) return running;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            new UnfitConnection(
              `Cannot wait any longer: the server did not answer within ${this.#timeout} ms, its connection was given up`,
            ),
          ),
        this.#timeout,
      );
      timer.unref();
      running.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }
}

class Conversation implements Statements {
  readonly #connection: MysqlConnection;
  readonly #isTransaction: boolean;

  constructor(connection: MysqlConnection, isTransaction: boolean) {
    this.#connection = connection;
    this.#isTransaction = isTransaction;
  }

  async select(sql: string, values: MysqlValue[]): Promise<unknown[][]> {
    const rows = await this.#execute(sql, values);
    // Taken for rows, something else would say that a session is gone.
    if (!Array.isArray(rows) || !rows.every(Array.isArray))
      throw new Error("Cannot tell: the client gave no list of rows, expected a client of mysql2");
    return rows as unknown[][];
  }

  async change(sql: string, values: MysqlValue[]): Promise<Outcome> {
    // mysql2's ResultSetHeader. Big numbers may be texts there.
    const { affectedRows, insertId, serverStatus } = (await this.#execute(sql, values)) as Record<
      "affectedRows" | "insertId" | "serverStatus",
      unknown
    >;
    if (!this.#isTransaction && (Number(serverStatus) & SERVER_STATUS_IN_TRANSACTION) !== 0) {
      throw new ForeignTransaction("change");
    }
    if (!Number.isInteger(Number(affectedRows)))
      throw new Error("Cannot tell: the client gave no affectedRows, expected a client of mysql2");
    return { affectedRows: Number(affectedRows), insertId: Number(insertId) };
  }

  command(sql: string): Promise<unknown> {
    return this.#connection.query(sql);
  }

  async #execute(sql: string, values: MysqlValue[]): Promise<unknown> {
    const [answer] = await this.#connection.execute(
      { sql, rowsAsArray: true, nestTables: false, typeCast: asItIs },
      values,
    );
    return answer;
  }
}

/** What the pool must not hand to anybody. */
class UnfitConnection extends Error {}

class ForeignTransaction extends UnfitConnection {
  constructor(verb: "read" | "change") {
    super(
      `Cannot ${verb} sessions: the connection is in a transaction that the store did not begin, or its autocommit is off, expected a pool with autocommit`,
    );
  }
}

class BrokenConnection extends UnfitConnection {
  constructor(error: unknown, rollback: unknown) {
    super("Cannot roll back", { cause: error ?? rollback });
  }
}

function has(client: unknown, ...methods: string[]): boolean {
  return methods.every(
    (method) => typeof (Object(client) as Record<string, unknown>)[method] === "function",
  );
}

/** The server's number of an error; 0 for what is none of its errors. */
export function errnoOf(error: unknown): number {
  const { errno } = Object(error) as { errno?: unknown };
  return typeof errno === "number" ? errno : 0;
}
