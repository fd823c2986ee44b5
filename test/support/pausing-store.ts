// A store whose calls can be stopped before or after their work, as a slow network would, and let
// go later.
import type { SessionStore } from "../../src/session.ts";

export interface PausingStore<Data> {
  store: SessionStore<Data>;
  /** Stops the next call of a method. @returns when it has been stopped, and what lets it go. */
  pause(method: string, when: "before" | "after"): { reached: Promise<void>; go(): void };
}

export function pauseCalls<Data>(inner: SessionStore<Data>): PausingStore<Data> {
  const gates = new Map<
    string,
    { when: "before" | "after"; reached(): void; open: Promise<void> }
  >();
  const store = new Proxy(inner, {
    get(target, name) {
      // What answers at once cannot be stopped.
      if (name === "readSync") return undefined;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function" || name === "constructor") return value;
      return async (...args: unknown[]): Promise<unknown> => {
        const gate = gates.get(String(name));
        gates.delete(String(name));
        const stop = async (when: string): Promise<void> => {
          if (gate?.when !== when) return;
          gate.reached();
          await gate.open;
        };
        await stop("before");
        const result: unknown = await Reflect.apply(value, target, args);
        await stop("after");
        return result;
      };
    },
  });
  return {
    store,
    pause(method, when) {
      let go = (): void => {};
      let isReached = (): void => {};
      const open = new Promise<void>((resolve) => (go = resolve));
      const reached = new Promise<void>((resolve) => (isReached = resolve));
      gates.set(method, { when, reached: isReached, open });
      return { reached, go };
    },
  };
}
