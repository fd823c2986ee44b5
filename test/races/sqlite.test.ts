// The races suite on SqliteStore, with every client that this runtime has.
import { after, before, describe, it } from "node:test";
import { openSqliteStore, sqliteClients } from "../support/sqlite-clients.ts";
import { raceSuite } from "./race-suite.ts";

for (const client of await sqliteClients()) {
  raceSuite({ describe, it, before, after }, { name: `SqliteStore with ${client.name}`, open: (clock) => openSqliteStore(client, clock) });
}
