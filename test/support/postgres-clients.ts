// Opens a PostgresStore in each of several processes.
import { Pool } from "pg";
import { PostgresStore } from "../../src/stores/postgres.ts";
import type { OpenForProcess } from "../races/multi-process-worker.ts";

/** The target is the database's URL. Every process makes the table, at the same time. */
export const openForProcess: OpenForProcess = async (url) => {
  const client = new Pool({ connectionString: url });
  const store = new PostgresStore({ client, table: "of_processes", pruneInterval: false });
  await store.migrate();
  return { store, close: () => client.end() };
};
