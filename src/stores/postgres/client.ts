// Makes one small port of pg, postgres.js and PGlite, by structure. Knows nothing of sessions.
import { kindOf } from "../../core/checks.ts";
import { KeyedQueue } from "../../core/store/keyed-queue.ts";
import { ECHO, Echo } from "./echo.ts";
import { listenOnClient, listenOnPool } from "./listen.ts";
import type {
  PgClient,
  PgPool,
  PostgresJsSql,
  PgLite,
  PostgresClient,
  PostgresPort,
} from "./port.ts";

// There is no prepared statement of that name on the server's connection, or there is one already.
const UNPREPARED = ["26000", "42P05"];

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
  if (has("unsafe", "listen")) return postgresJsPort(client as PostgresJsSql, options.prepare);
  if (has("query", "exec", "listen")) return pgLitePort(client as PgLite);
  if (has("query", "connect") && "idleCount" in client)
    return pgPort(client as PgPool, options.prepare, (...args) =>
      listenOnPool(client as PgPool, ...args),
    );
  if (has("query", "connect", "on"))
    return inTurn(
      pgPort(client as PgClient, options.prepare, (channel, listener) =>
        listenOnClient(client as PgClient, channel, listener),
      ),
    );
  throw new TypeError(
    `Cannot make a PostgresStore: client is ${kindOf(client)} without the methods of a client, a Pool or Client of pg, sql of postgres.js or a PGlite is wanted`,
  );
}

function pgPort(
  client: PgPool | PgClient,
  prepare = true,
  listen: PostgresPort["listen"],
): PostgresPort {
  let keepsPrepared = prepare;
  return {
    async query({ name, text }, values) {
      // pg's types know no null among texts; pg does.
      const config = { text, values: values as string[], rowMode: "array" } as const;
      if (!keepsPrepared) return (await client.query(config)).rows;
      try {
        return (await client.query({ name, ...config })).rows;
      } catch (error) {
        if (!UNPREPARED.includes(codeOf(error))) throw error;
        // A pooler has given pg's connection another one of the server's. Nothing was done, and it
        // would happen again at any time.
        keepsPrepared = false;
        return (await client.query(config)).rows;
      }
    },
    script: (text) => client.query(text),
    listen,
  };
}

/**
 * A `Client` of pg has one connection, and from pg 9 on refuses a query while another is running.
 */
function inTurn(port: PostgresPort): PostgresPort {
  const queue = new KeyedQueue();
  return {
    query: (statement, values) => queue.run("", () => port.query(statement, values)),
    script: (text) => queue.run("", () => port.script(text)),
    listen: (...args) => queue.run("", () => port.listen(...args)),
  };
}

function postgresJsPort(sql: PostgresJsSql, prepare: boolean | undefined): PostgresPort {
  let keepsPrepared = prepare;
  const ask = async (
    text: string,
    values: (string | null)[],
    isPrepared: boolean,
  ): Promise<unknown[][] & { state?: unknown }> => {
    // postgres.js's types know no null among texts; postgres.js does.
    const rows = await sql.unsafe(text, values as string[], { prepare: isPrepared }).values();
    // Where a connection was cut in the middle of an answer, postgres.js 3.4 goes on counting: the
    // next answer on it begins with holes, as many as rows had come. Taken for rows they would say
    // that a session is gone. Or it takes the end of another answer, or of the connecting, for that
    // of this one: an answer to which the server said no word.
    if ("command" in rows && rows.command === null)
      throw new Error(
        "Cannot tell: postgres.js gave an answer that the server did not, its connection was cut",
      );
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
  return {
    async query({ text }, values) {
      if (keepsPrepared === undefined) {
        asked ??= isDirect().finally(() => (asked = undefined));
        keepsPrepared = await asked;
      }
      return (await ask(text, values, keepsPrepared)).filter((row) => row !== undefined);
    },
    script: async (text) => sql.unsafe(text),
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
        await unlisten().catch(() => {});
        throw error;
      }
      return unlisten;
    },
  };
}

function pgLitePort(database: PgLite): PostgresPort {
  return {
    async query({ text }, values) {
      // PGlite takes null for null, and its rows are lists because they were asked for as such.
      const { rows } = await database.query(text, values as string[], { rowMode: "array" });
      return rows as unknown[][];
    },
    script: (text) => database.exec(text),
    // In this process: there is no connection to lose. The channel's name is quoted by the caller,
    // as in SQL.
    listen: (channel, { onPayload }) => database.listen(`"${channel}"`, onPayload),
  };
}

/** The server's code of an error; the same in all three clients. */
export function codeOf(error: unknown): string {
  return String((Object(error) as { code?: unknown }).code);
}
