// A strict program on harpiats/session alone: node's own http, data with a type, a store of its
// own, a schema of its own. It is compiled against the packed tarball, with and
// without @types/node.
import { Cookies, HarpiaError, MemoryStore, Session, type Store } from "harpiats/session";
import { MemoryStore as SameStore } from "harpiats/memory-store";

interface Account {
  userId: string;
  role?: "admin" | "editor";
  visits?: number;
}

const session = new Session<Account>({
  store: new MemoryStore({ maxSessions: 1000 }),
  cookieName: "__Host-id",
  absoluteTimeout: 3600,
});

export async function signIn(
  headers: { cookie?: string },
  response: { headers: Headers },
): Promise<string> {
  const before: Account | undefined = await session.fromRequest({ headers });
  const id: string = await session.create({ userId: before?.userId ?? "1" });
  session.setCookie(response, id, { sameSite: "strict", maxAge: 3600 });
  return id;
}

export async function promote(id: string | undefined): Promise<boolean> {
  await session.update(id, (data) => ({ visits: (data.visits ?? 0) + 1 }));
  return session.update(id, { role: "admin" });
}

export async function signOut(
  id: string | undefined,
  response: { headers: Headers },
): Promise<void> {
  const isEnded: boolean = await session.delete(id, response);
  if (!isEnded) new Cookies(undefined, response).delete("theme", { path: "/" });
}

// What a strict program must not get away with.
export async function mistakes(): Promise<void> {
  // @ts-expect-error: userId is missing
  await session.create({ role: "admin" });
  // @ts-expect-error: no such role
  await session.update("id", { role: "king" });
  // @ts-expect-error: the data may be undefined
  const user: string = (await session.get("id")).userId;
  // @ts-expect-error: no such option
  const misspelt = new Session({ cokieName: user });
  await misspelt.get(user);
}

// The seed's way: no type for the data, an id that may be missing, any three-method store.
class MapStore implements Store {
  readonly #texts = new Map<string, string>();

  async get(id: string): Promise<Record<string, unknown> | undefined> {
    const text = this.#texts.get(id);
    return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>);
  }

  async set(id: string, data: Record<string, unknown>): Promise<void> {
    this.#texts.set(id, JSON.stringify(data));
  }

  async delete(id: string): Promise<void> {
    this.#texts.delete(id);
  }
}

const untyped = new Session({ store: new MapStore() });
const simplest = new Session({ store: new SameStore() });
export const both: Session[] = [untyped, new Session({ store: new SameStore() })];

export async function readRole(id: string | undefined): Promise<string> {
  const { role } = (await untyped.get(id)) ?? {};
  // The seed's data is of unknown shape: a field of it is whatever the program takes it for.
  const taken: string = (await simplest.get(id))?.role;
  return typeof role === "string" ? role : taken;
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof HarpiaError ? error.code : undefined;
}
