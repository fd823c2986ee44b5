// MariaDB through the pool of mysql2 (10 connections, as it comes). Every reader reads the same
// rows: those that MysqlStore wrote.
import mysql from "mysql2/promise";
import { Session } from "../../../dist/session.js";
import { MysqlStore } from "../../../dist/stores/mysql.js";
import { signIn } from "./harpiats.js";

export async function setUp({ connection, name, reader }) {
  const pool = mysql.createPool(connection);
  const store = new MysqlStore({ client: pool, table: name, pruneInterval: false });
  await store.migrate();
  // A request a minute writes its activity too: here every read is within that minute, however long
  // the run takes.
  const session = new Session({ store, touchInterval: 3600 });
  const requests = await signIn(session);
  if (reader === "session")
    return {
      read: (number) => session.fromRequest(requests[number]),
      userOf: ({ userId }) => userId,
    };
  const [rows] = await pool.query(
    `SELECT session_key FROM ${name} ORDER BY JSON_VALUE(data, '$.signedInAt')`,
  );
  const keys = rows.map(({ session_key: key }) => key);
  const sql = `SELECT data, expires_at FROM ${name} WHERE session_key = ?`;
  return {
    read: async (number) =>
      (await pool.execute({ sql, rowsAsArray: true }, [keys[number]]))[0][0][0],
    userOf: (text) => JSON.parse(text).userId,
  };
}
