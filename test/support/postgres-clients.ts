// Opens a PostgresStore in each of several processes.
import { Pool } from "pg";
import { PostgresStore } from "../../src/stores/postgres.ts";
import type { OpenForProcess } from "../races/multi-process-worker.ts";

/**
 * The target is the database's URL, with `#notify` where changes are told. Every process makes the
 * table, at the same time.
 */
export const openForProcess: OpenForProcess = async (target) => {
  const [url, notify] = target.split("#");
  const client = new Pool({ connectionString: url });
  // Without a listener an idle connection that is lost would end the process.
  client.on("error", () => {});
  const store = new PostgresStore({
    client,
    table: "of_processes",
    notify: notify !== undefined,
    pruneInterval: false,
  });
  await store.migrate();
  return { store, close: () => client.end() };
};
