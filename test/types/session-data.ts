// What Session infers of its data. Compiled and never run: `npm run check:types` is the test.
import * as v from "valibot";
import {
  type Changes,
  MemoryStore,
  Session,
  type SessionOptions,
  type SessionStore,
  type StandardSchema,
  type Store,
  toSessionStore,
} from "../../src/session.ts";

interface Visitor {
  userId: string;
  role?: "user" | "admin";
  visits: number;
}

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
const isSame = <A, B>(_same: Same<A, B>): void => {};

/** Without a type the data is of unknown shape, as in the seed. */
export async function ofUnknownShape(id: string | undefined): Promise<void> {
  const session = new Session();
  const made: string = await session.create({ userId: "123", anything: [1, { deep: true }] });
  const found = await session.get(made);
  const role: string = found?.role;
  const updated: boolean = await session.update(id, { role: "admin" });
  await session.delete(id);
  void [role, updated];
}

/** With a type, it holds everywhere. */
export async function ofOneType(id: string): Promise<void> {
  const session = new Session<Visitor>();
  await session.create({ userId: "123", visits: 0 });
  const found = await session.get(id);
  isSame<typeof found, Visitor | undefined>(true);
  const seen = await session.fromRequest(new Headers());
  isSame<typeof seen, Visitor | undefined>(true);
  await session.update(id, { role: "admin" });
  await session.update(id, { role: undefined });
  await session.update(id, ({ visits }) => ({ visits: visits + 1 }));
  await session.update(id, async () => undefined);
  // @ts-expect-error a field is missing
  await session.create({ userId: "123" });
  // @ts-expect-error there is no such field
  await session.create({ userId: "123", visits: 0, admin: true });
  // @ts-expect-error there is no such role
  await session.update(id, { role: "owner" });
  // @ts-expect-error visits are counted
  await session.update(id, ({ visits }) => ({ visits: String(visits) }));
  // @ts-expect-error there is no such field
  await session.update(id, { visit: 1 });
  // @ts-expect-error data may be missing
  found.userId.toUpperCase();
  const changes: Changes<Visitor> = { visits: undefined };
  void changes;
}

/** A store gives its type to the session, and the other way round. */
export async function ofAStore(): Promise<void> {
  const typed = new Session({ store: new MemoryStore<Visitor>() });
  isSame<typeof typed, Session<Visitor, Visitor>>(true);
  const plain: Store<Visitor> = {
    get: async () => undefined,
    set: async () => {},
    delete: async () => {},
  };
  const whole: SessionStore<Visitor> = toSessionStore(plain);
  const sessions: Session<Visitor>[] = [
    new Session({ store: plain }),
    new Session({ store: whole }),
    new Session<Visitor>({ store: new MemoryStore() }),
  ];
  // @ts-expect-error a store of numbers is none of visitors
  sessions.push(new Session<Visitor>({ store: new MemoryStore<{ userId: number }>() }));
  const bare: Store = {
    async get(id) {
      const text: string = id;
      return text ? (JSON.parse(text) as Record<string, unknown>) : undefined;
    },
    async set(id, data) {
      void [id.length, JSON.stringify(data)];
    },
    async delete(id) {
      void id.length;
    },
  };
  await new Session({ store: bare }).create({ anything: 1 });
  // @ts-expect-error it cannot delete
  const short: Store = { get: bare.get, set: bare.set };
  void short;
}

/** A schema gives what goes in and what comes out. */
export async function ofASchema(
  id: string,
  own: StandardSchema<{ userId: string; visits?: number }, Visitor>,
): Promise<void> {
  const session = new Session({ schema: own });
  isSame<typeof session, Session<Visitor, { userId: string; visits?: number }>>(true);
  await session.create({ userId: "123" });
  // @ts-expect-error the user is missing
  await session.create({ visits: 1 });
  const visits: number | undefined = (await session.get(id))?.visits;
  const library = new Session({
    schema: v.object({
      userId: v.string(),
      role: v.optional(v.picklist(["user", "admin"]), "user"),
    }),
  });
  await library.create({ userId: "123" });
  const role: "user" | "admin" | undefined = (await library.get(id))?.role;
  // @ts-expect-error there is no such role
  await library.create({ userId: "123", role: "owner" });
  void [visits, role];
}

export function options(): SessionOptions<Visitor>[] {
  return [
    { user: "userId" },
    { user: ({ userId }) => userId },
    { maxPerUser: { limit: 3, onLimit: "deny" } },
    { idleTimeout: false },
    // @ts-expect-error what happens at the cap must be said (ASVS V7.1.2)
    { maxPerUser: { limit: 3 } },
    // @ts-expect-error there is no such field
    { user: "user" },
    // @ts-expect-error there is always an absolute limit
    { absoluteTimeout: false },
    // @ts-expect-error there is no such option
    { secret: "x" },
  ];
}
