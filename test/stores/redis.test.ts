// RedisStore on a real redis-server: the contract with every client of one server, in one step and
// as if it were sharded.
import { after, before, describe, it } from "node:test";
import { storeConformance } from "../../src/testing.ts";
import { CLIENTS, openRedisStore } from "../support/redis-clients.ts";
import { type RedisServer, skipWithoutRedis, startRedisServer } from "../support/redis-server.ts";

const runner = { describe, it, before, after };

describe("RedisStore", { skip: skipWithoutRedis() }, () => {
  let server: RedisServer;
  before(async () => void (server = await startRedisServer()));
  after(() => server.stop());

  for (const [at, kind] of CLIENTS.entries()) {
    storeConformance(runner, {
      name: `RedisStore with ${kind.name}`,
      open: (clock) => openRedisStore(kind, server.port, { clock, prefix: `c${at}:` }),
    });
    storeConformance(runner, {
      name: `RedisStore with ${kind.name}, sharded`,
      open: (clock) =>
        openRedisStore(kind, server.port, { clock, prefix: `s${at}:`, sharded: true }),
    });
  }
});
