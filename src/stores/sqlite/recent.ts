// Rows that were read lately, for as long as nobody has changed the file: asking SQLite whether
// somebody has costs as much as reading a row, and once in a turn of the event loop is enough for
// all that are read in it.
import { setImmediate } from "node:timers";
import { RecentMap } from "../../core/store/recent-map.ts";
import type { SqliteConnection } from "./client.ts";
import type { Row } from "./record.ts";

const MOST_ROWS = 10_000;
// Characters of data: what is kept stays within some 40 MB.
const LONGEST_DATA = 2048;
// Milliseconds. A handler that computes, or waits in place for another process, makes a turn longer
// than what it was told in its beginning holds.
const LONGEST_TURN = 1;

/**
 * What changes whenever anything was written: by another connection, also of this process; on this
 * one, also by others than the store; or when tables were made or dropped.
 */
const VERSION =
  "SELECT data_version, schema_version, total_changes() FROM pragma_data_version, pragma_schema_version";

/** Rows by key, exact: those of before a change by anybody are gone. */
export class RecentRows {
  readonly #connection: SqliteConnection;
  readonly #rows = new RecentMap<Row>(MOST_ROWS);
  #version: string | undefined;
  #askedAt: number | undefined;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  get(key: string): Row | undefined {
    if (this.#askedAt === undefined) this.#beginTurn();
    else if (performance.now() - this.#askedAt > LONGEST_TURN) this.#ask();
    return this.#rows.get(key);
  }

  /** Keeps a row that was read after `get` had none. */
  keep(row: Row): void {
    if (row[2].length <= LONGEST_DATA) this.#rows.set(row[0], row);
  }

  /** Must be called for every row that the store writes. */
  forget(key: string): void {
    this.#rows.delete(key);
  }

  forgetAll(): void {
    this.#rows.clear();
  }

  /** A write transaction has begun: from now on nobody else changes anything. */
  begun(): void {
    this.#judge(this.#readVersion());
  }

  /**
   * It is about to be committed: what it wrote, {@link forget} has been told. Afterwards others may
   * have been quicker.
   */
  ending(): void {
    this.#version = this.#readVersion();
  }

  #beginTurn(): void {
    this.#ask();
    setImmediate(() => (this.#askedAt = undefined));
  }

  #ask(): void {
    // Before it is asked: what is committed meanwhile may be missed by it.
    const now = performance.now();
    this.#judge(this.#readVersion());
    this.#askedAt = now;
  }

  #judge(version: string): void {
    if (version === this.#version) return;
    this.forgetAll();
    this.#version = version;
  }

  #readVersion(): string {
    return String(this.#connection.lists(VERSION).get());
  }
}
