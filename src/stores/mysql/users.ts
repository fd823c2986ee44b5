// What is decided over all of a user's sessions, each in one transaction that locks them: no other
// may slip in or move past.
import type { Clock } from "../../core/clock.ts";
import type { CreateResult, UserCap } from "../../core/store.ts";
import { queueOfRequests } from "../../core/store/keyed-queue.ts";
import type { MysqlConnector, MysqlValue, Statements } from "./client.ts";
import { keyOf, toUserColumn } from "./record.ts";
import { NO_EPOCH, padded, type statementsOf } from "./statements.ts";

const DELETE_AT_ONCE = 500;

/** The transactions on one table. */
export class MysqlUsers {
  readonly #connector: MysqlConnector;
  readonly #sql: ReturnType<typeof statementsOf>;
  readonly #clock: Clock;
  // Of many at once InnoDB lets one go on and takes the others back: those of one process need not
  // meet there.
  readonly #turns = queueOfRequests();

  constructor(connector: MysqlConnector, sql: ReturnType<typeof statementsOf>, clock: Clock) {
    this.#connector = connector;
    this.#sql = sql;
    this.#clock = clock;
  }

  /** Creates under a cap: whoever else creates for the user waits, or is repeated. */
  createWithin(cap: UserCap, userId: string, row: MysqlValue[]): Promise<CreateResult> {
    const work = async (connection: Statements): Promise<CreateResult> => {
      const { epoch, keys } = await this.#lockLive(connection, userId);
      const excess = Math.max(keys.length + 1 - cap.limit, 0);
      if (excess > 0 && cap.onLimit === "deny") return { outcome: "denied", evicted: [] };
      await connection.change(this.#sql.insertAt, [...row, epoch]);
      const evicted = keys.slice(0, excess);
      await this.#delete(connection, evicted);
      return { outcome: "created", evicted };
    };
    return this.#turns.run(userId, () => this.#connector.transaction(work));
  }

  /**
   * Ends all of the user's sessions but those that are kept.
   *
   * @returns the keys of those that this version can read.
   */
  removeLive(userId: string, kept: readonly string[]): Promise<string[]> {
    return this.#connector.transaction(async (connection) => {
      const { keys } = await this.#lockLive(connection, userId);
      const ended = keys.filter((key) => !kept.includes(key));
      await this.#delete(connection, ended);
      const except = padded(kept);
      await connection.change(this.#sql.removeOthers(except.length), [
        toUserColumn(userId),
        ...except,
      ]);
      return ended;
    });
  }

  /**
   * The keys of the user's live sessions, oldest first, locked until the transaction ends, and the
   * epoch they live in.
   */
  async #lockLive(
    connection: Statements,
    userId: string,
  ): Promise<{ epoch: string; keys: string[] }> {
    const rows = await connection.select(this.#sql.lockRivals, [
      toUserColumn(userId),
      this.#clock.now(),
    ]);
    const epoch = rows.find(([key]) => key === null);
    if (!epoch) throw new Error(`Cannot know which sessions live: ${NO_EPOCH}`);
    const rivals = rows
      .filter((row) => row !== epoch)
      .map((row) => ({ key: keyOf(row), createdAt: Number(row[1]) }));
    // Keys are ASCII: any comparison gives the server's order.
    rivals.sort((a, b) => a.createdAt - b.createdAt || (a.key < b.key ? -1 : 1));
    return { epoch: String(epoch[1]), keys: rivals.map(({ key }) => key) };
  }

  async #delete(connection: Statements, keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += DELETE_AT_ONCE) {
      const some = padded(keys.slice(at, at + DELETE_AT_ONCE));
      await connection.change(this.#sql.evict(some.length), some);
    }
  }
}
