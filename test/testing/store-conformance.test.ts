// The published conformance suite on the stores that need no server.
import { after, before, describe, it } from "node:test";
import { MemoryStore, type Store } from "../../src/session.ts";
import { storeConformance } from "../../src/testing.ts";

const runner = { describe, it, before, after };

storeConformance(runner, {
  name: "MemoryStore",
  open: async (clock) => ({ store: new MemoryStore({ clock }) }),
});

storeConformance(runner, {
  name: "a three-method store",
  contract: "Store",
  open: async () => {
    const texts = new Map<string, string>();
    const store: Store<Record<string, unknown>> = {
      async get(id) {
        const text = texts.get(id);
        return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>);
      },
      async set(id, data) {
        texts.set(id, JSON.stringify(data));
      },
      async delete(id) {
        texts.delete(id);
      },
    };
    return { store };
  },
});
