// SqliteStore on real database files, with every client that this runtime has.
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { SqliteStore } from "../../src/stores/sqlite.ts";
import { storeConformance } from "../../src/testing.ts";
import { sqliteClients, temporaryFolder } from "../support/sqlite-clients.ts";

const runner = { describe, it, before, after };
const clients = await sqliteClients();

for (const { name, open } of clients) {
  storeConformance(runner, {
    name: `SqliteStore with ${name}`,
    open: async (clock) => {
      const folder = await temporaryFolder();
      const client = open(join(folder.path, "sessions.db"));
      const store = new SqliteStore<Record<string, unknown>>({ client, clock });
      await store.migrate();
      return {
        store,
        async close() {
          await store.close();
          client.close();
          await folder.remove();
        },
      };
    },
  });
}
