// A store that stands for one behind a network, for tests of the near cache: messages come when the
// test says so.
import {
  MemoryStore,
  Session,
  type SessionOptions,
  type SessionStore,
  type StoreChange,
} from "../../src/session.ts";
import { ManualClock } from "../../src/testing.ts";

export type Data = { userId?: string; n?: number; list?: number[] };

/**
 * A store that two processes share: reads are counted and may be held up, messages are delivered by
 * hand.
 */
export function setUp(options: SessionOptions<Data> = {}) {
  const clock = new ManualClock();
  const memory = new MemoryStore<Data>({ clock });
  const listeners = new Set<(change: StoreChange) => void>();
  const state = { reads: 0, gate: Promise.resolve() };
  // Everything but readSync, since it is not in this process.
  const store = new Proxy(memory, {
    has: (target, name) => name !== "readSync" && name in target,
    get(target, name) {
      if (name === "readSync") return undefined;
      if (name === "hearsOthers") return true;
      if (name === "read") {
        return async (keys: string[]) => {
          state.reads++;
          const found = await target.read(keys);
          await state.gate;
          return found;
        };
      }
      if (name === "subscribe")
        return async (listener: (change: StoreChange) => void) => (
          listeners.add(listener),
          async () => void listeners.delete(listener)
        );
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  }) as SessionStore<Data>;
  const open = (more: SessionOptions<Data> = {}): Session<Data> =>
    new Session<Data>({ store, clock, nearCache: {}, ...options, ...more });
  const tell = (change: StoreChange): void => listeners.forEach((listener) => listener(change));
  return {
    clock,
    store,
    state,
    tell,
    here: open(),
    elsewhere: open({ nearCache: undefined }),
    open,
    listeners,
  };
}

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
export const request = (id: string) => ({ headers: { cookie: `session_id=${id}` } });
