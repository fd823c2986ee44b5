// RedisStore: sessions in Redis or Valkey, a single server, Sentinel or Cluster. One string a
// session, one script a change. It moves records and decides nothing; it opens and closes no
// connection but that of a subscription.
import { assertOptions, boolean, clock, pattern, type Shape, unchecked } from "../core/checks.ts";
import type { Clock } from "../core/clock.ts";
import { tellSubscribers } from "../core/events/events.ts";
import type {
  CreateResult,
  KeyedPatch,
  KeyedSession,
  KeyedTouch,
  NewSession,
  PatchOutcome,
  SessionFacts,
  SessionPatch,
  SessionStore,
  StoreChange,
  StoredSession,
  UserCap,
} from "../core/store.ts";
import { IdAccess } from "../core/store/id-access.ts";
import { type BatchOutcome, extendRecords, patchRecords } from "./redis/batches.ts";
import { type RedisClient, type RedisPort, toRedisPort } from "./redis/client.ts";
import { RecentRecords } from "./redis/recent.ts";
import { fromRedisKey, parseRecord, toRedisKey } from "./redis/record.ts";
import { Runner, toEpoch } from "./redis/runner.ts";
import { estimateKeys, recordsOnWalk, scanNodes } from "./redis/scan.ts";
import { RECORD } from "./redis/scripts.ts";
import { ShardedUsers } from "./redis/sharded-users.ts";
import { listen } from "./redis/subscription.ts";
import { type FoundRecords, OneServerUsers, type Users } from "./redis/users.ts";

export type {
  IoRedisClient,
  IoRedisCluster,
  NodeRedisClient,
  NodeRedisCluster,
  RedisClient,
} from "./redis/client.ts";

/** The client of a `RedisStore`, its keys and messages. */
export interface RedisStoreOptions {
  /**
   * A connected client of `redis` (node-redis 4 to 6) or `ioredis` (5 and 6): single, Sentinel or
   * Cluster. It stays yours: this store never connects and never closes it.
   */
  client: RedisClient;
  /**
   * What every key begins with. Default `harpiats:`. Up to 64 characters of
   * `A-Z a-z 0-9 _ . : / -`.
   */
  prefix?: string | undefined;
  /**
   * Whether changes are published for `subscribe`, here and in other processes, on the channel
   * `<prefix>changes`. Default `true`. All processes must agree.
   */
  notify?: boolean | undefined;
  /**
   * Whether keys of different slots may be on different servers. Default: what the client says.
   * Give `true` for a plain client of a proxy that has a cluster behind it. All processes must
   * agree.
   */
  sharded?: boolean | undefined;
  /**
   * Default: the machine's. Redis expires sessions by its own clock as well: keep both right (NTP).
   */
  clock?: Clock | undefined;
}

const OPTIONS = {
  client: unchecked,
  prefix: pattern(/^[\w.:/-]{1,64}$/, "1 to 64 characters of A-Z a-z 0-9 _ . : / -"),
  notify: boolean,
  sharded: boolean,
  clock,
} satisfies Shape;
const DEFAULT_PREFIX = "harpiats:";
const SCAN_LIMIT = 100;

/**
 * Keeps sessions in Redis 6.2 or later, or Valkey, for any number of processes and machines.
 *
 * Needs a server that evicts nothing (`maxmemory-policy noeviction`), or people are logged out when
 * memory is short.
 *
 * @throws TypeError or RangeError for options that make no sense.
 */
// Harpia's default: data of unknown shape.
// oxlint-disable-next-line typescript/no-explicit-any
export class RedisStore<Data extends Record<string, any> = Record<string, any>>
  extends IdAccess<Data>
  implements SessionStore<Data>
{
  readonly #port: RedisPort;
  readonly #prefix: string;
  readonly #channel: string;
  readonly #runner: Runner;
  readonly #users: Users;
  readonly #recent = new RecentRecords();
  /**
   * On one server. Each master of a cluster is asked by itself, so that one that is down holds up
   * nobody whose session is on another.
   */
  readonly extendAll?: (touches: readonly KeyedTouch[]) => Promise<boolean[]>;
  /** The same. */
  readonly patchAll?: (patches: readonly KeyedPatch<Data>[]) => Promise<(PatchOutcome | Error)[]>;
  /** With `notify`. */
  readonly hearsOthers: boolean;
  readonly #listeners = new Set<(change: StoreChange) => void>();
  #subscription: Promise<() => Promise<void>> | undefined;

  constructor(options: RedisStoreOptions) {
    const { client, prefix = DEFAULT_PREFIX, notify = true, sharded, clock } = checked(options);
    super(clock);
    this.#port = toRedisPort(client, sharded);
    this.#prefix = prefix;
    this.#channel = `${prefix}changes`;
    this.hearsOthers = notify;
    this.#runner = new Runner({
      port: this.#port,
      prefix,
      channel: notify ? this.#channel : "",
      clock: this.clock,
    });
    this.#users = this.#port.isSharded
      ? new ShardedUsers(this.#runner)
      : new OneServerUsers(this.#runner);
    if (this.#port.isSharded) return;
    this.extendAll = (touches) => this.#extendAll(touches);
    this.patchAll = (patches) => this.#patchAll(patches);
  }

  async create(key: string, session: NewSession<Data>, cap?: UserCap): Promise<CreateResult> {
    const { outcome, evicted } = await this.#users.create(key, session, cap);
    if (outcome === "unreadable") this.#tellUnreadable(key);
    return { outcome: outcome === "unreadable" ? "taken" : outcome, evicted };
  }

  async read(keys: readonly string[]): Promise<(StoredSession<Data> | undefined)[]> {
    if (keys.length === 0) return [];
    const { epoch, texts } = await this.#get(keys);
    const present = { now: this.clock.now(), epoch };
    return keys.map((key, at) => {
      const text = texts[at];
      const session = this.#parse(key, text, present);
      if (session && text) this.#recent.keep(key, text);
      return session;
    });
  }

  async extend(key: string, to: { lastSeenAt: number; expiresAt: number }): Promise<boolean> {
    return (await this.#extendAll([{ key, to }]))[0] === true;
  }

  async patch(key: string, patch: SessionPatch<Data>): Promise<PatchOutcome> {
    const [outcome] = await this.#patchAll([{ key, patch }]);
    if (outcome instanceof Error) throw outcome;
    // One answer for each.
    return outcome as PatchOutcome;
  }

  /**
   * Gives a live session another key; the user's index follows. Of several at once exactly one is
   * `true`.
   *
   * @throws RangeError in a cluster, where `nextKey` has another birth than `key`: they are in
   * different slots then. Rotation keeps the birth.
   */
  async move(key: string, nextKey: string, facts?: SessionFacts): Promise<boolean> {
    if (this.#port.isSharded && key.slice(0, 8) !== nextKey.slice(0, 8)) {
      throw new RangeError(
        "Cannot move a session: nextKey begins with another birth, one in the same slot of the cluster is wanted",
      );
    }
    const keys = [toRedisKey(this.#prefix, key), toRedisKey(this.#prefix, nextKey)];
    const factsText = facts ? JSON.stringify(facts) : "";
    const first = await this.#runner.change(RECORD.move, keys, [key, nextKey, "", factsText]);
    let { outcome } = first;
    const [epochThere = ""] = first.rest;
    if (outcome === "taken" && epochThere !== "" && (await this.#runner.isOver(epochThere))) {
      outcome = (
        await this.#runner.change(RECORD.move, keys, [key, nextKey, epochThere, factsText])
      ).outcome;
    }
    if (outcome === "unreadable") this.#tellUnreadable(key);
    if (outcome === "unreadable next") this.#tellUnreadable(nextKey);
    return outcome === "done";
  }

  async remove(key: string): Promise<boolean> {
    const outcome = await this.#users.remove(key);
    if (outcome === "unreadable") this.#tellUnreadable(key);
    return outcome === "done";
  }

  async listByUser(userId: string): Promise<KeyedSession<Data>[]> {
    return this.#toSessions(await this.#users.list(userId)).sort(
      (a, b) => a.session.createdAt - b.session.createdAt,
    );
  }

  removeByUser(userId: string, options: { except?: readonly string[] } = {}): Promise<number> {
    return this.#users.removeByUser(userId, options.except ?? []);
  }

  /** What is there expires as it would have; nothing of it is ever read again. */
  async removeAll(): Promise<void> {
    await this.#runner.endEpoch();
  }

  async scan(
    cursor?: string,
    options: { limit?: number } = {},
  ): Promise<{ sessions: KeyedSession<Data>[]; cursor?: string }> {
    const page = await scanNodes(await this.#port.nodes(), `${this.#prefix}{*`, {
      cursor,
      limit: options.limit ?? SCAN_LIMIT,
    });
    const keys = page.keys.flatMap((redisKey) => fromRedisKey(this.#prefix, redisKey) ?? []);
    const met = await recordsOnWalk(keys, async (some) => {
      const { epoch, texts } = await this.#get(some);
      return {
        epoch,
        records: some.flatMap((key, at) =>
          texts[at] === undefined ? [] : { key, text: texts[at] },
        ),
      };
    });
    return {
      sessions: this.#toSessions(met),
      ...(page.cursor !== undefined && { cursor: page.cursor }),
    };
  }

  /** An estimate from a sample of the keys, a few hundredths off. */
  async count(): Promise<number> {
    return estimateKeys(await this.#port.nodes(), `${this.#prefix}{*`);
  }

  /** Redis deletes what has expired: there is nothing left to do, ever. */
  async prune(): Promise<number> {
    return 0;
  }

  /**
   * Tells what was changed, here or in another process, over one connection of its own
   * (`client.duplicate()`). Expiry is Redis's own and is not told. `lost` comes when that
   * connection is lost and again when there is another, and then `listening`.
   *
   * @throws TypeError with `notify: false`, when nothing is published.
   */
  async subscribe(listener: (change: StoreChange) => void): Promise<() => Promise<void>> {
    if (!this.hearsOthers)
      throw new TypeError(
        "Cannot subscribe: RedisStore was made with notify: false, notify: true is wanted in every process",
      );
    this.#listeners.add(listener);
    this.#subscription ??= listen(this.#port, this.#channel, {
      onMessage: (message) => this.#onMessage(message),
      onGap: () => this.#tell({ type: "lost" }),
      onListening: () => this.#tell({ type: "listening" }),
    });
    try {
      await this.#subscription;
    } catch (error) {
      this.#subscription = undefined;
      this.#listeners.delete(listener);
      throw error;
    }
    return () => this.#unsubscribe(listener);
  }

  /**
   * The epoch in the same command as the records, or beside them: a session that has ended for good
   * must not be seen.
   */
  async #get(
    keys: readonly string[],
  ): Promise<{ epoch: string | undefined; texts: (string | null | undefined)[] }> {
    const [epoch, ...texts] = await this.#port.get([
      this.#runner.epochKey,
      ...keys.map((key) => toRedisKey(this.#prefix, key)),
    ]);
    return { epoch: toEpoch(epoch), texts };
  }

  async #unsubscribe(listener: (change: StoreChange) => void): Promise<void> {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
    const subscription = this.#subscription;
    this.#subscription = undefined;
    await (
      await subscription
    )?.();
  }

  async #extendAll(touches: readonly KeyedTouch[]): Promise<boolean[]> {
    const outcomes = await extendRecords(this.#runner, touches);
    return outcomes.map((outcome, at) => this.#told(touches[at], outcome) === "done");
  }

  async #patchAll(patches: readonly KeyedPatch<Data>[]): Promise<(PatchOutcome | Error)[]> {
    const outcomes = await patchRecords(this.#runner, this.#recent, patches);
    return outcomes.map((outcome, at) =>
      outcome instanceof Error ? outcome : this.#told(patches[at], outcome),
    );
  }

  /** What is unreadable is told and counts as missing. */
  #told(item: { key: string } | undefined, outcome: BatchOutcome): PatchOutcome {
    if (outcome !== "unreadable") return outcome;
    if (item) this.#tellUnreadable(item.key);
    return "missing";
  }

  #parse(
    key: string,
    text: string | null | undefined,
    { now, epoch }: { now: number; epoch: string | undefined },
  ): StoredSession<Data> | undefined {
    if (text === undefined) return undefined;
    const reading = text === null ? "unreadable" : parseRecord<Data>(text, epoch);
    if (reading === "unreadable") this.#tellUnreadable(key);
    else if (reading && reading.expiresAt > now) return reading;
    return undefined;
  }

  #toSessions({ epoch, records }: FoundRecords): KeyedSession<Data>[] {
    const present = { now: this.clock.now(), epoch };
    return records.flatMap(({ key, text }) => {
      const session = this.#parse(key, text, present);
      return session ? { key, session } : [];
    });
  }

  #onMessage(message: string): void {
    for (const change of parseChanges(message)) this.#tell(change);
  }

  #tellUnreadable(key: string): void {
    this.#tell({ type: "unreadable", key });
  }

  #tell(change: StoreChange): void {
    tellSubscribers(this.#listeners, change);
  }
}

/**
 * Reads a message of the channel. Other programs may publish there too, so a message that is no
 * change of ours gives none. One message may carry several changes.
 */
function parseChanges(message: string): StoreChange[] {
  let change: { type?: unknown; key?: unknown; keys?: unknown; nextKey?: unknown };
  try {
    change = Object(JSON.parse(message)) as typeof change;
  } catch {
    return [];
  }
  const { type, key, keys, nextKey } = change;
  if (type === "cleared") return [{ type }];
  if (type === "changed" && Array.isArray(keys))
    return keys.flatMap((each: unknown) => (typeof each === "string" ? { type, key: each } : []));
  if (typeof key !== "string") return [];
  if (type === "moved") return typeof nextKey === "string" ? [{ type, key, nextKey }] : [];
  return type === "changed" || type === "removed" || type === "evicted" ? [{ type, key }] : [];
}

function checked(options: RedisStoreOptions): RedisStoreOptions {
  assertOptions("RedisStore", options, OPTIONS);
  return options;
}
