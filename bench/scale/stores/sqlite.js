// A SQLite file through node:sqlite. Filled by prepared inserts of the rows that SqliteStore
// writes, a transaction for each block, without waiting for the disk.
import { DatabaseSync } from "node:sqlite";
import { SqliteStore } from "../../../dist/stores/sqlite.js";
import { birthOf, keyOf, recordOf } from "../ids.js";

const TABLE = "harpiats_sessions";
const BLOCK = 100_000;

export async function open({ path, start }) {
  const client = new DatabaseSync(path);
  const store = new SqliteStore({ client, pruneInterval: false, busyTimeout: 30 });
  await store.migrate();
  return {
    store,
    async fill(from, to, isLate) {
      const insert = client.prepare(
        `INSERT INTO ${TABLE} (key, version, data, revision, created_at, last_seen_at, expires_at, ends_at, user_id, facts) VALUES (?, 1, ?, 1, ?, ?, ?, ?, ?, NULL)`,
      );
      client.exec("PRAGMA synchronous = OFF");
      client.exec("PRAGMA cache_size = -262144");
      for (let at = from; at < to; at += BLOCK) {
        if (isLate()) throw new Error("late");
        client.exec("BEGIN IMMEDIATE");
        for (let number = at; number < Math.min(to, at + BLOCK); number++) {
          const { data, createdAt, lastSeenAt, expiresAt, endsAt, userId } = recordOf({
            user: `user-${number}`,
            createdAt: birthOf(number, start) * 1000,
            start,
          });
          insert.run(
            keyOf(number, start),
            JSON.stringify(data),
            createdAt,
            lastSeenAt,
            expiresAt,
            endsAt,
            userId,
          );
        }
        client.exec("COMMIT");
      }
      client.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      // As the store sets it, and as it comes.
      client.exec("PRAGMA synchronous = FULL");
      client.exec("PRAGMA cache_size = -2000");
    },
    bytes: () =>
      client
        .prepare("SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size")
        .get().bytes,
  };
}
