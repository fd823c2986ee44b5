// Measures what docs/stores/encrypted.md says in numbers and writes docs/measured/encrypted.json:
// what encryption adds to reading, creating, changing and rotating a session, and to its size. On
// MemoryStore, so that it is nothing but that. Takes about ten seconds.
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { arch, cpus, platform, totalmem } from "node:os";
import { IdMaker, toStoreKey } from "../src/core/ids/session-id.ts";
import { MemoryStore, type SessionStore } from "../src/session.ts";
import { EncryptedStore } from "../src/stores/encrypted.ts";

type Fields = Record<string, unknown>;

const SESSIONS = 1000;
const ROUNDS = 7;
const PER_ROUND = 1000;
const FILE = "docs/measured/encrypted.json";

const LOGIN = {
  userId: "4f1c2a5e-8b1d-4c60-9a57-1f0f3d0f5c11",
  role: "editor",
  locale: "en-GB",
  signedInAt: "2026-01-01T00:00:00.000Z",
};
const SHAPES: Record<string, Fields> = {
  anonymous: { locale: "en-GB" },
  login: LOGIN,
  "login and 1 KB": {
    ...LOGIN,
    cart: Array.from({ length: 32 }, (_, n) => `article-${n}-${"x".repeat(20)}`),
  },
};

const ids = new IdMaker();
const newKey = (): string => toStoreKey(ids.make(Math.floor(Date.now() / 1000)));
const shapes = [];
for (const [shape, data] of Object.entries(SHAPES))
  shapes.push({ shape, ...(await measure(data)) });
const measured = {
  about:
    "Written by tools/measure-encrypted.ts. Processor time of the process per operation in microseconds, the median of rounds, plain beside encrypted, on MemoryStore. Bytes are of data and facts as JSON.",
  date: new Date().toISOString().slice(0, 10),
  machine: `${platform()} ${arch()}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB`,
  node: process.versions.node,
  shapes,
};
mkdirSync("docs/measured", { recursive: true });
writeFileSync(FILE, `${JSON.stringify(measured, undefined, 2)}\n`);
process.stdout.write(`${JSON.stringify(measured, undefined, 2)}\n`);

async function measure(data: Fields) {
  const memory = new MemoryStore<Fields>();
  const stores = {
    plain: new MemoryStore<Fields>() as SessionStore<Fields>,
    encrypted: new EncryptedStore<Fields>(memory, { keys: [randomBytes(32)] }),
  };
  const entries = Object.entries(stores);
  const keys = new Map<SessionStore<Fields>, string[]>();
  for (const [, store] of entries) {
    const own = Array.from({ length: SESSIONS }, newKey);
    for (const key of own) await create(store, key, data);
    keys.set(store, own);
  }
  const keyOf = (store: SessionStore<Fields>, n: number): string =>
    keys.get(store)?.[n % SESSIONS] as string;
  const operations: Record<string, (store: SessionStore<Fields>, n: number) => unknown> = {
    read: (store, n) => store.readSync?.(keyOf(store, n)),
    create: (store) => create(store, newKey(), data),
    change: (store, n) => store.patch(keyOf(store, n), { set: { locale: `l${n}` } }),
    rotate: async (store, n) => {
      const next = newKey();
      await store.move(keyOf(store, n), next);
      (keys.get(store) as string[])[n % SESSIONS] = next;
    },
  };
  const microseconds: Record<string, Record<string, number>> = {};
  for (const [operation, run] of Object.entries(operations)) {
    const samples: Record<string, number[]> = { plain: [], encrypted: [] };
    for (let round = 0; round < ROUNDS; round++)
      for (const [name, store] of entries) samples[name]?.push(await cost(store, run));
    microseconds[operation] = Object.fromEntries(
      Object.entries(samples).map(([name, list]) => [
        name,
        Math.round((list.sort((a, b) => a - b)[ROUNDS >> 1] as number) * 10) / 10,
      ]),
    );
  }
  const sizes = await Promise.all(
    [stores.plain, memory].map(async (store) => {
      const key = newKey();
      await create(store === memory ? stores.encrypted : store, key, data);
      const [stored] = await store.read([key]);
      return JSON.stringify([stored?.data, stored?.facts]).length;
    }),
  );
  return { microseconds, bytes: { plain: sizes[0], encrypted: sizes[1] } };
}

async function cost(
  store: SessionStore<Fields>,
  run: (store: SessionStore<Fields>, n: number) => unknown,
): Promise<number> {
  const before = process.cpuUsage();
  for (let n = 0; n < PER_ROUND; n++) await run(store, n);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / PER_ROUND;
}

function create(store: SessionStore<Fields>, key: string, data: Fields): Promise<unknown> {
  const now = Date.now();
  const { userId } = data;
  return store.create(key, {
    data,
    createdAt: now,
    lastSeenAt: now,
    expiresAt: now + 86_400_000,
    endsAt: now + 2_592_000_000,
    ...(typeof userId === "string" && { userId }),
    facts: { authenticatedAt: now },
  });
}
