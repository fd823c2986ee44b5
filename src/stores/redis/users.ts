// Where the user's index and the session's record are on one server: everything that touches both
// is one script.
import type { CreateResult, NewSession, UserCap } from "../../core/store.ts";
import { formatRecord, toEntry, toIndexKey, toRedisKey } from "./record.ts";
import type { Runner } from "./runner.ts";
import { ONE_SERVER, RECORD } from "./scripts.ts";

/** A live session as the server answers: nothing of it is checked yet. */
export interface FoundRecord {
  key: string;
  /** `null`: there is something but no text. */
  text: string | null;
}

/** A user's sessions, and the current epoch: records of an earlier one have ended. */
export interface FoundRecords {
  epoch: string | undefined;
  records: FoundRecord[];
}

/** `unreadable`: there is something under the key that is not ours. */
export type Creation = Omit<CreateResult, "outcome"> & {
  outcome: CreateResult["outcome"] | "unreadable";
};

/** What touches a session and its user's index. */
export interface Users {
  create(key: string, session: NewSession<unknown>, cap?: UserCap): Promise<Creation>;
  remove(key: string): Promise<string>;
  list(userId: string): Promise<FoundRecords>;
  removeByUser(userId: string, except: readonly string[]): Promise<number>;
}

/**
 * What came of putting a record under a key. `isOwn`: what is there instead is the same user's, and
 * of this epoch.
 */
export interface Insertion {
  outcome: Creation["outcome"] | "no epoch";
  isOwn: boolean;
  epoch: string | undefined;
}

/**
 * Puts a record under a key that is free. Where the script does not see the epoch, it is given, and
 * perhaps another that is known to be over.
 */
export async function insertRecord(
  runner: Runner,
  key: string,
  session: NewSession<unknown>,
  change: string,
  epochs: readonly string[] = [],
): Promise<Insertion> {
  const { createdAt, expiresAt, userId } = session;
  const values = [
    key,
    ...formatRecord(session, change),
    expiresAt,
    createdAt.toString(16),
    userId === undefined ? "" : JSON.stringify(userId),
  ];
  const [outcome, isOwn, epoch] = (await runner.run(
    RECORD.insert,
    [toRedisKey(runner.prefix, key)],
    [...values, ...epochs],
    change,
  )) as [Insertion["outcome"], string, string?];
  return { outcome, isOwn: isOwn === "own", epoch: epoch || undefined };
}

/** Everything in one step, in one round trip. */
export class OneServerUsers implements Users {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  async create(key: string, session: NewSession<unknown>, cap?: UserCap): Promise<Creation> {
    const change = this.#runner.nextChange();
    for (;;) {
      const { outcome, evicted } = await this.#insert(key, session, change, cap);
      if (outcome !== "no epoch") return { outcome, evicted };
      await this.#runner.beginEpoch();
    }
  }

  async remove(key: string): Promise<string> {
    return (
      await this.#runner.change(ONE_SERVER.remove, [toRedisKey(this.#runner.prefix, key)], [key])
    ).outcome;
  }

  async list(userId: string): Promise<FoundRecords> {
    const [epoch, ...found] = (await this.#runner.run(
      ONE_SERVER.list,
      [toIndexKey(this.#runner.prefix, userId)],
      [JSON.stringify(userId)],
    )) as string[];
    return {
      epoch,
      records: found.flatMap((key, at) =>
        at % 2 === 0 ? { key, text: found[at + 1] as string } : [],
      ),
    };
  }

  async removeByUser(userId: string, except: readonly string[]): Promise<number> {
    return Number(
      await this.#runner.run(
        ONE_SERVER.removeByUser,
        [toIndexKey(this.#runner.prefix, userId)],
        [JSON.stringify(userId), ...except],
      ),
    );
  }

  async #insert(
    key: string,
    session: NewSession<unknown>,
    change: string,
    cap?: UserCap,
  ): Promise<{ outcome: Insertion["outcome"]; evicted: string[] }> {
    const { prefix } = this.#runner;
    const { userId, createdAt, expiresAt, endsAt } = session;
    if (userId === undefined)
      return {
        outcome: (await insertRecord(this.#runner, key, session, change)).outcome,
        evicted: [],
      };
    const values = [
      key,
      ...formatRecord(session, change),
      expiresAt,
      createdAt.toString(16),
      JSON.stringify(userId),
      toEntry(key, createdAt),
      endsAt,
    ];
    const keys = [toRedisKey(prefix, key), toIndexKey(prefix, userId)];
    const reply = await this.#runner.run(
      ONE_SERVER.insert,
      keys,
      [...values, cap?.limit ?? "", cap?.onLimit ?? ""],
      change,
    );
    const [outcome, ...evicted] = reply as [Insertion["outcome"], ...string[]];
    return { outcome, evicted };
  }
}
