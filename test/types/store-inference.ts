// A store made in the place where it is passed gives the Session its data, and says nothing where
// it was told nothing: then the schema says it, or whoever makes the Session.
import * as v from "valibot";
import { MemoryStore, Session, type SessionStore, type Store } from "../../src/session.ts";
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
  const untyped = [
    new Session({ store: new MemoryStore() }),
    new Session({ store: new SqliteStore({ client }) }),
  ];
  untyped.push(
    new Session({ store: new PostgresStore({ client: pool }) }),
    new Session({ store: new MysqlStore({ client: mysql }) }),
    new Session({ store: new RedisStore({ client: redis }) }),
  );
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

/** Made before the Session, as where a table is migrated first. */
declare const opened: SessionStore;
declare const plain: Store;
declare const typed: Store<Data>;
const untyped = new PostgresStore({ client: pool });

type Either = { kind: "anonymous" } | { kind: "known"; userId: string };
type Equal<A, B> = [A, B] extends [B, A] ? true : false;

export function whoSaysWhatTheDataIs(): void {
  for (const store of [untyped, opened, plain]) void new Session<Data>({ store });
  void new Session<Data>({ store: new RedisStore({ client: redis }) });
  void new Session<Either>({ store: opened });

  const either = new Session({ store: new MemoryStore<Either>() });
  const given = new Session({ store: typed });
  const inline = new Session<Data>({
    store: {
      get: async () => undefined,
      set: async (id, data) => void [id.length, data.userId],
      delete: async () => {},
    },
  });
  const seen: [
    Equal<DataOf<typeof either>, Either>,
    Equal<DataOf<typeof given>, Data>,
    Equal<DataOf<typeof inline>, Data>,
  ] = [true, true, true];

  const schema = v.object({
    userId: v.string(),
    role: v.optional(v.picklist(["member", "admin"]), "member"),
  });
  type Out = v.InferOutput<typeof schema>;
  const first = new Session({ schema, store: new RedisStore({ client: redis }) });
  const last = new Session({ store: untyped, schema });
  const ofUrl = new Session({ store: opened, schema, user: "userId" });
  const seed = new Session({ store: plain, schema });
  const schemas: [
    Equal<DataOf<typeof first>, Out>,
    Equal<DataOf<typeof last>, Out>,
    Equal<DataOf<typeof ofUrl>, Out>,
    Equal<DataOf<typeof seed>, Out>,
  ] = [true, true, true, true];
  void [seen, schemas];

  // @ts-expect-error: a store that was told other data
  void new Session<Data>({ store: new RedisStore<{ other: number }>({ client: redis }) });
  // @ts-expect-error: a store that was told other data than the schema
  void new Session({ store: new RedisStore<{ other: number }>({ client: redis }), schema });
  // @ts-expect-error: no store
  void new Session({ store: {} });
}

type DataOf<Of extends { get(id: string): unknown }> = NonNullable<Awaited<ReturnType<Of["get"]>>>;
