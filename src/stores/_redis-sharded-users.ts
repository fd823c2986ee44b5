// Where the user's index and the session's record are in different slots: no script sees both, so their order does it.
// An entry is made before its record, and outlives it. Whoever ends the user's sessions ends first what the entries name,
// and marks a record that is not there yet as ended, so that it can never come; then the entries go.
import type { NewSession, UserCap } from "../core/store.ts";
import { StoreError } from "../core/errors.ts";
import { createdAtOf, keyOf, toEntry, toIndexKey, toRedisKey } from "./_redis-record.ts";
import { INDEX, RECORD } from "./_redis-scripts.ts";
import { type Creation, type FoundRecord, insertRecord, type Runner, type Users } from "./_redis-users.ts";

// An entry without a record may be of a login that is on its way, for as long as any store is waited for.
const UNDER_WAY = 60_000;
// Each round that finds no room means that somebody else's login found it: so many in a row is no contention any more.
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
    if (userId === undefined) return { outcome: (await insertRecord(this.#runner, key, session)).outcome, evicted: [] };
    const owner = this.#owner(userId);
    const entry = toEntry(key, createdAt);
    const evicted: string[] = [];
    let gone: string[] = [];
    for (let round = 0; ; round++) {
      const rivals = toEntries(await this.#runner.run(INDEX.enter, [owner.index], [entry, endsAt, cap?.limit ?? "", ...gone]));
      if (rivals.length === 0 || !cap) break;
      if (round === MOST_ROUNDS) throw new StoreError("ERR_STORE_CONFLICT", `Cannot create a session: ${MOST_ROUNDS} times another login of this user came first`, { store: "RedisStore", operation: "create" });
      if (round === 0 && (await this.#isTaken(key))) return { outcome: "taken", evicted };
      const room = await this.#makeRoom(owner, rivals, cap);
      if (!room) return { outcome: "denied", evicted };
      evicted.push(...room.evicted);
      gone = room.gone;
    }
    const { outcome, isOwn } = await insertRecord(this.#runner, key, session);
    // What is there may be this user's: then the entry is its entry.
    if (outcome !== "created" && !isOwn) await this.#runner.run(INDEX.leave, [owner.index], [entry]);
    return { outcome, evicted };
  }

  async remove(key: string): Promise<unknown> {
    const reply = await this.#runner.run(RECORD.remove, [this.#place(key)], [key]);
    if (!Array.isArray(reply)) return reply;
    const [outcome, entry, user] = reply as [string, string, string];
    await this.#runner.run(INDEX.leave, [toIndexKey(this.#runner.prefix, JSON.parse(user) as string)], [entry]);
    return outcome;
  }

  async list(userId: string): Promise<FoundRecord[]> {
    const owner = this.#owner(userId);
    const found = await Promise.all((await this.#entries(owner)).map(({ entry }) => this.#resolve(owner, entry)));
    return found.filter((record) => record !== undefined);
  }

  async removeByUser(userId: string, except: readonly string[]): Promise<number> {
    const owner = this.#owner(userId);
    const entries = await this.#entries(owner);
    const outcomes = await Promise.all(entries.map((entry) => this.#end(owner, entry, "removed", except)));
    const gone = entries.flatMap(({ entry }, at) => (outcomes[at]?.outcome === "kept" ? [] : entry));
    if (gone.length > 0) await this.#runner.run(INDEX.leave, [owner.index], gone);
    return outcomes.filter(({ outcome }) => outcome === "ended").length;
  }

  /** Ends the oldest that are too many and clears away what is not there any more. `undefined`: there is no room. */
  async #makeRoom(owner: Owner, rivals: readonly Entry[], cap: UserCap): Promise<{ evicted: string[]; gone: string[] } | undefined> {
    const found = await Promise.all(rivals.map(({ entry }) => this.#resolve(owner, entry)));
    const isThere = (_: Entry, at: number): boolean => found[at] !== undefined || createdAtOf((rivals[at] as Entry).entry) > this.#runner.now() - UNDER_WAY;
    const alive = rivals.filter(isThere).sort((a, b) => createdAtOf(a.entry) - createdAtOf(b.entry));
    const gone = rivals.filter((rival, at) => !isThere(rival, at));
    await Promise.all(gone.map((rival) => this.#end(owner, rival, "removed", [])));
    const excess = Math.max(alive.length + 1 - cap.limit, 0);
    if (excess > 0 && cap.onLimit === "deny") return undefined;
    const victims = alive.slice(0, excess);
    const outcomes = await Promise.all(victims.map((victim) => this.#end(owner, victim, "evicted", [])));
    const evicted = outcomes.flatMap(({ outcome, key }) => (outcome === "ended" || outcome === "marked" ? key : []));
    return { evicted, gone: [...gone, ...victims].map(({ entry }) => entry) };
  }

  /** Whether a creation could only fail, asked before others have to make way for it. */
  async #isTaken(key: string): Promise<boolean> {
    return (await this.#runner.run(RECORD.isTaken, [this.#place(key)], [key])) === "taken";
  }

  async #resolve(owner: Owner, entry: string): Promise<FoundRecord | undefined> {
    const [key, text] = (await this.#runner.run(RECORD.resolve, [this.#place(keyOf(entry))], [entry, owner.json])) as string[];
    return key === undefined || text === undefined ? undefined : { key, text };
  }

  async #end(owner: Owner, { entry, endsAt }: Entry, change: "removed" | "evicted", except: readonly string[]): Promise<{ outcome: string; key: string }> {
    const reply = await this.#runner.run(RECORD.end, [this.#place(keyOf(entry))], [entry, owner.json, endsAt, change, ...except]);
    const [outcome = "", key = ""] = reply as string[];
    return { outcome, key };
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
  return flat.flatMap((entry, at) => (at % 2 === 0 ? { entry, endsAt: flat[at + 1] as string } : []));
}
