// What the bridges take is what other people's packages make, without a cast. Compiled, never run.
// Keyv 6 is not among the project's packages: test/stores/keyv.test.ts runs with it.
import type { RedisStore } from "connect-redis";
import expressSession from "express-session";
import { Keyv } from "keyv";
import makeMemoryStore from "memorystore";
import { createStorage } from "unstorage";
import { MemoryStore, Session } from "../../src/session.ts";
import {
  type ConnectStore,
  ExpressSessionStore,
  toExpressStore,
} from "../../src/stores/express-session.ts";
import { type KeyvClient, KeyvStore } from "../../src/stores/keyv.ts";
import { type UnstorageClient, UnstorageStore } from "../../src/stores/unstorage.ts";

interface Data {
  userId: string;
}

declare const store: expressSession.Store;
declare const redisStore: RedisStore;
declare const typedStorage: ReturnType<typeof createStorage<string>>;

export const storages: UnstorageClient[] = [createStorage(), typedStorage];

export const keyvs: KeyvClient[] = [new Keyv(), new Keyv<string>()];

export const connectStores: ConnectStore[] = [
  store,
  redisStore,
  new (makeMemoryStore(expressSession))({}),
  new expressSession.MemoryStore(),
];

export const sessions = [
  new Session<Data>({ store: new UnstorageStore({ storage: createStorage() }) }),
  new Session({ store: new KeyvStore<Data>({ keyv: new Keyv({ throwOnErrors: true }) }) }),
  new Session({ store: new ExpressSessionStore<Data>({ store }) }),
];

export const untyped = [
  new Session({ store: new UnstorageStore({ storage: createStorage() }) }),
  new Session({ store: new ExpressSessionStore({ store }) }),
];

const made = toExpressStore(new MemoryStore(), { Store: expressSession.Store });
export const middleware = [
  expressSession({ secret: "s", store: made, genid: made.genid }),
  expressSession({
    secret: "s",
    store: toExpressStore(new MemoryStore<Data>(), { Store: expressSession.Store }),
  }),
];

// @ts-expect-error a store with get, set and delete alone is not enough
export const plain = toExpressStore(new UnstorageStore({ storage: createStorage() }), {
  Store: expressSession.Store,
});

// @ts-expect-error a Map is no Keyv
export const map = new KeyvStore({ keyv: new Map() });
