// RedisStore on a real redis-server: the contract with every client of one server.
import { after, before, describe, it } from "node:test";
import { storeConformance } from "../../src/testing.ts";
import { CLIENTS, openRedisStore } from "../support/redis-clients.ts";
import { type RedisServer, skipWithoutRedis, startRedisServer } from "../support/redis-server.ts";

const skip = skipWithoutRedis();

describe("RedisStore", { skip }, () => {
  let server: RedisServer;
  before(async () => void (server = await startRedisServer()));
  after(() => server.stop());

  for (const [at, kind] of CLIENTS.entries()) {
    storeConformance({ describe, it, before, after }, { name: `RedisStore with ${kind.name}`, open: (clock) => openRedisStore(kind, server.port, { clock, prefix: `c${at}:` }) });
    storeConformance(
      { describe, it, before, after },
      { name: `RedisStore with ${kind.name}, sharded`, open: (clock) => openRedisStore(kind, server.port, { clock, prefix: `s${at}:`, sharded: true }) },
    );
  }
});
