// Where the user's index and the session's record are on one server: everything that touches both is one script.
import type { CreateResult, NewSession, UserCap } from "../core/store.ts";
import { formatRecord, toEntry, toIndexKey, toRedisKey } from "./_redis-record.ts";
import type { Script } from "./_redis-prelude.ts";
import { ONE_SERVER, RECORD } from "./_redis-scripts.ts";

/** Runs a script with what every script gets, and knows the names of things. */
export interface Runner {
  readonly prefix: string;
  now(): number;
  /** A name for one change, never used before. */
  nextChange(): string;
  run(script: Script, keys: string[], values: (string | number)[], change?: string): Promise<unknown>;
}

/** A live session as the server answers: nothing of it is checked yet. */
export interface FoundRecord {
  key: string;
  text: string;
}

/** `unreadable`: there is something under the key that is not ours. */
export type Creation = Omit<CreateResult, "outcome"> & { outcome: CreateResult["outcome"] | "unreadable" };

/** What touches a session and its user's index. */
export interface Users {
  create(key: string, session: NewSession<unknown>, cap?: UserCap): Promise<Creation>;
  remove(key: string): Promise<unknown>;
  list(userId: string): Promise<FoundRecord[]>;
  removeByUser(userId: string, except: readonly string[]): Promise<number>;
}

/** Puts a record under a key that is free. `isOwn`: what is there instead is the same user's. */
export async function insertRecord(runner: Runner, key: string, session: NewSession<unknown>): Promise<{ outcome: Creation["outcome"]; isOwn: boolean }> {
  const { createdAt, expiresAt, userId } = session;
  const change = runner.nextChange();
  const values = [key, formatRecord(session, change), expiresAt, createdAt.toString(16), userId === undefined ? "" : JSON.stringify(userId)];
  const [outcome, isOwn] = (await runner.run(RECORD.insert, [toRedisKey(runner.prefix, key)], values, change)) as [Creation["outcome"], string];
  return { outcome, isOwn: isOwn === "own" };
}

/** Everything in one step, in one round trip. */
export class OneServerUsers implements Users {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  async create(key: string, session: NewSession<unknown>, cap?: UserCap): Promise<Creation> {
    const { prefix } = this.#runner;
    const { userId, createdAt, expiresAt, endsAt } = session;
    if (userId === undefined) return { outcome: (await insertRecord(this.#runner, key, session)).outcome, evicted: [] };
    const change = this.#runner.nextChange();
    const values = [key, formatRecord(session, change), expiresAt, createdAt.toString(16), JSON.stringify(userId), toEntry(key, createdAt), endsAt];
    const keys = [toRedisKey(prefix, key), toIndexKey(prefix, userId)];
    const reply = await this.#runner.run(ONE_SERVER.insert, keys, [...values, cap?.limit ?? "", cap?.onLimit ?? ""], change);
    const [outcome, ...evicted] = reply as [Creation["outcome"], ...string[]];
    return { outcome, evicted };
  }

  remove(key: string): Promise<unknown> {
    return this.#runner.run(ONE_SERVER.remove, [toRedisKey(this.#runner.prefix, key)], [key]);
  }

  async list(userId: string): Promise<FoundRecord[]> {
    const reply = (await this.#runner.run(ONE_SERVER.list, [toIndexKey(this.#runner.prefix, userId)], [JSON.stringify(userId)])) as string[];
    return reply.flatMap((key, at) => (at % 2 === 0 ? { key, text: reply[at + 1] as string } : []));
  }

  async removeByUser(userId: string, except: readonly string[]): Promise<number> {
    return Number(await this.#runner.run(ONE_SERVER.removeByUser, [toIndexKey(this.#runner.prefix, userId)], [JSON.stringify(userId), ...except]));
  }
}
