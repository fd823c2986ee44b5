// MariaDB through the pool of mysql2. Filled by one statement for each block of rows (its sequence engine), into the table with the index that migrate() made;
// id and key are derived by the server itself.
import mysql from "mysql2/promise";
import { MysqlStore } from "../../../dist/stores/mysql.js";
import { MOST, recordOf, WINDOW } from "../ids.js";

const TABLE = "sessions";
const BLOCK = 100_000;

export async function open({ connection, start, pool: connectionLimit = 10 }) {
  const client = mysql.createPool({ ...connection, connectionLimit });
  const store = new MysqlStore({ client, table: TABLE, pruneInterval: false });
  await store.migrate();
  const { lastSeenAt, expiresAt, endsAt } = recordOf({ user: "", createdAt: 0, start });
  const url64 = (bytes) =>
    `REPLACE(REPLACE(TRIM(TRAILING '=' FROM TO_BASE64(${bytes})), '+', '-'), '/', '_')`;
  const insertOf = (
    from,
    to,
  ) => `INSERT INTO ${TABLE} (session_key, version, user_id, user_text, data, facts, revision, created_at, last_seen_at, expires_at, ends_at, epoch)
    SELECT CONCAT(LPAD(LOWER(HEX(birth)), 8, '0'), '.', ${url64("UNHEX(SHA2(id, 256))")}), 1, CONCAT('user-', n), NULL,
      CONCAT('{"userId":"user-', n, '","role":"editor","name":"Ada Lovelace","signedInAt":', birth * 1000, '}'), NULL,
      1, birth * 1000, ${lastSeenAt}, ${expiresAt}, ${endsAt}, epoch
    FROM ${TABLE}_epoch, (SELECT n, birth, ${url64("UNHEX(CONCAT(LPAD(HEX(birth), 8, '0'), REPEAT('00', 16), LPAD(HEX(n), 8, '0')))")} AS id
      FROM (SELECT seq AS n, ${start - WINDOW} + seq * ${WINDOW} DIV ${MOST} AS birth FROM seq_${from}_to_${to}) AS births) AS ids`;
  return {
    store,
    async fill(from, to, isLate) {
      for (let at = from; at < to; at += BLOCK) {
        if (isLate()) throw new Error("late");
        await client.query(insertOf(at, Math.min(to, at + BLOCK) - 1));
      }
      await client.query(`ANALYZE TABLE ${TABLE}`);
    },
    bytes: async () =>
      Number(
        (
          await client.query(
            "SELECT FILE_SIZE AS bytes FROM information_schema.INNODB_SYS_TABLESPACES WHERE NAME = ?",
            [`harpiats/${TABLE}`],
          )
        )[0][0].bytes,
      ),
  };
}
