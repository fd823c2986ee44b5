// Changes of many sessions by one statement, in a transaction that lasts until it is known which of them were live. The statement finds its rows by
// the primary key in its order: two at once wait for one another and never in a circle.
import type { Clock } from "../core/clock.ts";
import type { PatchOutcome } from "../core/store.ts";
import { errnoOf, type MysqlConnector, type MysqlValue } from "./_mysql-client.ts";
import type { PatchParts } from "./_mysql-patch.ts";
import { keyOf } from "./_mysql-record.ts";
import { padded, type statementsOf } from "./_mysql-statements.ts";
import { inBatches } from "./_sql-batches.ts";

// A transaction takes four round trips: below this, statements side by side are faster.
const FEWEST = 4;
// The statement compares each row's key with all of them.
const MOST = 128;
const ALONE = "alone";
// ER_NET_PACKET_TOO_LARGE, ER_DATA_TOO_LONG, ER_INVALID_JSON_TEXT and the others on JSON, MariaDB's ER_JSON_SYNTAX and ER_JSON_DEPTH.
const OF_DATA = new Set([1153, 1406, 3140, 3141, 3144, 3157, 4037, 4038, 4040]);

/** One session's part of a statement. */
export interface Keyed {
  key: string;
  values: MysqlValue[];
}

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

  /** Makes patches, those of the same shape together. @param one makes one alone: what depends on a revision, and what has no company. */
  async patchAll(items: readonly KeyedParts[], one: (item: KeyedParts) => Promise<PatchOutcome>): Promise<(PatchOutcome | Error)[]> {
    const answers = new Map<KeyedParts, PatchOutcome | Error>();
    const write = async (some: readonly KeyedParts[]): Promise<void> => {
      const done = await inBatches(some, { one, all: (several) => this.#patchTogether(several), sizeOf, isOfData });
      for (const [at, item] of some.entries()) answers.set(item, done[at] as PatchOutcome | Error);
    };
    await Promise.all([...groupsOf(items)].flatMap(([shape, group]) => inParts(group, shape === ALONE ? 1 : MOST)).flatMap((part) => (part.length < FEWEST ? part.map((item) => write([item])) : write(part))));
    return items.map((item) => answers.get(item) as PatchOutcome | Error);
  }

  /** Moves deadlines. @param one moves one. @returns whether each was live. */
  async extendAll(items: readonly Keyed[], one: (item: Keyed) => Promise<boolean>): Promise<boolean[]> {
    if (items.length < FEWEST) return Promise.all(items.map(one));
    const live = await Promise.all(inParts(items, MOST).map((part) => this.#change(part, (size) => this.#sql.extendAll(size), 2)));
    return items.map(({ key }) => live.some((keys) => keys.has(key)));
  }

  async #patchTogether(items: readonly KeyedParts[]): Promise<PatchOutcome[]> {
    // They are of one shape, and there are several.
    const { set, unset } = (items[0] as KeyedParts).parts;
    const keyed = items.map(({ key, parts }) => ({ key, values: parts.fields }));
    const live = await this.#change(keyed, (size) => this.#sql.patchAll(size, set, unset), 1);
    return items.map(({ key }) => (live.has(key) ? "done" : "missing"));
  }

  /** @param lists how often the statement goes through the sessions before it names their keys. @returns the keys of those that were live. */
  #change(items: readonly Keyed[], sqlOf: (size: number) => string, lists: 1 | 2): Promise<Set<string>> {
    const some = padded(items);
    const keys = some.map(({ key }) => key);
    // One list holds all of a session's values, of two each holds one of them.
    const values = lists === 1 ? some.flatMap(({ key, values: own }) => [key, ...own]) : [0, 1].flatMap((at) => some.flatMap(({ key, values: own }) => [key, own[at] as MysqlValue]));
    return this.#connector.transaction(async (connection) => {
      const now = this.#clock.now();
      const { affectedRows } = await connection.change(sqlOf(some.length), [...values, ...keys, now]);
      if (affectedRows === items.length) return new Set(keys);
      // Changed rows are locked until the end: none of them can end or move before it is named here.
      return new Set((await connection.select(this.#sql.liveKeys(keys.length), [...keys, now])).map(keyOf));
    }, "READ COMMITTED");
  }
}

/** What one statement can do, by its shape. */
function groupsOf(items: readonly KeyedParts[]): Map<string, KeyedParts[]> {
  const groups = new Map<string, KeyedParts[]>();
  for (const item of items) {
    const { ifRevision, facts, set, unset } = item.parts;
    const shape = ifRevision === undefined && facts === null ? `${set} ${unset}` : ALONE;
    const group = groups.get(shape);
    if (group) group.push(item);
    else groups.set(shape, [item]);
  }
  return groups;
}

function inParts<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}

function sizeOf({ parts }: KeyedParts): number {
  return parts.fields.reduce<number>((sum, field) => sum + String(field).length, 0);
}

function isOfData(error: unknown): boolean {
  return OF_DATA.has(errnoOf(error));
}
