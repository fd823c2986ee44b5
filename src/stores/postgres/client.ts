// Makes one small port of pg, postgres.js and PGlite, by structure. Knows nothing of sessions.
import { refuseClient } from "../../core/checks.ts";
import { KeyedQueue } from "../../core/store/keyed-queue.ts";
import { listenOnClient, listenOnPool } from "./listen.ts";
import {
  codeOf,
  type PgClient,
  type PgPool,
  type PostgresJsSql,
  type PgLite,
  type PostgresClient,
  type PostgresPort,
  UNPREPARED,
} from "./port.ts";
import { postgresJsPort } from "./postgres-js.ts";
import { ForeignTransaction, runOnClient, runOnPool } from "./transactions.ts";

/** The type of every parameter, by PostgreSQL's number. */
const TEXT = 25;

/** @throws TypeError for what is none of the three clients. */
export function toPostgresPort(
  client: PostgresClient,
  options: { prepare: boolean | undefined },
): PostgresPort {
  const has = (...methods: string[]): boolean =>
    methods.every(
      (method) => typeof (Object(client) as Record<string, unknown>)[method] === "function",
    );
  // The methods that were looked for are what tells one client from the other.
  // Two of them as one, for a pooler, have no more than what is called here.
  if (has("unsafe", "listen") && (has("PostgresError") || !has("begin")))
    return postgresJsPort(client as PostgresJsSql, options.prepare);
  if (has("query", "exec", "listen")) return pgLitePort(client as PgLite);
  if (has("query", "connect") && "idleCount" in client)
    return pgPort(runnerOfPool(client as PgPool), options.prepare, (...args) =>
      listenOnPool(client as PgPool, ...args),
    );
  if (has("query", "connect", "on"))
    return inTurn(
      pgPort(
        (work) => runOnClient(client as PgClient, work),
        options.prepare,
        (channel, listener) => listenOnClient(client as PgClient, channel, listener),
      ),
    );
  // Its methods have the names of postgres.js', its errors and answers are others.
  if (has("unsafe"))
    throw new TypeError(
      "Cannot make a PostgresStore: client has unsafe() and is not sql of postgres.js (Bun.SQL is not, nor is the handle of a transaction), expected a Pool or Client of pg, or sql of postgres.js",
    );
  refuseClient(client, "a Pool or Client of pg, sql of postgres.js or a PGlite");
}

/** Runs work on a connection that is in no transaction. */
type Run = <T>(work: (client: Pick<PgClient, "query">) => Promise<T>) => Promise<T>;

function runnerOfPool(pool: PgPool): Run {
  return (work) => (pool.totalCount === undefined ? work(pool) : runOnPool(pool, work));
}

function pgPort(run: Run, prepare = true, listen: PostgresPort["listen"]): PostgresPort {
  let keepsPrepared = prepare;
  return {
    async query({ name, text }, values) {
      // pg's types know no null among texts; pg does.
      const config = { text, values: values as string[], rowMode: "array" } as const;
      const ask = (given: { name?: string } & typeof config): Promise<unknown[][]> =>
        run(async (client) => (await client.query(given)).rows);
      if (!keepsPrepared) return ask(config);
      try {
        return await ask({ name, ...config });
      } catch (error) {
        if (!UNPREPARED.includes(codeOf(error))) throw error;
        // A pooler has given pg's connection another one of the server's. Nothing was done, and it
        // would happen again at any time.
        keepsPrepared = false;
        return ask(config);
      }
    },
    script: (text) => run((client) => client.query(text)),
    listen,
  };
}

/** A `Client` of pg has one connection, and from pg 9 on refuses a query while another is running. */
function inTurn(port: PostgresPort): PostgresPort {
  const queue = new KeyedQueue();
  return {
    query: (statement, values) => queue.run("", () => port.query(statement, values)),
    script: (text) => queue.run("", () => port.script(text)),
    listen: (...args) => queue.run("", () => port.listen(...args)),
  };
}

function pgLitePort(database: PgLite): PostgresPort {
  // Called while nobody else's statement can come between, before anything of ours is done.
  const assertAlone = (value: string): string => {
    if (database.isInTransaction?.()) throw new ForeignTransaction();
    return value;
  };
  const options = { rowMode: "array", serializers: { [TEXT]: assertAlone } } as const;
  // PGlite takes null for null, and its rows are lists because they were asked for as such.
  const ask = async (text: string, values: string[]): Promise<unknown[][]> =>
    (await database.query(text, values, options)).rows as unknown[][];
  /** For what has no values: asked first, in one turn, the question is answered right before it. */
  const alone = async <T>(work: () => Promise<T>): Promise<T> =>
    (await Promise.all([ask("SELECT $1::text", [""]), work()]))[1];
  return {
    query: ({ text }, values) =>
      values.length > 0 ? ask(text, values as string[]) : alone(() => ask(text, [])),
    script: (text) => alone(() => database.exec(text)),
    // In this process: there is no connection to lose. The channel's name is quoted by the caller,
    // as in SQL.
    listen: (channel, { onPayload }) => database.listen(`"${channel}"`, onPayload),
  };
}
