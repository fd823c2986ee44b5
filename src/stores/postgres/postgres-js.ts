// The port to postgres.js, which does not say whether a connection is in a transaction, and lets
// nobody choose one. So a change travels in a message of the simple protocol, with the question
// behind it, as EXECUTE of a statement that was prepared by PREPARE. A read says by itself whether
// it saw what is committed now.
import { ECHO, Echo } from "./echo.ts";
import {
  codeOf,
  type PostgresJsReserved,
  type PostgresJsSql,
  type PostgresPort,
  type Statement,
  UNPREPARED,
} from "./port.ts";
import {
  ForeignTransaction,
  IN_FAILED_TRANSACTION,
  isAlone,
  PROBE,
  toLiteral,
  toProbedMessage,
} from "./transactions.ts";

// At this level a statement sees what is committed when it begins, whatever transaction it is in.
const FRESH = "read committed";
// A pool of postgres.js has ten connections unless it is told otherwise.
const MOST_ATTEMPTS = 20;
// Each connection has to be told a statement once, and the pool chooses the connection.
const MOST_GUESSES = 6;

/**
 * As many rows as the statement has, or one of nothing, each with the isolation level before it.
 */
function withIsolation(text: string): string {
  return `SELECT current_setting('transaction_isolation'), asked.* FROM (SELECT) AS one LEFT JOIN (${text}) AS asked ON true`;
}

/** @param prepare `undefined`: unless a pooler is between. */
export function postgresJsPort(sql: PostgresJsSql, prepare: boolean | undefined): PostgresPort {
  let keepsPrepared = prepare;
  // Only then may somebody begin a transaction by hand; elsewhere who does has leaked it.
  const isShared = sql.options?.max === 1;
  const ask = async (
    text: string,
    values: (string | null)[],
    isPrepared: boolean,
  ): Promise<unknown[][] & { state?: unknown }> => {
    // postgres.js's types know no null among texts; postgres.js does.
    const rows = await sql.unsafe(text, values as string[], { prepare: isPrepared }).values();
    assertAnswered(rows);
    return rows;
  };
  // Where the server does not know a statement that postgres.js 3.4 has prepared, postgres.js
  // prepares it again behind those that it has sent meanwhile, and takes their answers for its own:
  // a live session would be gone. So nothing is prepared where a pooler is between, which says a
  // number of its own for that of the server's process.
  const isDirect = async (): Promise<boolean> => {
    const rows = await ask("SELECT pg_backend_pid()::text", [], false);
    const { pid } = Object(rows.state) as { pid?: unknown };
    return typeof pid !== "number" || String(pid) === rows[0]?.[0];
  };
  let asked: Promise<boolean> | undefined;
  const mayPrepare = async (): Promise<boolean> => {
    if (keepsPrepared === undefined) {
      asked ??= isDirect().finally(() => (asked = undefined));
      keepsPrepared = await asked;
    }
    return keepsPrepared;
  };
  /** `undefined`: what it saw may be old. */
  const read = async (
    { text }: Statement,
    values: (string | null)[],
  ): Promise<unknown[][] | undefined> => {
    const rows = withoutHoles(await ask(withIsolation(text), values, true));
    if (rows[0] === undefined) throw new Error(CUT);
    if (rows[0][0] !== FRESH) return undefined;
    return rows.map(([, ...row]) => row).filter((row) => row.some((value) => value !== null));
  };
  /** One answer for each statement of the message. */
  const send = async (message: string): Promise<unknown[][][]> => {
    const answers = (await sql.unsafe(message, [], { simple: true }).values()) as unknown[][][];
    answers.forEach(assertAnswered);
    return answers;
  };
  // Each is known to one connection at least. See `sendPrepared`.
  const prepared = new Set<string>();
  /**
   * Sends EXECUTE, or PREPARE before it, until it meets a connection that this fits. What does not
   * fit fails, and nothing of it is done.
   */
  const sendPrepared = async (
    statement: Statement,
    values: (string | null)[],
  ): Promise<unknown[][][]> => {
    const { name, text } = statement;
    let isPrepared = prepared.has(name);
    for (let guesses = 1; guesses <= MOST_GUESSES; guesses++) {
      try {
        const answers = await send(toPreparedMessage(statement, values, isPrepared));
        prepared.add(name);
        return answers;
      } catch (error) {
        if (!UNPREPARED.includes(codeOf(error))) throw error;
        isPrepared = !isPrepared;
      }
    }
    return send(toProbedMessage(text, values));
  };
  /** On a connection that is in no transaction. */
  const alone = async (work: () => Promise<unknown[][][]>): Promise<unknown[][]> => {
    for (let attempts = 1; ; attempts++) {
      let reason: unknown = new ForeignTransaction();
      try {
        const answers = await work();
        if (isAlone(answers)) return withoutHoles(answers.at(-2) ?? []);
      } catch (error) {
        if (codeOf(error) !== IN_FAILED_TRANSACTION && !isOfIsolation(error)) throw error;
        reason = error;
      }
      // On a connection that is shared it is somebody's.
      if (isShared || !sql.reserve || attempts === MOST_ATTEMPTS) throw reason;
      // Each time one more: the pool gives its connections in turn, and the one in question must
      // not be passed over every time.
      for (let looked = 0; looked < attempts; looked++) await rollBackLeaked(await sql.reserve());
    }
  };
  const askAlone = async (
    statement: Statement,
    values: (string | null)[],
  ): Promise<unknown[][]> => {
    const isPrepared = await mayPrepare();
    return alone(() =>
      isPrepared ? sendPrepared(statement, values) : send(toProbedMessage(statement.text, values)),
    );
  };
  return {
    async query(statement, values) {
      // To a pooler all messages are of one kind: PgBouncer before 1.21 gives a connection to
      // somebody else when it has answered one kind and has the beginning of the other, which would
      // look like a transaction.
      if (!statement.reads || isShared || !(await mayPrepare())) return askAlone(statement, values);
      const rows = await read(statement, values).catch((error: unknown) => {
        if (codeOf(error) !== IN_FAILED_TRANSACTION) throw error;
      });
      return rows ?? askAlone(statement, values);
    },
    script: (text) => alone(() => send(toProbedMessage(text))),
    async listen(channel, { onPayload, onGap, onListening }, clock) {
      let isFirst = true;
      const echo = new Echo();
      const hear = (payload: string): void => {
        echo.heard();
        onPayload(payload);
      };
      // It has a connection of its own for this, opens it again by itself and calls the last
      // function each time.
      const { unlisten } = await sql.listen(channel, hear, () => {
        if (!isFirst) {
          onGap();
          onListening();
        }
        isFirst = false;
      });
      try {
        await echo.await(async () => sql.unsafe(`NOTIFY "${channel}", '${ECHO}'`), clock);
      } catch (error) {
        // What it says of that is of no interest beside this.
        await unlisten().catch(ignore);
        throw error;
      }
      return unlisten;
    },
  };
}

const CUT =
  "Cannot tell: postgres.js gave an answer that the server did not, its connection was cut";

/**
 * Where a connection was cut in the middle of an answer, postgres.js 3.4 goes on counting: the next
 * answer on it begins with holes, as many as rows had come. Taken for rows they would say that a
 * session is gone. Or it takes the end of another answer, or of the connecting, for that of this
 * one: an answer to which the server said no word.
 */
function assertAnswered(rows: readonly unknown[]): void {
  if ("command" in rows && rows.command === null) throw new Error(CUT);
}

/**
 * A message with two statements: the one that is meant, and the probe as the last. Both are
 * prepared together, so that a connection knows both or none.
 */
function toPreparedMessage(
  { name, text }: Statement,
  values: readonly (string | null)[],
  isPrepared: boolean,
): string {
  const given = values.length === 0 ? "" : `(${values.map(toLiteral).join(",")})`;
  const prepare = isPrepared ? "" : `PREPARE ${name} AS ${text};PREPARE ${name}_p AS ${PROBE};`;
  return `${prepare}EXECUTE ${name}${given};EXECUTE ${name}_p`;
}

/** What was done in a transaction that nobody holds any more is taken back. */
async function rollBackLeaked(connection: PostgresJsReserved): Promise<void> {
  const isIdle = await connection
    .unsafe(PROBE)
    .values()
    .then(
      (rows) => isAlone([rows]),
      () => false,
    );
  try {
    if (!isIdle) await connection.unsafe("ROLLBACK");
    // One that broke meanwhile must not be given back: postgres.js would take it for open.
    connection.release();
  } catch {
    // It is closed, and the pool opens another.
  }
}

/** The functions of the schema say so. */
function isOfIsolation(error: unknown): boolean {
  return (
    codeOf(error) === "P0001" &&
    /the isolation level READ COMMITTED/.test(String(Object(error).message))
  );
}

function withoutHoles(rows: readonly unknown[][]): unknown[][] {
  return rows.filter((row) => row !== undefined);
}

function ignore(): void {}
