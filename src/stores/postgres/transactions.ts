// Keeps statements out of transactions that the store did not begin. A rollback takes back what was
// acknowledged there, and an old snapshot shows sessions that have ended since. Knows nothing of
// sessions.
//
// pg hands on what the server says of the connection after each statement (ReadyForQuery), which
// costs nothing. Other clients do not: there a question to the server travels in the message of the
// statement.
import type { PgClient, PgPool, PgPoolClient } from "./port.ts";

/**
 * Whether no transaction is older than this message. A message of the simple protocol, which has no
 * parameters, begins a transaction at its own arrival, and all its statements are of that instant.
 * In the extended protocol the two differ always.
 */
export const PROBE = "SELECT (now() = statement_timestamp())::text";

/** The state of a connection between two statements: idle, in a transaction, in a failed one. */
type Status = "I" | "T" | "E";

// Each turn closes a connection: so many in a row are no leak here and there.
const MOST_LEAKED = 100;
export const IN_FAILED_TRANSACTION = "25P02";

/** Rejects a statement on a connection that is in somebody's transaction. */
export class ForeignTransaction extends Error {
  constructor() {
    super(
      "Cannot use this connection of PostgreSQL: it is in a transaction that the store did not begin, expected a Pool or a connection without one",
    );
  }
}

/**
 * A message of the simple protocol: the statements, and the probe as the last of them. Values
 * replace `$1` and so on.
 */
export function toProbedMessage(text: string, values: readonly (string | null)[] = []): string {
  return `${text.replace(/\$(\d+)/g, (_, number: string) => toLiteral(values[Number(number) - 1] ?? null))};${PROBE}`;
}

/**
 * Whether what was asked by {@link toProbedMessage} was in no transaction of somebody's.
 *
 * @throws Error for answers to something else.
 */
export function isAlone(answers: readonly (readonly unknown[][])[]): boolean {
  // A hole is no row: see postgres-js.ts.
  const answer = answers.at(-1)?.find((row) => row !== undefined)?.[0];
  if (answer === "true" || answer === "false") return answer === "true";
  throw new Error(
    "Cannot tell: the client gave the answer to another statement, expected the one to what was asked",
  );
}

/** `E''` is read alike whatever `standard_conforming_strings` says. */
export function toLiteral(value: string | null): string {
  return value === null ? "NULL" : `E'${value.replace(/[\\']/g, "$&$&")}'`;
}

interface Watched {
  status: Status | undefined;
}

// Shared by all stores of a client: a listener of each would be a leak to node's eyes.
const watchedClients = new WeakMap<PgClient, Watched>();

/** Runs work on the only connection there is, as a transaction of its own. */
export async function runOnClient<T>(
  client: PgClient,
  work: (client: PgClient) => Promise<T>,
): Promise<T> {
  if ((statusOf(client) ?? "I") !== "I") throw new ForeignTransaction();
  const result = await work(client);
  await assertIdle(client);
  return result;
}

/**
 * Runs work on a connection of the pool's, as a transaction of its own. A connection that came back
 * in the midst of a transaction is closed, which takes back what was done on it, and the work is
 * done on another.
 */
export async function runOnPool<T>(
  pool: PgPool,
  work: (client: PgPoolClient) => Promise<T>,
): Promise<T> {
  for (let leaked = 0; leaked < MOST_LEAKED; leaked++) {
    const client = await pool.connect();
    let isFit = false;
    try {
      if (!watchedClients.has(client)) keepFromEndingTheProcess(client);
      if ((statusOf(client) ?? "I") !== "I") continue;
      const result = await work(client);
      await assertIdle(client);
      isFit = true;
      return result;
    } catch (error) {
      if (!(error instanceof ForeignTransaction) && Object(error).code !== IN_FAILED_TRANSACTION)
        throw error;
    } finally {
      // A Pool closes a connection after any error by itself, too.
      client.release(!isFit);
    }
  }
  throw new ForeignTransaction();
}

/** Of a connection that breaks while it is checked out; what was asked on it rejects anyway. */
function keepFromEndingTheProcess(client: PgPoolClient): void {
  client.on("error", () => {});
}

async function assertIdle(client: PgClient): Promise<void> {
  const status = statusOf(client);
  if (status === "I") return;
  if (status !== undefined) throw new ForeignTransaction();
  if (!isAlone([(await client.query({ text: PROBE, values: [], rowMode: "array" })).rows]))
    throw new ForeignTransaction();
}

/** `undefined` where the client does not tell, or nothing was asked on it yet. */
function statusOf(client: PgClient): Status | undefined {
  let watched = watchedClients.get(client);
  if (!watched) {
    watched = watch(client);
    watchedClients.set(client, watched);
  }
  return watched.status;
}

/**
 * By the event that every version of pg has; `getTransactionStatus` is newer. The client of
 * pg-native has no such event.
 */
function watch(client: PgClient): Watched {
  const { connection } = client as {
    connection?: {
      on?(event: "readyForQuery", listener: (message: { status?: Status }) => void): unknown;
    };
  };
  const watched: Watched = { status: undefined };
  if (typeof connection?.on !== "function") return watched;
  watched.status =
    (client as { getTransactionStatus?(): Status | null }).getTransactionStatus?.() ?? undefined;
  connection.on("readyForQuery", ({ status }) => (watched.status = status));
  return watched;
}
