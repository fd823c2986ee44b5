// The near cache and the messages that it lives by: when they may be missing, before there are any,
// and after the last.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type StoreChange, StoreError } from "../../../src/session.ts";
import { setUp, turn } from "../../support/near-cache.ts";

describe("nearCache, listening,", () => {
  const arrivals: StoreChange[] = [{ type: "listening" }, { type: "changed", key: "another" }];
  for (const arrival of arrivals) {
    it(`keeps nothing while messages may be missing, until it hears ${arrival.type}`, async () => {
      const { here, tell, state } = setUp();
      const id = await here.create({ n: 1 });
      await here.get(id);
      tell({ type: "lost" });
      for (let times = 0; times < 3; times++) await here.get(id);
      assert.equal(state.reads, 4);
      // The connection is there again.
      tell({ type: "lost" });
      await here.get(id);
      assert.equal(state.reads, 5);
      // This process has found that by itself: nothing has arrived.
      tell({ type: "unreadable", key: "foreign" });
      for (let times = 0; times < 2; times++) await here.get(id);
      assert.equal(state.reads, 7);
      tell(arrival);
      for (let times = 0; times < 3; times++) await here.get(id);
      assert.equal(state.reads, 8);
    });
  }

  it("does not keep what was being read while messages may have been missed", async () => {
    const { here, tell, state } = setUp();
    const id = await here.create({ n: 1 });
    for (const told of ["before", "meanwhile"]) {
      let open = (): void => {};
      state.gate = new Promise((resolve) => (open = resolve));
      if (told === "before") tell({ type: "lost" });
      const reading = here.get(id);
      await turn();
      if (told === "meanwhile") tell({ type: "lost" });
      tell({ type: "listening" });
      open();
      await reading;
      state.reads = 0;
      await here.get(id);
      assert.equal(state.reads, 1, told);
      // Again as at first: nothing is kept, and messages arrive.
      tell({ type: "cleared" });
    }
  });

  it("keeps nothing before it hears messages, and nothing after close", async () => {
    const { here, state, listeners } = setUp();
    const id = await here.create({ n: 1 });
    await here.get(id);
    await here.close();
    assert.equal(listeners.size, 0);
    await here.get(id);
    await here.get(id);
    assert.equal(state.reads, 3);
  });

  it("keeps nothing after close, also where messages arrive until the subscription has ended", async () => {
    const { store, open, tell, state } = setUp();
    const talkative = new Proxy(store, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name !== "subscribe") return value;
        return async (listener: (change: StoreChange) => void) => {
          const end = await target.subscribe?.(listener);
          return async () => {
            for (const type of ["changed", "listening"] as const)
              tell(type === "changed" ? { type, key: "another" } : { type });
            await end?.();
          };
        };
      },
    });
    const here = open({ store: talkative });
    const id = await here.create({ n: 1 });
    await here.get(id);
    await here.close();
    state.reads = 0;
    for (let times = 0; times < 3; times++) await here.get(id);
    assert.equal(state.reads, 3);
  });

  it("begins when the store can be listened to, where it could not be at first, and tells of that once", async () => {
    const { clock, store, open, state, listeners } = setUp();
    let failures = 4;
    const subscribe = async (listener: (change: StoreChange) => void) => {
      if (failures-- > 0) throw new Error("not yet");
      return store.subscribe?.(listener);
    };
    const here = open({
      store: new Proxy(store, {
        get: (target, name) =>
          name === "subscribe" ? subscribe : (Reflect.get(target, name) as unknown),
      }),
    });
    // What tells events listens to the store as well, fails as the near cache does, tells of it,
    // and tries again.
    const told: Error[] = [];
    here.on("error", ({ error }) => told.push(error));
    const id = await here.create({ n: 1 });
    for (const reads of [3, 3, 1]) {
      state.reads = 0;
      for (let times = 0; times < 3; times++) await here.get(id);
      assert.equal(state.reads, reads);
      clock.advance(5000);
      await turn();
    }
    await here.close();
    // The one that setUp opened.
    assert.deepEqual([told.length, listeners.size], [2, 1]);
  });

  it("tries no more to listen once it is closed, or where the store cannot do it", async () => {
    const unsupported = new StoreError("ERR_STORE_UNSUPPORTED", "Cannot listen", {
      store: "A",
      operation: "subscribe",
    });
    for (const [error, isClosed] of [
      [new Error("not yet"), true],
      [unsupported, false],
    ] as const) {
      const { clock, store, open } = setUp();
      let tries = 0;
      const refuse = async (): Promise<never> => {
        tries++;
        throw error;
      };
      const here = open({
        store: new Proxy(store, {
          get: (target, name) =>
            name === "subscribe" ? refuse : (Reflect.get(target, name) as unknown),
        }),
      });
      await turn();
      if (isClosed) await here.close();
      clock.advance(60_000);
      assert.equal(tries, 1);
    }
  });
});
