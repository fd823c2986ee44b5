// The races suite on SqliteStore, with every client that this runtime has, and several processes on
// one file.
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openSqliteStore, sqliteClients } from "../support/sqlite-clients.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { multiProcessSuite } from "./multi-process.ts";
import { raceSuite } from "./race-suite.ts";

const runner = { describe, it, before, after };

for (const client of await sqliteClients()) {
  raceSuite(runner, {
    name: `SqliteStore with ${client.name}`,
    open: (clock) => openSqliteStore(client, clock),
  });
}

describe("SqliteStore", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => void (folder = await temporaryFolder()));
  after(() => folder.remove());
  multiProcessSuite(runner, {
    name: "SqliteStore",
    opener: new URL(
      `../support/sqlite-clients.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`,
      import.meta.url,
    ),
    target: () => join(folder.path, "sessions.db"),
  });
});
