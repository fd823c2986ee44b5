// MemoryStore as part of a process: it keeps nothing alive, and nothing keeps it.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runAlone } from "../../support/run-alone.ts";

describe("MemoryStore in a process", () => {
  it("does not keep it alive", async () => {
    const program = `
      import { Session } from "SESSION";
      const session = new Session({ idleTimeout: 3600 });
      const id = await session.create({ userId: "123" });
      console.log((await session.get(id)).userId);`;
    assert.deepEqual(await runAlone(program), { code: 0, output: "123" });
  });

  it("is collected when nobody uses it any more, its timer notwithstanding", async () => {
    const program = `
      import { MemoryStore, Session } from "SESSION";
      const collect = globalThis.gc ?? (() => Bun.gc(true));
      const begin = async () => {
        const store = new MemoryStore();
        await new Session({ store, idleTimeout: 3600 }).create({});
        return new WeakRef(store);
      };
      const reference = await begin();
      for (let turn = 0; turn < 50 && reference.deref(); turn++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        collect();
      }
      console.log(reference.deref() === undefined ? "collected" : "held");`;
    assert.deepEqual(await runAlone(program), { code: 0, output: "collected" });
  });
});
