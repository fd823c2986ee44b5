// The races suite on PGlite, which runs one statement after another. A file of its own: it is slow,
// and others run beside it.
import { after, before, describe, it } from "node:test";
import { PGlite } from "@electric-sql/pglite";
import { PostgresStore } from "../../src/stores/postgres.ts";
import { pairsOfMost, raceSuite } from "./race-suite.ts";

raceSuite(
  { describe, it, before, after },
  {
    name: "PostgresStore with PGlite",
    async open(clock) {
      const client = await PGlite.create();
      const store = new PostgresStore({ client, clock, pruneInterval: false });
      await store.migrate();
      return { store, close: () => client.close() };
    },
  },
  pairsOfMost(),
);
