// MemoryStore: filled by its own `create`, since there is nothing else. Needs --expose-gc to know
// its bytes.
import { MemoryStore } from "../../../dist/session.js";
import { birthOf, keyOf, recordOf } from "../ids.js";

const AT_ONCE = 1000;

export async function open({ start }) {
  const store = new MemoryStore({ maxSessions: 4_000_000 });
  const empty = bytes();
  return {
    store,
    async fill(from, to) {
      for (let number = from; number < to; number++) {
        const done = store.create(
          keyOf(number, start),
          recordOf({ user: `user-${number}`, createdAt: birthOf(number, start) * 1000, start }),
        );
        if (number % AT_ONCE === 0) await done;
      }
    },
    bytes: () => bytes() - empty,
  };
}

function bytes() {
  for (let turn = 0; turn < 4; turn++) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
