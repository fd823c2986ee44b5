// A store made in the place where it is passed gives the Session its data, and says nothing where it was told nothing.
import { MemoryStore, Session } from "../../src/session.ts";
import { type MysqlPool, MysqlStore } from "../../src/stores/mysql.ts";
import { type PgPool, PostgresStore } from "../../src/stores/postgres.ts";
import { type RedisClient, RedisStore } from "../../src/stores/redis.ts";
import { type SqliteClient, SqliteStore } from "../../src/stores/sqlite.ts";

declare const client: SqliteClient;
declare const pool: PgPool;
declare const mysql: MysqlPool;
declare const redis: RedisClient;

interface Data {
  userId: string;
}

export async function inference(): Promise<(string | undefined)[]> {
  const untyped = [new Session({ store: new MemoryStore() }), new Session({ store: new SqliteStore({ client }) })];
  untyped.push(new Session({ store: new PostgresStore({ client: pool }) }), new Session({ store: new MysqlStore({ client: mysql }) }), new Session({ store: new RedisStore({ client: redis }) }));
  for (const session of untyped) await session.create({ anything: 1 });
  const typed = [
    new Session({ store: new MemoryStore<Data>() }),
    new Session({ store: new SqliteStore<Data>({ client }) }),
    new Session<Data>({ store: new SqliteStore({ client }) }),
  ];
  // @ts-expect-error the data has no such field
  await typed[0]?.create({ anything: 1 });
  return Promise.all(typed.map(async (session) => (await session.get("id"))?.userId));
}
