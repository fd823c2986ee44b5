// A store of your own, the whole contract: here in one table of PGlite, which is PostgreSQL in this
// process. docs/writing-a-store.md walks through it.
import type { PGlite } from "@electric-sql/pglite";
import {
  type Clock,
  type CreateResult,
  IdAccess,
  type KeyedSession,
  type NewSession,
  type PatchOutcome,
  type SessionFacts,
  type SessionPatch,
  type SessionStore,
  type StoredSession,
  type UserCap,
} from "harpiats/session";

const TABLE = `CREATE TABLE IF NOT EXISTS sessions (
  key text COLLATE "C" PRIMARY KEY, user_id text, data text NOT NULL, facts text, revision int NOT NULL,
  created_at bigint NOT NULL, last_seen_at bigint NOT NULL, expires_at bigint NOT NULL, ends_at bigint NOT NULL);
  CREATE INDEX IF NOT EXISTS sessions_user ON sessions (user_id)`;

type Row = Record<string, string | number | null>;

export class SqlStore<Data extends object> extends IdAccess<Data> implements SessionStore<Data> {
  readonly #client: PGlite;

  constructor({ client, clock }: { client: PGlite; clock?: Clock }) {
    super(clock);
    this.#client = client;
  }

  async migrate(): Promise<void> {
    await this.#client.exec(TABLE);
  }

  async create(key: string, session: NewSession<Data>, cap?: UserCap): Promise<CreateResult> {
    const { userId = null, createdAt, lastSeenAt, expiresAt, endsAt } = session;
    const texts = [JSON.stringify(session.data), toText(session.facts)];
    const now = this.clock.now();
    return this.#client.transaction(async (client) => {
      await client.query("DELETE FROM sessions WHERE key = $1 AND expires_at <= $2", [key, now]);
      const taken = await client.query("SELECT 1 FROM sessions WHERE key = $1", [key]);
      if (taken.rows.length > 0) return { outcome: "taken", evicted: [] };
      const rivals = await client.query<{ key: string }>(
        "SELECT key FROM sessions WHERE user_id = $1 AND expires_at > $2 ORDER BY created_at, key",
        [cap ? userId : null, now],
      );
      const excess = Math.max(rivals.rows.length + 1 - (cap?.limit ?? Infinity), 0);
      if (excess > 0 && cap?.onLimit === "deny") return { outcome: "denied", evicted: [] };
      const evicted = rivals.rows.slice(0, excess).map((rival) => rival.key);
      await client.query("DELETE FROM sessions WHERE key = ANY($1)", [evicted]);
      const insert = "INSERT INTO sessions VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8)";
      const values = [key, userId, ...texts, createdAt, lastSeenAt, expiresAt, endsAt];
      await client.query(insert, values);
      return { outcome: "created", evicted };
    });
  }

  async read(keys: readonly string[]): Promise<(StoredSession<Data> | undefined)[]> {
    const rows = await this.#rows("key = ANY($2)", [keys]);
    const byKey = new Map(rows.map((row) => [row["key"], row]));
    return keys.map((key) => {
      const row = byKey.get(key);
      return row && toSession<Data>(row);
    });
  }

  async extend(key: string, to: { lastSeenAt: number; expiresAt: number }): Promise<boolean> {
    const change = `UPDATE sessions SET last_seen_at = greatest(last_seen_at, $3),
      expires_at = least(greatest(expires_at, $4), ends_at) WHERE key = $2 AND expires_at > $1`;
    return (await this.#change(change, [key, to.lastSeenAt, to.expiresAt])) > 0;
  }

  async patch(key: string, patch: SessionPatch<Data>): Promise<PatchOutcome> {
    // A copy: the caller may change what it gave while this waits.
    const given = structuredClone(patch);
    // Each conflict is another change that succeeded: this many in a row are no contention any more.
    for (let attempt = 0; attempt < 1000; attempt++) {
      const [session] = await this.read([key]);
      if (!session) return "missing";
      const { ifRevision = session.revision, unset = [], facts = session.facts } = given;
      if (ifRevision !== session.revision) return "conflict";
      const merged = { ...session.data, ...given.set };
      for (const field of unset) delete merged[field as keyof Data];
      const change = `UPDATE sessions SET data = $3, facts = $4, revision = revision + 1
        WHERE key = $2 AND expires_at > $1 AND revision = $5`;
      const values = [key, JSON.stringify(merged), toText(facts), ifRevision];
      if ((await this.#change(change, values)) > 0) return "done";
    }
    throw new Error("1000 other changes of this session came first");
  }

  async move(key: string, nextKey: string, facts?: SessionFacts): Promise<boolean> {
    const change = `UPDATE sessions SET key = $3, facts = coalesce($4, facts)
      WHERE key = $2 AND expires_at > $1 AND NOT EXISTS (SELECT 1 FROM sessions WHERE key = $3)`;
    return (await this.#change(change, [key, nextKey, toText(facts)])) > 0;
  }

  async remove(key: string): Promise<boolean> {
    return (
      (await this.#change("DELETE FROM sessions WHERE key = $2 AND expires_at > $1", [key])) > 0
    );
  }

  async listByUser(userId: string): Promise<KeyedSession<Data>[]> {
    return toList(await this.#rows("user_id = $2 ORDER BY created_at, key", [userId]));
  }

  removeByUser(
    userId: string,
    { except = [] }: { except?: readonly string[] } = {},
  ): Promise<number> {
    const change = "DELETE FROM sessions WHERE user_id = $2 AND expires_at > $1 AND key <> ALL($3)";
    return this.#change(change, [userId, except]);
  }

  async removeAll(): Promise<void> {
    await this.#client.query("TRUNCATE sessions");
  }

  async scan(cursor = "", { limit = 100 }: { limit?: number } = {}) {
    // Whole births: a move keeps the birth, so that no page misses a session that moves.
    const page = `left(key, 8) > $2 AND left(key, 8) <= (SELECT max(birth) FROM (SELECT left(key, 8)
      AS birth FROM sessions WHERE left(key, 8) > $2 AND expires_at > $1 ORDER BY key LIMIT $3) page)`;
    const sessions = toList<Data>(await this.#rows(`${page} ORDER BY key`, [cursor, limit]));
    const last = sessions.at(-1)?.key.slice(0, 8);
    return sessions.length < limit || last === undefined
      ? { sessions }
      : { sessions, cursor: last };
  }

  prune(): Promise<number> {
    return this.#change("DELETE FROM sessions WHERE expires_at <= $1", []);
  }

  /** Rows of live sessions. `$1` is the time. */
  async #rows(where: string, values: unknown[]): Promise<Row[]> {
    const query = `SELECT * FROM sessions WHERE expires_at > $1 AND ${where}`;
    return (await this.#client.query<Row>(query, [this.clock.now(), ...values])).rows;
  }

  /** @returns how many rows it changed. `$1` is the time. */
  async #change(statement: string, values: unknown[]): Promise<number> {
    const { affectedRows } = await this.#client.query(statement, [this.clock.now(), ...values]);
    return affectedRows ?? 0;
  }
}

function toText(facts: SessionFacts | undefined): string | null {
  return facts === undefined ? null : JSON.stringify(facts);
}

function toList<Data>(rows: readonly Row[]): KeyedSession<Data>[] {
  return rows.map((row) => ({ key: String(row["key"]), session: toSession<Data>(row) }));
}

function toSession<Data>(row: Row): StoredSession<Data> {
  return {
    // What was written there is JSON of this type.
    data: JSON.parse(String(row["data"])) as Data,
    revision: Number(row["revision"]),
    createdAt: Number(row["created_at"]),
    lastSeenAt: Number(row["last_seen_at"]),
    expiresAt: Number(row["expires_at"]),
    endsAt: Number(row["ends_at"]),
    ...(row["user_id"] !== null && { userId: String(row["user_id"]) }),
    ...(row["facts"] !== null && { facts: JSON.parse(String(row["facts"])) as SessionFacts }),
  };
}
