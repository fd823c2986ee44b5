// Sessions that are watched in one process and ended in another: the store's messages, not the watcher's own looking.
import assert from "node:assert/strict";
import { Session } from "../../src/session.ts";
import type { Fields, TestRunner } from "../../src/testing/conformance-bench.ts";
import { type MultiProcessOptions, Worker } from "./multi-process.ts";
import { type OpenForProcess, OPTIONS } from "./multi-process-worker.ts";

// A watcher looks for itself after 30 s: whatever comes far earlier was a message.
const BY_MESSAGE = 10_000;

/** The milliseconds from the moment before each session is ended, one after the other, until `worker`, which watches them, is told. */
export async function toldAfter(worker: Worker, ids: readonly string[], end: (id: string) => Promise<unknown>): Promise<number[]> {
  await worker.tell({ task: "watch", ids });
  const ended: bigint[] = [];
  for (const id of ids) {
    ended.push(process.hrtime.bigint());
    await end(id);
  }
  const fired = (await worker.tell({ task: "fired" })) as string[];
  return fired.map((moment, at) => Number(BigInt(moment) - (ended[at] as bigint)) / 1e6);
}

/** Opens a store in a process that watches and in this one. */
export async function openWatch({ opener, target }: MultiProcessOptions): Promise<{ worker: Worker; session: Session<Fields>; close(): Promise<void> }> {
  const worker = new Worker();
  await worker.tell({ task: "open", opener: opener.href, target: target() });
  const { openForProcess } = (await import(opener.href)) as { openForProcess: OpenForProcess };
  const opened = await openForProcess(target());
  const session = new Session<Fields>({ ...OPTIONS, store: opened.store });
  return {
    worker,
    session,
    async close() {
      await worker.end();
      await session.close();
      await opened.close?.();
    },
  };
}

/** Holds a store to telling other processes of ends. */
export function watchSuite({ describe, it, before, after }: TestRunner, options: MultiProcessOptions): void {
  describe(`watch in another process over ${options.name}`, () => {
    let opened: Awaited<ReturnType<typeof openWatch>>;
    before(async () => void (opened = await openWatch(options)));
    after(() => opened?.close());

    const userId = `watched-${process.pid}`;
    const ends: Record<string, (session: Session<Fields>) => (id: string) => Promise<unknown>> = {
      "a logout": (session) => (id) => session.delete(id),
      "a rotation and a logout": (session) => async (id) => session.delete(await session.rotate(id)),
      revokeAll: (session) => () => session.revokeAll(userId),
      revokeEverything: (session) => () => session.revokeEverything(),
    };
    for (const [name, end] of Object.entries(ends)) {
      it(`fires by message at ${name}`, async () => {
        const ids = await Promise.all(Array.from({ length: 3 }, () => opened.session.create({ userId })));
        const times = await toldAfter(opened.worker, ids, end(opened.session));
        assert.ok(Math.max(...times) < BY_MESSAGE, `told after ${times.join(", ")} ms`);
      });
    }
  });
}
