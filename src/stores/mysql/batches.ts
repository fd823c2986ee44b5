// Changes of many sessions by one statement, in a transaction that lasts until it is known which of
// them were live. The statement finds its rows by the primary key in its order: two at once wait
// for one another and never in a circle.
import type { Clock } from "../../core/clock.ts";
import type { KeyedTouch, PatchOutcome } from "../../core/store.ts";
import { inBatches } from "../shared/sql-batches.ts";
import { errnoOf, type MysqlConnector, type MysqlValue, PACKET_TOO_LARGE } from "./client.ts";
import type { PatchParts } from "./patch.ts";
import { keyOf } from "./record.ts";
import { padded, type statementsOf } from "./statements.ts";

// A transaction takes four round trips: below this, statements side by side are faster.
const FEWEST = 4;
// The statement compares each row's key with all of them.
const MOST = 128;
// Padding doubles it at most. A server that is sent more than its max_allowed_packet (1 MB on older
// ones) hangs up, on everybody in the statement.
const MOST_CHARACTERS = 400_000;
// ER_DATA_TOO_LONG, ER_INVALID_JSON_TEXT and the others on JSON, MariaDB's ER_JSON_SYNTAX and
// ER_JSON_DEPTH.
const OF_DATA = new Set([PACKET_TOO_LARGE, 1406, 3140, 3141, 3144, 3157, 4037, 4038, 4040]);

/** A statement, and its values up to the keys that it looks for. */
type Statement = [sql: string, values: MysqlValue[]];

export interface KeyedParts {
  key: string;
  parts: PatchParts;
}

/** The batches of one table. */
export class MysqlBatches {
  readonly #connector: MysqlConnector;
  readonly #sql: ReturnType<typeof statementsOf>;
  readonly #clock: Clock;

  constructor(connector: MysqlConnector, sql: ReturnType<typeof statementsOf>, clock: Clock) {
    this.#connector = connector;
    this.#sql = sql;
    this.#clock = clock;
  }

  /**
   * Makes patches, those of the same shape together.
   *
   * @param one makes one alone: what depends on a revision, what is large, and what has little
   * company.
   * @returns what became of each, by its key.
   */
  async patchAll(
    items: readonly KeyedParts[],
    one: (item: KeyedParts) => Promise<PatchOutcome>,
  ): Promise<Map<string, PatchOutcome | Error>> {
    const all = (some: readonly KeyedParts[]): Promise<PatchOutcome[]> => this.#patchTogether(some);
    const answered = [...groupsOf(items)].flatMap(toParts).map(async (part) => {
      const [first] = part;
      // Whatever it fails with, it fails alone.
      if (first && part.length === 1)
        return [[first.key, await one(first).catch(toError)] as const];
      const answers = await inBatches(part, {
        one,
        all,
        sizeOf,
        isOfData,
        mostCharacters: MOST_CHARACTERS,
      });
      // There is an answer for each.
      return part.map(({ key }, at) => [key, answers[at] as PatchOutcome | Error] as const);
    });
    return new Map((await Promise.all(answered)).flat());
  }

  /** Moves deadlines. @param one moves one. @returns the keys of those that were live. */
  async extendAll(
    items: readonly KeyedTouch[],
    one: (item: KeyedTouch) => Promise<boolean>,
  ): Promise<Set<string>> {
    const live = await Promise.all(
      toParts(items).map(async (part) => {
        const [first] = part;
        if (first && part.length === 1) return (await one(first)) ? [first.key] : [];
        return this.#change(part, (some) => {
          const seen = some.flatMap(({ key, to }) => [key, to.lastSeenAt]);
          const deadlines = some.flatMap(({ key, to }) => [key, to.expiresAt]);
          return [this.#sql.extendAll(some.length), [...seen, ...deadlines]];
        });
      }),
    );
    return new Set(live.flatMap((keys) => [...keys]));
  }

  async #patchTogether(items: readonly KeyedParts[]): Promise<PatchOutcome[]> {
    // They are of one shape, and there are several.
    const { set, unset } = (items[0] as KeyedParts).parts;
    // The last is repeated to fill the statement up: the smallest.
    const bySize = items.toSorted((a, b) => sizeOf(b) - sizeOf(a));
    const live = await this.#change(bySize, (some) => [
      this.#sql.patchAll(some.length, set, unset),
      some.flatMap(({ key, parts }) => [key, ...parts.fields]),
    ]);
    return items.map(({ key }) => (live.has(key) ? "done" : "missing"));
  }

  /** @returns the keys of those that were live. */
  #change<Item extends { key: string }>(
    items: readonly Item[],
    toStatement: (items: readonly Item[]) => Statement,
  ): Promise<Set<string>> {
    const some = padded(items);
    const keys = some.map(({ key }) => key);
    const [sql, values] = toStatement(some);
    return this.#connector.transaction(async (connection) => {
      const now = this.#clock.now();
      const { affectedRows } = await connection.change(sql, [...values, ...keys, now]);
      if (affectedRows === items.length) return new Set(keys);
      // Changed rows are locked until the end: none of them can end or move before it is named
      // here.
      return new Set(
        (await connection.select(this.#sql.liveKeys(keys.length), [...keys, now])).map(keyOf),
      );
    }, "READ COMMITTED");
  }
}

/** Those that one statement can make: of one shape, not large, without a revision or facts. */
function groupsOf(items: readonly KeyedParts[]): Iterable<KeyedParts[]> {
  const groups = new Map<string, KeyedParts[]>();
  for (const item of items) {
    const { ifRevision, facts, set, unset, whole } = item.parts;
    const shape =
      !whole && ifRevision === undefined && facts === null && sizeOf(item) <= MOST_CHARACTERS
        ? `${set} ${unset}`
        : item.key;
    const group = groups.get(shape);
    if (group) group.push(item);
    else groups.set(shape, [item]);
  }
  return groups.values();
}

/** What goes together; few go one by one. */
function toParts<Item>(items: readonly Item[]): Item[][] {
  const size = items.length < FEWEST ? 1 : MOST;
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  );
}

function sizeOf({ parts }: KeyedParts): number {
  return parts.fields.reduce<number>((sum, field) => sum + String(field).length, 0);
}

function toError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error("Cannot write a session", { cause });
}

function isOfData(error: unknown): boolean {
  return OF_DATA.has(errnoOf(error));
}
