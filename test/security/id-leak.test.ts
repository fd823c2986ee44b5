// No id in an error, an event, a list, JSON, a log or a warning: the cookie alone carries it.
// V3.3.4, V16.2.5; CVE-2023-20866.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import {
  MemoryStore,
  Session,
  type SessionEvents,
  type SessionStore,
  type Store,
  toSessionStore,
} from "../../src/session.ts";
import { ManualClock } from "../../src/testing.ts";

interface Visitor {
  userId?: string;
  cart?: unknown;
}

const EVENTS: (keyof SessionEvents)[] = [
  "created",
  "updated",
  "rotated",
  "ended",
  "revoked",
  "refused",
  "unreadable",
  "error",
];
const SHOW = { depth: 12, showHidden: true, maxArrayLength: null, maxStringLength: null } as const;

/** What would be seen of a value in a log, in JSON or in a debugger. */
function shown(value: unknown): string {
  const parts = [inspect(value, SHOW), String(value)];
  if (value instanceof Error)
    parts.push(value.message, String(value.stack), inspect(value.cause, SHOW));
  try {
    parts.push(JSON.stringify(value) ?? "");
  } catch {
    // No JSON of it: nothing to see there.
  }
  return parts.join("\n");
}

/** Everything that is written to the terminal meanwhile, and every warning. */
async function captured(act: () => Promise<void>): Promise<string> {
  const written: string[] = [];
  const restore = [process.stdout, process.stderr].map((stream) => {
    const { write } = stream;
    stream.write = ((chunk: Uint8Array | string, ...rest: unknown[]) => {
      written.push(String(chunk));
      return Reflect.apply(write, stream, [chunk, ...rest]) as boolean;
    }) as typeof stream.write;
    return () => void (stream.write = write);
  });
  const onWarning = (warning: Error): void => void written.push(shown(warning));
  process.on("warning", onWarning);
  try {
    await act();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    for (const undo of restore) undo();
    process.off("warning", onWarning);
  }
  return written.join("");
}

/** A store whose driver fails when it is told to, without naming what it was asked for. */
function failing<Inner extends object>(inner: Inner, state: { fails: boolean }): Inner {
  return new Proxy(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function" || name === "constructor") return value;
      return (...args: unknown[]): unknown => {
        if (state.fails && name !== "subscribe") throw new Error("of the driver");
        return Reflect.apply(value, target, args);
      };
    },
  });
}

const textStore = (): Store<Visitor> => {
  const kept = new Map<string, Visitor>();
  return {
    get: async (id) => kept.get(id),
    set: async (id, data) => void kept.set(id, data),
    delete: async (id) => void kept.delete(id),
  };
};

const STORES: [string, (clock: ManualClock) => Store<Visitor> | SessionStore<Visitor>][] = [
  ["MemoryStore", (clock) => new MemoryStore<Visitor>({ clock, maxSessions: 40 })],
  ["a three-method store", textStore],
  ["a three-method store, wrapped", () => toSessionStore(textStore())],
];

for (const [name, open] of STORES) {
  it(`no id is seen anywhere in a life with ${name}, while all goes well and while it does not`, async () => {
    const clock = new ManualClock();
    const state = { fails: false };
    const ids = new Set<string>();
    const seen: string[] = [];
    const session = new Session<Visitor>({ clock, store: failing(open(clock), state) });
    for (const event of EVENTS) session.on(event, (told) => seen.push(shown(told)));

    const attempt = async (act: () => unknown): Promise<unknown> => {
      try {
        return await act();
      } catch (error) {
        seen.push(shown(error));
        return undefined;
      }
    };
    const live = async (): Promise<void> => {
      const cycle: { self?: unknown } = {};
      cycle.self = cycle;
      for (let n = 0; n < 30; n++) {
        const id =
          (await attempt(() => session.create({ userId: `user-${n % 3}` }))) ??
          [...ids][n % Math.max(ids.size, 1)] ??
          "";
        ids.add(String(id));
        const cookie = `session_id=${String(id)}`;
        const request = session.open({ headers: { cookie } });
        const headers = new Headers();
        const acts = [
          () => session.get(String(id)),
          () => session.fromRequest({ headers: { cookie } }),
          () =>
            session.fromRequest({ headers: { cookie: `${cookie}; session_id=${[...ids][0]}` } }),
          () => session.fromRequest({ cookie } as unknown as Headers),
          () => session.update(String(id), { cart: n }),
          () => session.update(String(id), { userId: "other" }),
          () => session.update(String(id), { cart: cycle }),
          () =>
            session.update(String(id), () => {
              throw new Error("of the application");
            }),
          () => session.deadlines(String(id)),
          () =>
            session
              .list(`user-${n % 3}`, { current: String(id) })
              .then((list) => seen.push(shown(list))),
          () => session.requireFresh(String(id), 60),
          () => session.setCookie({} as Headers, String(id)),
          () => session.setCookie(headers, String(id).repeat(200)),
          () => session.setCookie(headers, String(id), { path: "no path" }),
          () => request.data.then((data) => seen.push(shown(data))),
          () => (request.set("cart", n), request.commit()),
          () => session.rotate(String(id)).then((next) => next && ids.add(next)),
          () => (n % 2 === 0 ? session.delete([...ids].at(-1)) : undefined),
          () => (n % 10 === 0 ? session.revokeAll("user-1", { except: [...ids] }) : undefined),
        ];
        for (const act of acts) await attempt(act);
        seen.push(shown(request), shown(session));
        clock.advance(n * 600_000);
      }
    };
    const output = await captured(async () => {
      await live();
      state.fails = true;
      await live();
    });
    ids.delete("");
    assert.ok(ids.size >= 50 && seen.length > 300, `${ids.size} ids, ${seen.length} things seen`);
    const all = seen.join("\n") + output;
    for (const id of ids)
      assert.ok(
        !all.includes(id),
        `an id is in: ${seen.find((text) => text.includes(id))?.slice(0, 300)}`,
      );
  });
}

describe("An id", () => {
  it("leaves by Set-Cookie alone", async () => {
    const session = new Session();
    const id = await session.create({ userId: "123" });
    const headers = new Headers();
    session.setCookie(headers, id);
    const carrying = [...headers]
      .filter(([, value]) => value.includes(id))
      .map(([header]) => header);
    assert.deepEqual(carrying, ["set-cookie"]);
    assert.match(headers.get("set-cookie") ?? "", /; HttpOnly/);
  });
});
