// MysqlStore on a real MariaDB, with pools and connections of mysql2: the contract.
import { after, before, describe, it } from "node:test";
import { createPool as createCallbackPool } from "mysql2";
import { createConnection, createPool } from "mysql2/promise";
import { MysqlStore } from "../../src/stores/mysql.ts";
import { storeConformance } from "../../src/testing.ts";
import {
  type MariadbServer,
  skipWithoutMariadb,
  startMariadbServer,
} from "../support/mariadb-server.ts";

const runner = { describe, it, before, after };

describe("MysqlStore", { skip: skipWithoutMariadb() }, () => {
  let server: MariadbServer;
  before(async () => void (server = await startMariadbServer()));
  after(() => server.stop());

  storeConformance(runner, {
    name: "MysqlStore with a pool of mysql2",
    async open(clock) {
      const client = createPool(server.connection);
      const store = await migrated(new MysqlStore({ client, clock, table: "by_pool" }));
      return { store, close: () => Promise.all([store.close(), client.end()]) };
    },
  });

  storeConformance(runner, {
    name: "MysqlStore with a callback pool that changes everything it can",
    async open(clock) {
      const client = createCallbackPool({
        ...server.connection,
        charset: "latin1",
        timezone: "+14:00",
        flags: ["-FOUND_ROWS"],
        rowsAsArray: false,
        nestTables: true,
        namedPlaceholders: true,
        supportBigNumbers: true,
        bigNumberStrings: true,
        dateStrings: true,
        typeCast: () => "changed",
      });
      // The last is MariaDB's alone.
      const modes =
        "CONCAT('ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,PIPES_AS_CONCAT,HIGH_NOT_PRECEDENCE' /*M! , ',EMPTY_STRING_IS_NULL' */)";
      client.on("connection", (connection) =>
        connection.query(`SET SESSION sql_mode = ${modes}, time_zone = '+05:30'`),
      );
      const store = await migrated(
        new MysqlStore({ client, clock, table: "harpiats.by_callbacks", pruneInterval: false }),
      );
      return { store, close: () => client.promise().end() };
    },
  });

  storeConformance(runner, {
    name: "MysqlStore with one connection of mysql2",
    async open(clock) {
      const client = await createConnection({ ...server.connection, charset: "gbk" });
      const store = await migrated(
        new MysqlStore({ client, clock, table: "by_connection", pruneInterval: false }),
      );
      return { store, close: () => client.end() };
    },
  });
});

async function migrated<T extends MysqlStore>(store: T): Promise<T> {
  await store.migrate();
  return store;
}
