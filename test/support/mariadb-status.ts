// What a real MariaDB says of itself.
import type { Pool, RowDataPacket } from "mysql2/promise";

/** A number of the server's status, by its name. */
export async function statusOf(watcher: Pool, name: string): Promise<number> {
  const [rows] = await watcher.query<RowDataPacket[]>(`SHOW GLOBAL STATUS LIKE '${name}'`);
  return Number(rows[0]?.["Value"]);
}

/**
 * How many statements the server is asked to run. The work is done twice: preparing, once for each
 * connection, is not counted among the questions.
 */
export async function roundTrips(watcher: Pool, work: () => Promise<unknown>): Promise<number> {
  await work();
  const earlier = await statusOf(watcher, "Questions");
  await work();
  // Less the question itself.
  return (await statusOf(watcher, "Questions")) - earlier - 1;
}
