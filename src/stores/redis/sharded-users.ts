// Where the user's index and the session's record are in different slots: no script sees both, so
// their order does it. An entry is made before its record, and outlives it. Whoever ends the user's
// sessions ends first what the entries name, and marks a record that is not there yet as ended, so
// that it can never come; then the entries go. The epoch is in a slot of its own. A record whose
// epoch is not the one that was asked for after it was seen is dead for good, since no epoch comes
// again; so what is asked for before may say "dead" of a newer record, and nothing is done on its
// word.
import { StoreError } from "../../core/errors.ts";
import type { NewSession, UserCap } from "../../core/store.ts";
import { createdAtOf, keyOf, toEntry, toIndexKey, toRedisKey } from "./record.ts";
import type { Runner } from "./runner.ts";
import { INDEX, RECORD } from "./scripts.ts";
import {
  type Creation,
  type FoundRecord,
  type FoundRecords,
  type Insertion,
  insertRecord,
  type Users,
} from "./users.ts";

// An entry without a record may be of a login that is on its way, for as long as any store is
// waited for.
const UNDER_WAY = 60_000;
// Each round that finds no room means that somebody else's login found it: so many in a row is no
// contention any more.
const MOST_ROUNDS = 1000;

interface Entry {
  entry: string;
  endsAt: string;
}

interface Owner {
  userId: string;
  /** As scripts compare it. */
  json: string;
  index: string;
}

/** Every change of a user's session in two round trips, the index's and the record's. */
export class ShardedUsers implements Users {
  readonly #runner: Runner;

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  async create(key: string, session: NewSession<unknown>, cap?: UserCap): Promise<Creation> {
    const { userId, createdAt, endsAt } = session;
    if (userId === undefined)
      return {
        outcome: (await this.#insert(key, session, await this.#runner.epoch())).outcome,
        evicted: [],
      };
    const owner = this.#owner(userId);
    const entry = toEntry(key, createdAt);
    const evicted: string[] = [];
    let gone: string[] = [];
    let epoch: string | undefined;
    for (let round = 0; ; round++) {
      const entering = this.#runner.run(
        INDEX.enter,
        [owner.index],
        [entry, endsAt, cap?.limit ?? "", ...gone],
      );
      // In each round: whom it evicted was of this epoch or an earlier one.
      const [reply, now] = await Promise.all([entering, this.#runner.epoch()]);
      const rivals = toEntries(reply);
      epoch = now;
      if (rivals.length === 0 || !cap) break;
      if (round === MOST_ROUNDS)
        throw new StoreError(
          "ERR_STORE_CONFLICT",
          `Cannot create a session: ${MOST_ROUNDS} times another login of this user came first`,
          { store: "RedisStore", operation: "create" },
        );
      if (round === 0 && (await this.#isTaken(key))) return { outcome: "taken", evicted };
      const room = await this.#makeRoom(owner, rivals, cap);
      if (!room) return { outcome: "denied", evicted };
      evicted.push(...room.evicted);
      gone = room.gone;
    }
    const { outcome, isOwn } = await this.#insert(key, session, epoch);
    // What is there may be this user's: then the entry is its entry.
    if (outcome !== "created" && !isOwn)
      await this.#runner.run(INDEX.leave, [owner.index], [entry]);
    return { outcome, evicted };
  }

  async remove(key: string): Promise<string> {
    const { outcome, rest } = await this.#runner.change(RECORD.remove, [this.#place(key)], [key]);
    const [entry, user] = rest;
    if (entry !== undefined && user !== undefined)
      await this.#runner.run(
        INDEX.leave,
        [toIndexKey(this.#runner.prefix, JSON.parse(user) as string)],
        [entry],
      );
    return outcome;
  }

  async list(userId: string): Promise<FoundRecords> {
    const owner = this.#owner(userId);
    const entries = await this.#entries(owner);
    const [epoch, ...found] = await Promise.all([
      this.#runner.epoch(),
      ...entries.map(({ entry }) => this.#resolve(owner, entry)),
    ]);
    return { epoch, records: found.filter((record) => record !== undefined) };
  }

  async removeByUser(userId: string, except: readonly string[]): Promise<number> {
    const owner = this.#owner(userId);
    const entries = await this.#entries(owner);
    const [now, ...outcomes] = await Promise.all([
      this.#runner.epoch(),
      ...entries.map((entry) => this.#end(owner, entry, "removed", except)),
    ]);
    const gone = entries.flatMap(({ entry }, at) =>
      outcomes[at]?.outcome === "kept" ? [] : entry,
    );
    if (gone.length > 0) await this.#runner.run(INDEX.leave, [owner.index], gone);
    return outcomes.filter(({ outcome, epoch }) => outcome === "ended" && epoch === now).length;
  }

  /**
   * The record under its key, of this epoch. What is there of another is written over once that is
   * known to be over.
   */
  async #insert(
    key: string,
    session: NewSession<unknown>,
    present: string | undefined,
  ): Promise<{ outcome: Creation["outcome"]; isOwn: boolean }> {
    const change = this.#runner.nextChange();
    const epoch = present ?? (await this.#runner.beginEpoch());
    const insert = (over = ""): Promise<Insertion> =>
      insertRecord(this.#runner, key, session, change, [epoch, over]);
    const first = await insert();
    const isFree =
      first.outcome === "taken" &&
      first.epoch !== undefined &&
      (await this.#runner.isOver(first.epoch));
    const { outcome, isOwn } = isFree ? await insert(first.epoch) : first;
    // Only a script that looks for the epoch can miss it.
    return { outcome: outcome as Creation["outcome"], isOwn };
  }

  /**
   * Ends the oldest that are too many and clears away what is not there any more. `undefined`:
   * there is no room.
   */
  async #makeRoom(
    owner: Owner,
    rivals: readonly Entry[],
    cap: UserCap,
  ): Promise<{ evicted: string[]; gone: string[] } | undefined> {
    const found = await Promise.all(rivals.map(({ entry }) => this.#resolve(owner, entry)));
    const epoch = await this.#runner.epoch();
    const isThere = ({ entry }: Entry, at: number): boolean =>
      found[at] ? found[at].epoch === epoch : createdAtOf(entry) > this.#runner.now() - UNDER_WAY;
    const alive = rivals
      .filter(isThere)
      .sort((a, b) => createdAtOf(a.entry) - createdAtOf(b.entry));
    const gone = rivals.filter((rival, at) => !isThere(rival, at));
    await Promise.all(gone.map((rival) => this.#end(owner, rival, "removed", [])));
    const excess = Math.max(alive.length + 1 - cap.limit, 0);
    if (excess > 0 && cap.onLimit === "deny") return undefined;
    const victims = alive.slice(0, excess);
    const outcomes = await Promise.all(
      victims.map((victim) => this.#end(owner, victim, "evicted", [])),
    );
    const evicted = outcomes.flatMap(({ outcome, key }) =>
      outcome === "ended" || outcome === "marked" ? key : [],
    );
    return { evicted, gone: [...gone, ...victims].map(({ entry }) => entry) };
  }

  /** Whether a creation could only fail, asked before others have to make way for it. */
  async #isTaken(key: string): Promise<boolean> {
    const [outcome, epoch] = (await this.#runner.run(
      RECORD.isTaken,
      [this.#place(key)],
      [key],
    )) as string[];
    return outcome === "taken" && (epoch === undefined || !(await this.#runner.isOver(epoch)));
  }

  async #resolve(
    owner: Owner,
    entry: string,
  ): Promise<(FoundRecord & { epoch: string }) | undefined> {
    const [key, text, epoch = ""] = (await this.#runner.run(
      RECORD.resolve,
      [this.#place(keyOf(entry))],
      [entry, owner.json],
    )) as string[];
    return key === undefined || text === undefined ? undefined : { key, text, epoch };
  }

  async #end(
    owner: Owner,
    { entry, endsAt }: Entry,
    change: "removed" | "evicted",
    except: readonly string[],
  ): Promise<{ outcome: string; key: string; epoch?: string }> {
    const reply = await this.#runner.run(
      RECORD.end,
      [this.#place(keyOf(entry))],
      [entry, owner.json, endsAt, change, ...except],
    );
    const [outcome = "", key = "", epoch] = reply as string[];
    return { outcome, key, ...(epoch !== undefined && { epoch }) };
  }

  async #entries(owner: Owner): Promise<Entry[]> {
    return toEntries(await this.#runner.run(INDEX.entries, [owner.index], []));
  }

  #owner(userId: string): Owner {
    return { userId, json: JSON.stringify(userId), index: toIndexKey(this.#runner.prefix, userId) };
  }

  #place(key: string): string {
    return toRedisKey(this.#runner.prefix, key);
  }
}

function toEntries(reply: unknown): Entry[] {
  const flat = (reply as unknown[]).map(String);
  return flat.flatMap((entry, at) =>
    at % 2 === 0 ? { entry, endsAt: flat[at + 1] as string } : [],
  );
}
