// The clients that PostgresStore takes, by structure, and the one small port that it makes of them.
import type { Clock } from "../../core/clock.ts";

/** A connection of pg that is checked out of a pool, or a `Client` that was connected. */
export interface PgClient {
  query(config: {
    name?: string;
    text: string;
    values: string[];
    rowMode: "array";
  }): Promise<{ rows: unknown[][] }>;
  query(text: string): Promise<unknown>;
  on(
    event: "notification",
    listener: (message: { channel: string; payload?: string | undefined }) => void,
  ): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  /** The server's process, as it was said at connecting. pg has it, and its types do not. */
  readonly processID?: number | null;
}

/** A checked-out connection of {@link PgPool}. */
export interface PgPoolClient extends PgClient {
  release(error?: boolean): void;
}

/** The `Pool` of pg. */
export interface PgPool {
  query(config: {
    name?: string;
    text: string;
    values: string[];
    rowMode: "array";
  }): Promise<{ rows: unknown[][] }>;
  query(text: string): Promise<unknown>;
  connect(): Promise<PgPoolClient>;
  readonly idleCount: number;
  /**
   * What is no Pool of pg and has the other three is asked by `query`; by `connect` it only listens.
   */
  readonly totalCount?: number;
}

/** `sql` of postgres.js. */
export interface PostgresJsSql {
  unsafe(
    text: string,
    parameters?: string[],
    options?: { prepare?: boolean; simple?: boolean },
  ): PromiseLike<unknown> & { values(): PromiseLike<unknown[][]> };
  listen(
    channel: string,
    onNotify: (payload: string) => void,
    onListen?: () => void,
  ): Promise<{ unlisten(): Promise<void> }>;
  reserve?(): Promise<PostgresJsReserved>;
  readonly options?: { readonly max?: number };
}

/** A connection of {@link PostgresJsSql} that nobody else uses until it is released. */
export interface PostgresJsReserved extends Pick<PostgresJsSql, "unsafe"> {
  release(): void;
}

/** A database of PGlite. */
export interface PgLite {
  query(
    text: string,
    parameters?: string[],
    options?: { rowMode?: "array"; serializers?: Record<number, (value: string) => string> },
  ): Promise<{ rows: unknown[] }>;
  exec(text: string): Promise<unknown>;
  isInTransaction?(): boolean;
  listen(channel: string, callback: (payload: string) => void): Promise<() => Promise<void>>;
}

/** Whatever {@link PostgresStore} can work with. */
export type PostgresClient = PgPool | PgClient | PostgresJsSql | PgLite;

/** A statement that is prepared once on each connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** Whether it changes nothing. */
  readonly reads: boolean;
}

/** What hears notifications. */
export interface Listener {
  onPayload(payload: string): void;
  /**
   * Notifications may have been missed. Called when the connection is lost and again when there is
   * another.
   */
  onGap(): void;
  /** After that: notifications arrive again. */
  onListening(): void;
}

/**
 * What the store needs of a client. Parameters are texts, `null` among them; rows are lists in the
 * order of the columns.
 */
export interface PostgresPort {
  query(statement: Statement, values: (string | null)[]): Promise<unknown[][]>;
  /** Runs several statements without parameters as one transaction. */
  script(text: string): Promise<unknown>;
  listen(channel: string, listener: Listener, clock: Clock): Promise<() => Promise<void>>;
}

/**
 * There is no prepared statement of that name on the server's connection, or there is one already.
 */
export const UNPREPARED: readonly string[] = ["26000", "42P05"];

/** The server's code of an error; the same in all three clients. */
export function codeOf(error: unknown): string {
  return String((Object(error) as { code?: unknown }).code);
}
