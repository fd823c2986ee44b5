// PostgreSQL through the pool of pg. Filled by one statement for each block of rows (generate_series), into the table with the indexes that migrate() made;
// id and key are derived by the server itself.
import pg from "pg";
import { PostgresStore } from "../../../dist/stores/postgres.js";
import { MOST, recordOf, WINDOW } from "../ids.js";

const TABLE = "sessions";
const BLOCK = 100_000;

export async function open({ url, start, pool: max = 10 }) {
  const client = new pg.Pool({ connectionString: url, max });
  const store = new PostgresStore({ client, table: TABLE, pruneInterval: false });
  await store.migrate();
  const { lastSeenAt, expiresAt, endsAt } = recordOf({ user: "", createdAt: 0, start });
  const url64 = (text) => `translate(rtrim(encode(${text}, 'base64'), '='), '+/', '-_')`;
  const insert = `INSERT INTO ${TABLE} (key, user_id, data, revision, created_at, last_seen_at, expires_at, ends_at, epoch, version)
    SELECT lpad(to_hex(birth), 8, '0') || '.' || ${url64("sha256(convert_to(id, 'UTF8'))")}, 'user-' || n,
      jsonb_build_object('userId', 'user-' || n, 'role', 'editor', 'name', 'Ada Lovelace', 'signedInAt', birth * 1000),
      1, birth * 1000, ${lastSeenAt}, ${expiresAt}, ${endsAt}, epoch, 1
    FROM ${TABLE}_epoch, (SELECT n, birth, ${url64("decode(lpad(to_hex(birth), 8, '0') || repeat('00', 16) || lpad(to_hex(n), 8, '0'), 'hex')")} AS id
      FROM (SELECT n, ${start - WINDOW} + n * ${WINDOW} / ${MOST} AS birth FROM generate_series($1::bigint, $2::bigint) n) AS births) AS ids`;
  return {
    store,
    async fill(from, to, isLate) {
      const one = await client.connect();
      try {
        // What is lost in a crash is made again: nobody waits for the disk.
        await one.query("SET synchronous_commit = off");
        for (let at = from; at < to; at += BLOCK) {
          if (isLate()) throw new Error("late");
          await one.query(insert, [at, Math.min(to, at + BLOCK) - 1]);
        }
        await one.query("SET synchronous_commit = on");
        // What an hour of autovacuum would do: not in the middle of what is measured.
        await one.query(`VACUUM (ANALYZE) ${TABLE}`);
        await one.query("CHECKPOINT");
      } finally {
        one.release();
      }
    },
    bytes: async () =>
      Number(
        (await client.query(`SELECT pg_total_relation_size('${TABLE}') AS bytes`)).rows[0].bytes,
      ),
  };
}
